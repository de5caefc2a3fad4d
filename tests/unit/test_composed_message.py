"""A composed message before it goes: its header may be edited, its octets transformed, and it may be read as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import MessageError
from pymailer.message.composed import ComposedMessage
from tests.composing import composed, composed_in, octets, read, reread, text_of

CONTENT = b"From: a@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: Hi\r\n\r\nbody\r\n"


def upper(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk.upper()


class TestItsHeader:
    def test_may_be_edited(self) -> None:
        message = composed(subject="old", text="t").message
        message.headers.set("Subject", "größer")
        message.headers.add("X-New", "1")
        message.headers.remove("Date")
        got = read(message.as_bytes())
        assert (got["Subject"], got["X-New"], got["Date"]) == ("größer", "1", None)
        assert message.size == len(message.as_bytes())

    def test_may_be_edited_after_the_size_was_asked_for(self) -> None:
        message = composed(subject="old").message
        before = message.size
        message.headers.set("Subject", "a little longer")
        assert message.size == len(message.as_bytes()) > before

    def test_tells_the_message_id_that_it_has(self) -> None:
        message = composed(text="t").message
        message.headers.set("Message-ID", "<2@example.com>")
        assert message.message_id == "<2@example.com>"

    def test_says_if_it_needs_smtputf8(self) -> None:
        assert not composed(subject="größer").message.needs_smtputf8
        assert composed(from_="größer@example.com").message.needs_smtputf8


class TestATransform:
    def test_sees_every_octet_and_what_it_gives_is_sent(self) -> None:
        message = composed(text="text").message
        whole = message.as_bytes()
        message.transform(upper)
        assert message.as_bytes() == whole.upper()
        assert message.size is None

    def test_comes_after_those_before_it(self, drive) -> None:
        async def send(runtime) -> bytes:
            message = (await composed_in(runtime, text="t")).message
            message.transform(lambda chunks: [b"".join(chunks) + b"first "])
            message.transform(lambda chunks: [b"".join(chunks) + b"second"])
            return b"".join([chunk async for chunk in message.chunks(runtime)])

        assert drive(send).endswith(b"first second")

    def test_is_applied_to_each_reading(self) -> None:
        message = composed(text="text").message
        message.transform(upper)
        assert message.as_bytes() == message.as_bytes()

    def test_sees_content_that_streams(self, drive, tmp_path) -> None:
        path = tmp_path / "x"
        path.write_bytes(bytes(500_000))
        seen = []

        def count(chunks: Iterable[bytes]) -> Iterator[bytes]:
            for chunk in chunks:
                seen.append(len(chunk))
                yield chunk

        async def send(runtime) -> int:
            message = (await composed_in(runtime, attachments=[{"path": path}])).message
            message.transform(count)
            return sum([len(chunk) async for chunk in message.chunks(runtime)])

        assert drive(send) == sum(seen)
        assert len(seen) > 3

    def test_that_fails_ends_the_reading_as_its_error(self, drive) -> None:
        def failing(chunks: Iterable[bytes]) -> Iterator[bytes]:
            yield next(iter(chunks))
            raise KeyError("mine")

        async def send(runtime) -> None:
            message = (await composed_in(runtime, text="t")).message
            message.transform(failing)
            async for _ in message.chunks(runtime):
                pass

        with pytest.raises(KeyError, match="mine"):
            drive(send)

    def test_must_give_octets(self) -> None:
        message = composed(text="t").message
        message.transform(lambda _: ["text"])
        with pytest.raises(MessageError, match="bytes"):
            message.as_bytes()

    def test_does_not_see_what_is_put_before_all(self) -> None:
        message = composed(text="text").message
        message.prepend(b"x-first: 1\r\n")
        assert message.size == len(message.as_bytes())
        message.transform(upper)
        assert message.as_bytes().startswith(b"x-first: 1\r\nFROM:")


class TestOctetsThatWereComposedBefore:
    def test_are_sent_as_they_are(self) -> None:
        message = ComposedMessage.from_bytes(CONTENT, "<1@example.com>")
        assert message.as_bytes() == CONTENT
        assert message.size == len(CONTENT)
        assert message.message_id == "<1@example.com>"
        assert message.replayable

    def test_tell_their_message_id(self) -> None:
        assert ComposedMessage.from_bytes(CONTENT).message_id == "<1@example.com>"
        assert ComposedMessage.from_bytes(b"Subject: x\r\n\r\n").message_id is None

    @pytest.mark.parametrize("content", [b"", b"\r\nbody\r\n", b"Subject: x\r\n", b"Subject: x\r\n\r\n", CONTENT])
    def test_may_be_any(self, content: bytes) -> None:
        message = ComposedMessage.from_bytes(content)
        assert message.as_bytes() == content
        assert (message.needs_8bit, message.needs_smtputf8) == (False, False)

    def test_say_what_they_need(self) -> None:
        message = ComposedMessage.from_bytes("Subject: größer\r\n\r\nüber\r\n".encode())
        assert (message.needs_8bit, message.needs_smtputf8) == (True, True)

    def test_may_be_edited_and_only_that_changes(self) -> None:
        odd = b"X-Odd:\tkept \r\n  as it is\r\n"
        message = ComposedMessage.from_bytes(odd + CONTENT)
        message.headers.set("Subject", "new")
        assert message.as_bytes() == odd + CONTENT.replace(b"Hi", b"new")
        assert message.size == len(message.as_bytes())


@settings(max_examples=80)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
)
def test_whatever_is_written_is_read(subject: str, text: str, html: str) -> None:
    message = reread(subject=subject, text=text, html=html)
    bodies = [part for part in message.walk() if not part.is_multipart()]
    read_back = [body.get_payload(decode=True).decode() for body in bodies]
    expected = [each.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n") for each in (text, html) if each]
    if len(bodies) == 1:  # whose last line the message itself completes
        read_back, expected = [read_back[0].removesuffix("\r\n")], [expected[0].removesuffix("\r\n")]
    assert read_back == expected


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=60), max_size=8), st.sampled_from(["bytes", "pieces"]))
def test_octets_cut_anywhere_are_the_same_octets(pieces: list[bytes], kind: str) -> None:
    content = b"".join(pieces) if kind == "bytes" else iter(pieces)
    (part,) = reread(text="t", attachments=[{"content": content, "filename": "x"}]).iter_attachments()
    assert part.get_payload(decode=True) == b"".join(pieces)


def test_a_text_alone_ends_its_last_line_once() -> None:
    assert octets(text="a\n").endswith(b"\r\n\r\na\r\n")
    assert text_of(reread(text="a\n\n")) == "a\n"
