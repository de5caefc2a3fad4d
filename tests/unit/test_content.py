"""Where content may come from, in both colours, and that it is never cut short in silence."""

from __future__ import annotations

import base64
import io
import os
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pymailer.errors import MessageError
from pymailer.message.composer import ComposePolicy
from pymailer.message.content import CHUNK
from pymailer.message.recurring import RECURRING
from pymailer.message.settle import GLANCE
from tests.composing import composed, composed_in, octets, read, reread, text_of

LARGE = bytes(range(256)) * 4096  # 1 MiB, more than is held of anything
LARGE_TEXT = "Zeile für Zeile derselbe Text.\n" * 20_000
DESCRIPTORS = Path("/proc/self/fd")
SIZES = [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, GLANCE + 1, len(LARGE)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "content.bin"


def pieces(data: bytes, size: int = 10_007) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def awaited(data: bytes, size: int = 10_007) -> AsyncIterator[bytes]:
    for piece in pieces(data, size):
        yield piece


class Unseekable(io.RawIOBase):
    """A binary file like the end of a pipe."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._file.readinto(buffer)


SOURCES = {
    "str": lambda data, path: data.decode("latin-1").encode("ascii", "replace").decode(),
    "bytes": lambda data, path: data,
    "bytearray": lambda data, path: bytearray(data),
    "memoryview": lambda data, path: memoryview(data),
    "BytesIO": lambda data, path: io.BytesIO(data),
    "a file that is not seekable": lambda data, path: Unseekable(data),
    "an iterator": lambda data, path: pieces(data),
    "a list": lambda data, path: list(pieces(data)),
    "bytearrays": lambda data, path: map(bytearray, pieces(data)),
    "an async iterator": lambda data, path: awaited(data),
    "a Path": lambda data, path: path,
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("size", SIZES)
def test_every_octet_of_every_kind_of_content_arrives(drive, kind: str, size: int, path: Path) -> None:
    data = LARGE[:size].translate(bytes(code % 128 for code in range(256))) if kind == "str" else LARGE[:size]
    path.write_bytes(data)

    async def chunks(runtime) -> list[bytes]:
        content = {"content": SOURCES[kind](data, path), "filename": "x.bin"}
        message = (await composed_in(runtime, text="t", attachments=[content])).message
        found = [chunk async for chunk in message.chunks(runtime)]
        assert message.size in (None, sum(map(len, found)))
        assert max(map(len, found)) < 4 * CHUNK or RECURRING.known(data)
        return found

    (part,) = read(b"".join(drive(chunks))).iter_attachments()
    assert part.get_payload(decode=True) == data


@pytest.mark.parametrize("kind", [kind for kind in SOURCES if kind != "str"])
@pytest.mark.parametrize("size", [0, 1000, GLANCE + 1])
def test_every_kind_of_content_may_be_a_text(drive, kind: str, size: int, path: Path) -> None:
    text = LARGE_TEXT[:size].encode()
    path.write_bytes(text)

    async def content(runtime) -> bytes:
        message = (await composed_in(runtime, text=SOURCES[kind](text, path))).message
        return b"".join([chunk async for chunk in message.chunks(runtime)])

    assert text_of(read(drive(content))) == text.decode().removesuffix("\n")


class TestText:
    @pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\rb", b"a\nb", {"content": "a\nb"}, {"content": b"a\rb"}])
    def test_has_the_line_ends_of_mail(self, text: object) -> None:
        assert octets(text=text).endswith(b"\r\n\r\na\r\nb\r\n")

    @pytest.mark.parametrize(
        ("fields", "encoding"),
        [
            ({"text": "plain"}, "7bit"),
            ({"text": b"plain"}, "7bit"),
            ({"text": "größer als gedacht"}, "quoted-printable"),
            ({"text": "привет"}, "base64"),
            ({"text": "x" * 79}, "quoted-printable"),
            ({"text": "a\0b"}, "base64"),
            ({"text": "a\0b" + "x" * 60}, "quoted-printable"),
            ({"text": "plain", "text_encoding": "base64"}, "base64"),
            ({"text": "plain", "textEncoding": "Quoted-Printable"}, "quoted-printable"),
            ({"text": {"content": "plain", "content_transfer_encoding": "base64"}}, "base64"),
            ({"text": {"content": "größer", "content_transfer_encoding": "8bit"}}, "8bit"),
            ({"text": {"path": "data:,plain"}}, "7bit"),
        ],
        ids=str,
    )
    def test_is_encoded_as_its_content_asks_for(self, fields: dict, encoding: str) -> None:
        assert reread(fields)["Content-Transfer-Encoding"] == encoding

    def test_may_be_in_another_character_set(self) -> None:
        message = reread(text={"content": "größer", "content_type": "text/plain; charset=iso-8859-1"})
        assert message.get_payload(decode=True).rstrip() == "größer".encode("latin-1")
        assert message.get_content().strip() == "größer"

    @pytest.mark.parametrize(
        ("content", "written"),
        [("word " * 20 + "end", "word " * 14 + "\r\n" + "word " * 6 + "end"), (b"> a \nb", "> a \r\nb")],
    )
    def test_may_be_flowed_and_octets_are_what_they_are(self, content: object, written: str) -> None:
        message = reread(text={"content": content, "content_type": "text/plain; format=flowed"})
        assert message["Content-Type"].params == {"format": "flowed", "charset": "utf-8"}
        assert message.get_payload(decode=True).decode().removesuffix("\r\n") == written

    @pytest.mark.parametrize("charset", ["utf-16", "utf-32le"])
    def test_in_wide_characters_keeps_its_octets(self, charset: str) -> None:
        message = reread(text={"content": "ab\ncd", "content_type": f"text/plain; charset={charset}"})
        assert message.get_payload(decode=True) == "ab\ncd".encode(charset)

    @pytest.mark.parametrize(
        "text",
        [
            chr(0xD800),
            {"content": "ö", "content_type": "text/plain; charset=ascii"},
            {"content": "x", "content_type": "text/plain; charset=unheard-of"},
            {"content": "zz", "encoding": "hex"},
        ],
        ids=ascii,
    )
    def test_that_cannot_be_encoded_is_refused(self, text: object) -> None:
        with pytest.raises(MessageError):
            octets(text=text)

    @pytest.mark.parametrize("encoding", ["base64", "BASE64", "base64url", "hex"])
    def test_may_be_given_in_an_encoding(self, encoding: str) -> None:
        given = {"hex": "grün".encode().hex()}.get(encoding, "Z3LDvG4=")
        assert text_of(reread(text=given, encoding=encoding)) == "grün"
        assert text_of(reread(html={"content": given, "encoding": encoding})) == "grün"

    def test_given_in_a_character_set_says_so(self) -> None:
        message = reread(text={"content": "grün", "encoding": "latin1"})
        assert message.get_content_charset() == "latin1"
        assert message.get_content().strip() == "grün"

    def test_that_streams_is_not_7bit_for_what_nobody_has_seen_yet(self) -> None:
        message = reread(text=(b"plain\n" for _ in range(100_000)))
        assert message["Content-Transfer-Encoding"] == "quoted-printable"
        assert text_of(message) == "\n".join(["plain"] * 100_000)


class TestAnOpenFile:
    def test_is_read_from_where_it_stands_and_stays_open(self, path: Path) -> None:
        path.write_bytes(b"0123456789")
        with path.open("rb") as file:
            file.seek(4)
            (part,) = reread(text="t", attachments=[{"content": file}]).iter_attachments()
            assert part.get_payload(decode=True) == b"456789"
            assert not file.closed

    def test_is_read_again_from_there(self, path: Path) -> None:
        path.write_bytes(LARGE)
        with path.open("rb") as file:
            file.seek(100)
            message = composed(attachments=[{"content": file}]).message
            assert message.replayable
            assert message.as_bytes() == message.as_bytes()

    def test_in_text_mode_is_refused(self, path: Path) -> None:
        path.write_text("text")
        with path.open(encoding="utf-8") as file, pytest.raises(MessageError, match="binary"):
            octets(attachments=[{"content": file}])

    def test_that_is_closed_is_refused(self, path: Path) -> None:
        path.write_bytes(b"x")
        file = path.open("rb")
        file.close()
        with pytest.raises(MessageError) as caught:
            octets(attachments=[{"content": file}])
        assert caught.value.code == "ESTREAM"


class TestAFile:
    def test_that_is_not_there_is_told_before_anything_is_sent(self, drive, path: Path) -> None:
        with pytest.raises(MessageError, match=str(path)) as caught:
            drive(lambda runtime: composed_in(runtime, attachments=[{"path": path}]))
        assert caught.value.code == "ESTREAM"
        assert isinstance(caught.value.__cause__, FileNotFoundError)

    @pytest.mark.parametrize("bad", ["/", "\0"])
    def test_that_is_none_is_refused(self, bad: str) -> None:
        with pytest.raises(MessageError):
            octets(attachments=[{"path": bad}])

    def test_that_shrank_meanwhile_fails(self, path: Path) -> None:
        path.write_bytes(LARGE)
        message = composed(attachments=[{"path": path}]).message
        path.write_bytes(LARGE[:1000])
        with pytest.raises(MessageError, match="before its end") as caught:
            message.as_bytes()
        assert caught.value.code == "ESTREAM"

    def test_that_grew_meanwhile_is_what_it_was(self, path: Path) -> None:
        path.write_bytes(b"first")
        message = composed(text="t", attachments=[{"path": path}]).message
        with path.open("ab") as file:
            file.write(b", second")
        (part,) = read(message.as_bytes()).iter_attachments()
        assert part.get_payload(decode=True) == b"first"

    def test_is_opened_for_each_reading_and_closed_after_it(self, path: Path) -> None:
        path.write_bytes(LARGE)
        message = composed(attachments=[{"path": path}]).message
        before = len(list(DESCRIPTORS.iterdir()))
        chunks = message.iter_bytes()
        next(chunks)
        assert len(list(DESCRIPTORS.iterdir())) > before
        del chunks
        assert len(list(DESCRIPTORS.iterdir())) == before
        assert len(message.as_bytes()) == message.size

    def test_that_says_it_is_empty_and_is_not_is_read_to_its_end(self) -> None:
        (part,) = reread(text="t", attachments=[{"path": "/proc/self/status"}]).iter_attachments()
        assert b"Pid:" in part.get_payload(decode=True)

    def test_that_is_a_pipe_is_read_when_it_is_sent(self, path: Path) -> None:
        os.mkfifo(path)
        message = composed(text="t", attachments=[{"path": path, "filename": "x"}]).message
        assert not message.replayable
        writer = threading.Thread(target=path.write_bytes, args=(b"through the pipe",))
        writer.start()
        (part,) = read(message.as_bytes()).iter_attachments()
        writer.join()
        assert part.get_payload(decode=True) == b"through the pipe"

    @pytest.mark.parametrize(
        "path", ["http://example.com/x", "HTTPS://example.com/x", "file:///etc/passwd", "\\\\host\\share"]
    )
    def test_is_never_an_address(self, path: str) -> None:
        with pytest.raises(MessageError):
            octets(attachments=[{"path": path}])

    def test_is_never_a_text_that_names_one(self) -> None:
        (part,) = reread(text="t", attachments=[{"content": "/etc/passwd"}]).iter_attachments()
        assert part.get_payload(decode=True) == b"/etc/passwd"


FILES = [
    {"attachments": [{"path": "/etc/passwd"}]},
    {"attachments": [{"content": Path("/etc/passwd")}]},
    {"text": Path("/etc/passwd")},
    {"html": {"path": "/etc/passwd"}},
    {"raw": {"path": "/etc/passwd"}},
    {"raw": Path("/etc/passwd")},
    {"ical_event": {"path": "/etc/passwd"}},
    {"alternatives": [{"path": "/etc/passwd"}]},
    {"attachments": [{"raw": {"path": "/etc/passwd"}}]},
]
URLS = [
    {"attachments": [{"href": "http://example.com/"}]},
    {"html": {"href": "https://example.com/"}},
    {"raw": {"href": "https://example.com/"}},
    {"ical_event": {"href": "https://example.com/"}},
]


class TestAccess:
    @pytest.mark.parametrize("fields", FILES, ids=str)
    def test_to_files_can_be_forbidden_by_the_message_or_the_mailer(self, fields: dict) -> None:
        for message, policy in (({"disable_file_access": True}, None), ({}, ComposePolicy(disable_file_access=True))):
            with pytest.raises(MessageError, match="/etc/passwd") as caught:
                composed({**fields, **message}, policy=policy)
            assert caught.value.code == "EFILEACCESS"

    @pytest.mark.parametrize("fields", URLS, ids=str)
    def test_to_the_web_can_be_forbidden_by_the_message_or_the_mailer(self, fields: dict) -> None:
        for message, policy in (({"disableUrlAccess": True}, None), ({}, ComposePolicy(disable_url_access=True))):
            with pytest.raises(MessageError, match=r"example\.com") as caught:
                composed({**fields, **message}, policy=policy)
            assert caught.value.code == "EURLACCESS"

    def test_that_the_mailer_forbids_no_message_can_allow(self) -> None:
        with pytest.raises(MessageError):
            composed(
                text=Path("/etc/hostname"), disable_file_access=False, policy=ComposePolicy(disable_file_access=True)
            )

    def test_is_not_asked_for_what_is_written_out(self) -> None:
        policy = ComposePolicy(disable_file_access=True, disable_url_access=True)
        assert composed(attachments=[{"path": "data:,x"}, {"href": "data:,x"}], policy=policy).message.size


class TestWhatFailsMidway:
    def test_is_never_a_shorter_message(self, drive) -> None:
        def failing() -> Iterator[bytes]:
            yield LARGE
            raise ConnectionResetError("gone")

        async def send(runtime) -> list[bytes]:
            message = (await composed_in(runtime, attachments=[{"content": failing()}])).message
            return [chunk async for chunk in message.chunks(runtime)]

        with pytest.raises(MessageError) as caught:
            drive(send)
        assert caught.value.code == "ESTREAM"
        assert isinstance(caught.value.__cause__, ConnectionResetError)

    def test_is_told_before_anything_is_sent_if_it_had_to_be_awaited(self, drive) -> None:
        async def failing() -> AsyncIterator[bytes]:
            yield LARGE
            raise ConnectionResetError("gone")

        with pytest.raises(MessageError) as caught:
            drive(lambda runtime: composed_in(runtime, attachments=[{"content": failing()}]))
        assert isinstance(caught.value.__cause__, ConnectionResetError)

    def test_closes_the_generator_that_it_leaves(self, drive) -> None:
        closed = []

        async def endless() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield "no octets"
            finally:
                closed.append(True)

        with pytest.raises(MessageError, match="bytes"):
            drive(lambda runtime: composed_in(runtime, attachments=[{"content": endless()}]))
        assert closed == [True]

    @pytest.mark.parametrize("piece", ["text", None, 5])
    def test_is_also_what_gives_something_other_than_octets(self, piece: object) -> None:
        with pytest.raises(MessageError) as caught:
            octets(attachments=[{"content": iter([b"x", piece])}])
        assert caught.value.code == "ESTREAM"


class TestWhatGoesAsItIs:
    HEADER = b"Subject: inner\r\n\r\n"
    ASCII = HEADER + b"plain\n" * 60_000
    WIDE = HEADER + "größe\n".encode() * 60_000

    @pytest.mark.parametrize("content", [ASCII, WIDE], ids=["7bit", "8bit"])
    def test_in_a_file_is_measured_first(self, drive, path: Path, content: bytes) -> None:
        path.write_bytes(content)

        async def send(runtime) -> tuple[int | None, bytes]:
            attachment = {"path": path, "content_type": "message/rfc822"}
            message = (await composed_in(runtime, text="t", attachments=[attachment])).message
            assert message.needs_8bit is (not content.isascii())
            return message.size, b"".join([chunk async for chunk in message.chunks(runtime)])

        size, sent = drive(send)
        assert size == len(sent)
        assert content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") in sent
        (part,) = read(sent).iter_attachments()
        assert part["Content-Transfer-Encoding"] == ("7bit" if content.isascii() else "8bit")

    def test_that_nobody_can_measure_may_have_8_bits(self) -> None:
        attachment = {"content": pieces(self.WIDE), "content_type": "message/rfc822"}
        message = composed(attachments=[attachment]).message
        assert message.needs_8bit
        assert message.as_bytes().endswith("größe\r\n".encode())

    @pytest.mark.parametrize("bad", [b"\0", b"\xff"])
    @pytest.mark.parametrize("streamed", [False, True])
    def test_is_refused_if_it_cannot_go_so(self, path: Path, bad: bytes, streamed: bool) -> None:
        path.write_bytes(self.ASCII + bad)
        content = {"content": pieces(self.ASCII + bad)} if streamed else {"path": path}
        attachment = {**content, "filename": "x.txt", "content_transfer_encoding": "7bit"}
        with pytest.raises(MessageError) as caught:
            composed(attachments=[attachment]).message.as_bytes()
        assert caught.value.code == ("EMESSAGE" if bad == b"\0" else "ESTREAM")


class TestContentInAnEncoding:
    @pytest.mark.parametrize(
        "given", [b"aGVsbG8=", bytearray(b"aGVsbG8="), memoryview(b"aGVsbG8="), io.BytesIO(b"aGVsbG8=")]
    )
    def test_is_decoded_whatever_holds_it(self, given: object) -> None:
        (part,) = reread(text="t", attachments=[{"content": given, "encoding": "base64"}]).iter_attachments()
        assert part.get_payload(decode=True) == b"hello"

    def test_may_be_in_a_file(self, path: Path) -> None:
        path.write_bytes(base64.encodebytes(LARGE))
        (part,) = reread(text="t", attachments=[{"path": path, "encoding": "base64"}]).iter_attachments()
        assert part.get_payload(decode=True) == LARGE

    def test_has_to_fit_in_memory(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pymailer.message.settle.MAX_HELD", 1000)
        path.write_bytes(b"A" * 1001)
        with pytest.raises(MessageError, match="1000"):
            composed(attachments=[{"path": path, "encoding": "base64"}])


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_long_text_is_encoded_while_it_is_sent(encoding: str) -> None:
    message = reread(text=pieces(LARGE_TEXT.encode()), text_encoding=encoding)
    assert message["Content-Transfer-Encoding"] == encoding
    assert text_of(message) == LARGE_TEXT.removesuffix("\n")


class TestSizeAndReplay:
    @pytest.mark.parametrize(
        ("content", "sized", "replayable"),
        [
            (b"x", True, True),
            (io.BytesIO(b"x"), True, True),
            ([b"x"], False, True),
            (iter([b"x"]), False, False),
            (Unseekable(b"x"), False, False),
        ],
        ids=["bytes", "BytesIO", "list", "iterator", "unseekable"],
    )
    def test_are_known_where_they_can_be(self, content: object, sized: bool, replayable: bool) -> None:
        message = composed(attachments=[{"content": content, "filename": "x.bin"}]).message
        assert (message.size is not None, message.replayable) == (sized, replayable)

    def test_what_was_awaited_can_be_sent_again(self, drive) -> None:
        async def twice(runtime) -> None:
            message = (await composed_in(runtime, attachments=[{"content": awaited(LARGE)}])).message
            assert message.as_bytes() == message.as_bytes()
            assert message.size == len(message.as_bytes())

        drive(twice)

    def test_what_can_be_read_once_can_be_put_where_it_can_be_read_again(self, drive) -> None:
        async def twice(runtime) -> None:
            content = [
                {"content": pieces(LARGE)},
                {"content": pieces(b"From: x\n\nx"), "content_type": "message/rfc822"},
            ]
            message = (await composed_in(runtime, text=pieces(LARGE_TEXT.encode()), attachments=content)).message
            assert (message.size, message.replayable) == (None, False)
            await message.materialize(runtime)
            assert message.as_bytes() == message.as_bytes()
            assert message.size == len(message.as_bytes())

        drive(twice)


@pytest.mark.parametrize("kind", ["path", "iterator", "async iterator", "bytes"])
def test_a_large_attachment_takes_no_memory(drive, path: Path, kind: str) -> None:
    size = 32 * 1024 * 1024
    with path.open("wb") as file:
        file.truncate(size)
    block = bytes(1024 * 1024)
    whole = bytes(size) if kind == "bytes" else b""

    async def zeros() -> AsyncIterator[bytes]:
        for _ in range(size // len(block)):
            yield block

    async def send(runtime) -> int:
        content = {
            "path": path,
            "bytes": whole,
            "iterator": (block for _ in range(size // len(block))),
            "async iterator": zeros(),
        }[kind]
        message = (await composed_in(runtime, text="t", attachments=[{"content": content}])).message
        return sum([len(chunk) async for chunk in message.chunks(runtime)])

    tracemalloc.start()
    try:
        assert drive(send) > size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
