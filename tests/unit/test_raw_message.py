"""Messages that come ready made: what is done to them, and what is not."""

from __future__ import annotations

import io
from email.message import EmailMessage, Message
from email.mime.text import MIMEText
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import EnvelopeError, MessageError
from pymailer.message.merge import merge_message
from pymailer.results import Envelope
from tests.composing import composed, composed_in, read

HEADER = b"From: A <a@example.com>\r\nTo: b@example.com\r\nSubject: Hi\r\nMessage-ID: <1@example.com>\r\n"
RAW = HEADER + b"\r\nbody\r\n"
ALONE = {"from_": None, "to": None}


def sent(raw: object, **fields: object) -> bytes:
    message = composed(raw=raw, **{**ALONE, **fields}).message
    content = message.as_bytes()
    assert message.size in (None, len(content))
    return content


class TestItsOctets:
    @pytest.mark.parametrize("raw", [RAW, RAW.decode(), io.BytesIO(RAW), [RAW[:30], RAW[30:]], {"content": RAW}])
    def test_are_sent_as_they_are(self, raw: object) -> None:
        assert sent(raw) == RAW

    def test_come_from_files_too(self, tmp_path: Path) -> None:
        path = tmp_path / "x.eml"
        path.write_bytes(RAW)
        assert sent(path) == sent({"path": str(path)}) == RAW

    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
    def test_get_the_line_ends_of_mail(self, end: bytes) -> None:
        assert sent(RAW.replace(b"\r\n", end)) == RAW

    def test_get_a_complete_last_line(self) -> None:
        assert sent(RAW.removesuffix(b"\r\n")) == RAW

    @pytest.mark.parametrize("raw", [HEADER, HEADER + b"\r\n", HEADER.removesuffix(b"\r\n")])
    def test_may_be_a_header_alone(self, raw: bytes) -> None:
        assert sent(raw) == HEADER + b"\r\n"

    def test_may_have_no_header(self) -> None:
        result = composed(raw=b"\r\nbody", **ALONE, envelope={"from": "", "to": "x@y.z"})
        assert result.message.as_bytes() == b"\r\nbody\r\n"
        assert result.message.message_id is None

    def test_keep_fields_that_no_composer_would_write(self) -> None:
        odd = b"Subject:no blank\r\nX-Odd:\r\n folded\r\n\tagain\r\nX-Raw: \xfc\xf6\r\n" + HEADER
        assert sent(odd + b"\r\nx\r\n") == odd + b"\r\nx\r\n"

    def test_must_not_hold_a_nul(self) -> None:
        for raw in (RAW + b"\0", RAW.replace(b"Hi", b"H\0i"), [RAW, b"x" * 300_000, b"\0"]):
            with pytest.raises(MessageError):
                sent(raw)

    @pytest.mark.parametrize("raw", [b"no header", b"From me\r\n\r\nx", b" folded: x\r\n\r\n", b"X\xfc: x\r\n\r\n", 5])
    def test_must_begin_with_a_header(self, raw: object) -> None:
        with pytest.raises(MessageError):
            sent(raw, envelope={"from": "", "to": "x@y.z"})

    def test_that_are_8_bit_say_so(self) -> None:
        assert not composed(raw=RAW, **ALONE).message.needs_8bit
        assert composed(raw=RAW + b"\xfe", **ALONE).message.needs_8bit
        assert not composed(raw=RAW + b"\xfe", **ALONE).message.needs_smtputf8
        assert composed(raw=RAW.replace(b"Hi", "Größe".encode()), **ALONE).message.needs_smtputf8


class TestALargeOne:
    BODY = b"line of text\n" * 100_000

    @pytest.mark.parametrize("end", [b"", b"no line end"])
    @pytest.mark.parametrize("header", [HEADER, HEADER.replace(b"\r\n", b"\n")])
    def test_is_streamed_and_its_size_known_if_it_can_be_read_twice(
        self, drive, tmp_path: Path, header: bytes, end: bytes
    ) -> None:
        path = tmp_path / "x.eml"
        path.write_bytes(header + b"\n" + self.BODY + end)

        async def send(runtime) -> tuple[int | None, bytes]:
            message = (await composed_in(runtime, raw=path, **ALONE)).message
            return message.size, b"".join([chunk async for chunk in message.chunks(runtime)])

        size, content = drive(send)
        expected = HEADER + b"\r\n" + self.BODY.replace(b"\n", b"\r\n") + (end and end + b"\r\n")
        assert content == expected
        assert size == len(expected)

    def test_that_can_be_read_once_is_streamed_without_a_size(self) -> None:
        message = composed(raw=iter([HEADER, b"\n", self.BODY]), **ALONE).message
        assert (message.size, message.replayable, message.needs_8bit) == (None, False, True)
        assert message.as_bytes() == HEADER + b"\r\n" + self.BODY.replace(b"\n", b"\r\n")

    def test_has_a_header_of_reasonable_size(self) -> None:
        with pytest.raises(MessageError, match="256 KiB"):
            sent([b"X-A: x\r\n"] * 50_000 + [RAW])


class TestBcc:
    @pytest.mark.parametrize(
        "field",
        [
            b"Bcc: secret@example.com\r\n",
            b"BCC: other@example.com,\r\n secret@example.com\r\n",
            b"bCc : secret@example.com\r\n",
            b"Bcc:\r\n\tother@example.com,\r\n\tsecret@example.com\r\n",
            b"Bcc: other@example.com\r\nBcc: secret@example.com\r\n",
        ],
    )
    @pytest.mark.parametrize("end", [b"\r\n", b"\n"])
    def test_is_removed_and_its_recipients_are_not(self, field: bytes, end: bytes) -> None:
        for raw in (field + RAW, HEADER + field + b"X-Last: 1\r\n\r\nbcc: in the body\r\n"):
            result = composed(raw=raw.replace(b"\r\n", end), **ALONE)
            content = result.message.as_bytes()
            assert b"secret" not in content
            assert b"other" not in content
            assert "secret@example.com" in result.envelope.to
            assert content.endswith((b"\r\n\r\nbody\r\n", b"X-Last: 1\r\n\r\nbcc: in the body\r\n"))

    def test_is_removed_from_a_message_that_is_sent_again(self) -> None:
        resent = b"Resent-From: r@example.com\r\nResent-To: x@example.com\r\nResent-Bcc: secret@example.com\r\n"
        result = composed(raw=resent + RAW, **ALONE)
        assert b"secret" not in result.message.as_bytes()
        assert result.envelope == Envelope("r@example.com", ["x@example.com", "secret@example.com"])

    def test_alone_in_an_email_message_is_enough(self) -> None:
        message = EmailMessage()
        message["From"], message["Bcc"] = "a@example.com", "secret@example.com"
        message.set_content("x")
        result = composed(raw=message, **ALONE)
        assert result.envelope.to == ("secret@example.com",)
        assert b"secret" not in result.message.as_bytes()
        assert message["Bcc"] == "secret@example.com"


class TestItsEnvelope:
    def test_is_that_of_its_header(self) -> None:
        raw = b"Cc: =?utf-8?q?=C3=BC?= <c@example.com>, Friends: d@example.com;\r\n" + RAW
        assert composed(raw=raw, **ALONE).envelope == Envelope(
            "a@example.com", ["b@example.com", "c@example.com", "d@example.com"]
        )

    def test_is_what_is_given(self) -> None:
        given = {"from": "x@example.com", "to": "y@example.com"}
        assert composed(raw=RAW, **ALONE, envelope=given).envelope == Envelope("x@example.com", ["y@example.com"])

    def test_follows_the_fields_beside_it_but_not_the_defaults(self) -> None:
        message = merge_message(
            {"raw": RAW, "bcc": "x@example.com"}, {}, {"from": "d@example.com", "to": "d@example.com"}
        )
        result = composed(message.given(), **ALONE)
        assert result.envelope == Envelope("a@example.com", ["x@example.com"])
        assert result.message.as_bytes() == RAW

    def test_follows_the_defaults_where_nothing_else_says_who(self) -> None:
        result = composed(raw=b"Subject: x\r\n\r\ny\r\n")
        assert result.envelope == Envelope("a@example.com", ["b@example.com"])
        assert result.message.as_bytes() == b"Subject: x\r\n\r\ny\r\n"
        named = composed(raw=b"From: x@example.com\r\nTo: y@example.com\r\n\r\n")
        assert named.envelope == Envelope("x@example.com", ["y@example.com"])

    @pytest.mark.parametrize(
        "raw", [b"To: b@example.com\r\n\r\nx", b"From: b@example.com\r\n\r\nx", b"From: b@example.com\r\nTo:\r\n\r\nx"]
    )
    def test_needs_a_sender_and_a_recipient(self, raw: bytes) -> None:
        with pytest.raises(EnvelopeError):
            composed(raw=raw, **ALONE)

    def test_of_a_message_that_was_sent_again_twice_has_to_be_given(self) -> None:
        again = b"Resent-From: r@example.com\r\nResent-To: x@example.com\r\n"
        with pytest.raises(EnvelopeError, match="envelope"):
            composed(raw=again + again + RAW, **ALONE)


class TestItsMessageId:
    def test_is_its_own(self) -> None:
        assert composed(raw=RAW, **ALONE).message.message_id == "<1@example.com>"

    def test_may_be_missing(self) -> None:
        raw = RAW.replace(b"Message-ID", b"X-ID")
        assert composed(raw=raw, **ALONE).message.message_id is None


class TestFieldsBesideIt:
    def test_replace_its_own(self) -> None:
        content = sent(RAW, subject="Größe", headers={"X-A": ["1", "2"]}, priority="high", message_id="2@example.com")
        message = read(content)
        assert message.get_all("Subject") == ["Größe"]
        assert message.get_all("X-A") == ["1", "2"]
        assert message["Importance"] == "High"
        assert message["Message-ID"] == "<2@example.com>"
        assert content.startswith(b"From: A <a@example.com>\r\nTo: b@example.com\r\nSubject: =?UTF-8?")

    @pytest.mark.parametrize("field", ["text", "html", "attachments", "ical_event"])
    def test_cannot_be_content(self, field: str) -> None:
        with pytest.raises(MessageError, match=field):
            sent(RAW, **{field: {"content": "x"}})


class TestAnEmailMessage:
    def test_keeps_lines_that_begin_with_from(self) -> None:
        message = MIMEText("From me\nto you\n")
        message["From"], message["To"] = "a@example.com", "b@example.com"
        assert b"\r\n\r\nFrom me\r\nto you\r\n" in sent(message)

    def test_that_cannot_be_written_is_refused(self) -> None:
        message = Message()
        message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "x\nBcc: x@y.z"
        with pytest.raises(MessageError):
            sent(message)

    def test_never_gets_a_header_from_a_text_that_its_own_writer_breaks(self) -> None:
        message = EmailMessage()
        message["From"], message["To"] = "a@example.com", "b@example.com"
        message["Subject"] = "A 💩 subject=?UTF-8?Q?=0A?=Bcc: injected@example.com"
        try:
            names = [name.lower() for name in read(sent(message)).keys()]  # noqa: SIM118 -- names that repeat
        except MessageError:
            return  # a version of Python that breaks it
        assert "bcc" not in names

    def test_with_attachments_comes_through_whole(self) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "ö <a@example.com>", "b@example.com", "Größe " * 30
        message.set_content("text\n")
        message.add_alternative("<p>html", subtype="html")
        message.add_attachment(b"\0\1", maintype="application", subtype="x", filename="ü.bin")
        got = read(sent(message))
        assert got["Subject"] == message["Subject"]
        (part,) = got.iter_attachments()
        assert (part.get_filename(), part.get_content()) == ("ü.bin", b"\0\1")


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"x", b"Bcc: x@y.z", b" "]), max_size=30).map(b"".join),
    st.integers(1, 40),
)
def test_any_body_cut_anywhere_is_the_same_body(body: bytes, size: int) -> None:
    raw = RAW + body
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    content = sent(pieces)
    assert content == sent(raw)
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
