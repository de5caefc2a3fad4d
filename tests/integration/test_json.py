"""What the JSON transport gives can be kept as text, and sent again as the same message."""

from __future__ import annotations

import json as stdlib_json
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from pymailer import Envelope, create_async_transport, create_transport
from pymailer.transports import json, stream
from tests.composing import read

PARTIES = {"from": "Ann <a@example.com>", "to": "b@example.com"}
EVENT = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
PIXEL = bytes.fromhex("89504e470d0a1a0a")


def fields_of(data=None, /, **fields) -> dict:
    info = create_transport(json()).send_mail(data, **({} if data else PARTIES), **fields)
    return stdlib_json.loads(info.message)


def sent(data, **fields):
    return create_transport(stream(buffer=True)).send_mail(data, **fields)


def normal(message: EmailMessage) -> list:
    """All that a reader sees of a message; boundaries he does not."""
    parts = [
        (part.get_content_type(), part.get_content_disposition(), part.get_filename(), part["Content-ID"],
         part.get_payload(decode=True))
        for part in message.walk()
    ]  # fmt: skip
    hidden = {"content-type", "content-transfer-encoding"}
    return [sorted((name, str(value)) for name, value in message.items() if name.lower() not in hidden), parts]


def test_fields_are_those_that_were_given() -> None:
    fields = fields_of(subject="Grüße", text="Hello", html="<p>Hello</p>", cc=["C <c@example.com>", "d@example.com"])
    assert fields["from"] == {"name": "Ann", "address": "a@example.com"}
    assert fields["to"] == [{"name": "", "address": "b@example.com"}]
    assert [each["name"] for each in fields["cc"]] == ["C", ""]
    assert (fields["subject"], fields["text"], fields["html"]) == ("Grüße", "Hello", "<p>Hello</p>")
    assert fields["message_id"].startswith("<")
    assert "envelope" not in fields


def test_an_attachment_is_in_base64() -> None:
    (attachment,) = fields_of(text="x", attachments=[{"filename": "ä.bin", "content": b"\0\1"}])["attachments"]
    assert attachment["filename"] == "ä.bin"
    assert (attachment["content"], attachment["encoding"]) == ("AAE=", "base64")


def test_hidden_recipients_are_kept_and_stay_hidden() -> None:
    fields = fields_of(bcc="z@example.com", text="x")
    assert fields["bcc"] == [{"name": "", "address": "z@example.com"}]
    info = sent(fields)
    assert info.envelope.to == ("b@example.com", "z@example.com")
    assert b"z@example.com" not in info.message


MESSAGES = {
    "text": {"text": "Hello\n\n.\nüber\n"},
    "empty": {"text": ""},
    "html": {"html": "<p>x</p>"},
    "both": {"text": "x", "html": "<p>x</p>", "amp": "<html ⚡4email></html>", "watch_html": "<b>x</b>"},
    "long": {"text": "ü" * 3000 + "\n" + "y" * 3000},
    "images": {
        "html": '<img src="cid:pixel@x">',
        "attachments": [
            {"filename": "p.png", "content": PIXEL, "cid": "pixel@x"},
            {"filename": "a.txt", "content": "x"},
        ],
    },
    "event": {"text": "come", "ical_event": {"method": "REQUEST", "content": EVENT, "filename": "come.ics"}},
    "alternatives": {"text": "x", "alternatives": [{"content_type": "text/x-web-markdown", "content": "**x**"}]},
    "message in a message": {
        "text": "see",
        "attachments": [{"content_type": "message/rfc822", "content": b"Subject: in\r\n\r\nside\r\n"}],
    },
    "header": {
        "text": "x",
        "headers": {"X-One": "1", "X-Many": ["a", "b"], "X-Long": "wörter " * 40},
        "priority": "high",
        "list": {"unsubscribe": "https://example.com/u", "id": "news.example.com"},
        "references": ["<1@x.example>", "<2@x.example>"],
        "in_reply_to": "<2@x.example>",
        "reply_to": "r@example.com",
        "sender": "s@example.com",
        "date": datetime(2024, 2, 29, 12, 0, tzinfo=UTC),
        "message_id": "<mine@example.com>",
    },
    "parties": {
        "to": ["Friends: b@example.com, Cä <c@example.com>;", '"quoted, name" <d@example.com>', "e@bücher.example"],
        "text": "x",
    },
    "delivery": {"text": "x", "dsn": {"return": "HDRS", "notify": ["FAILURE"], "id": "x"}, "require_tls": True},
    "envelope": {"text": "x", "envelope": {"from": "", "to": ["q@example.com"]}},
    "streams": {
        "text": {"content": iter([b"Hel", b"lo"])},
        "attachments": [{"filename": "s.bin", "content": iter([b"a" * 100_000, b"b"])}],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_given_back_can_be_sent_again(name) -> None:
    fields = fields_of({**PARTIES, "subject": "Hi", **MESSAGES[name]})
    again = fields_of(fields)
    assert again == fields


@pytest.mark.parametrize("name", [name for name in MESSAGES if name != "streams"])
def test_what_is_sent_again_is_the_same_message(name) -> None:
    data = {**PARTIES, "subject": "Hi", "message_id": "<1@x.example>", "date": "Thu, 29 Feb 2024 12:00:00 +0000"}
    data |= MESSAGES[name]
    first, second = sent(data), sent(fields_of(data))
    assert normal(read(first.message)) == normal(read(second.message))
    assert set(first.envelope.to) == set(second.envelope.to)
    assert first.envelope.from_ == second.envelope.from_


def test_a_ready_made_message_stays_as_it_is() -> None:
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?q?=C3=BC?=\r\nX-Odd:  two\r\n\r\nbody\r\n"
    info = sent(fields_of({"raw": raw}))
    assert info.message == raw
    assert info.envelope == Envelope("a@example.com", ("b@example.com",))


def test_what_middleware_did_is_in_there() -> None:
    mailer = create_transport(json(skip_encoding=True))
    mailer.use("stream", lambda mail: mail.message.headers.set("Subject", "changed"))
    assert mailer.send_mail(PARTIES, subject="x", text="x").message["subject"] == "changed"


async def _send_async() -> dict:
    async def pieces():
        yield b"Hel"
        yield b"lo"

    async with create_async_transport("json:?skipEncoding=true") as mailer:
        return (await mailer.send_mail(PARTIES, text={"content": pieces()})).message


def test_content_that_only_a_loop_can_read_is_read() -> None:
    import asyncio

    assert asyncio.run(_send_async())["text"].rstrip() == "Hello"


def test_nodemailer_s_key_selects_it() -> None:
    info = create_transport({"jsonTransport": True, "skipEncoding": True}).send_mail(PARTIES, text="x")
    assert info.message["text"] == "x"
