"""What lies in a mailbox is octet for octet what was sent."""

from __future__ import annotations

import os
import random
import uuid

import pytest

from tests.interop.capability import capability

SENDER, RECIPIENT = "a@example.com", "b@example.com"


def fields(**content):
    """A message with a token by which it is found again."""
    token = uuid.uuid4().hex
    return token, {"from": SENDER, "to": RECIPIENT, "message_id": f"<{token}@example.com>", **content}


def raw(body: bytes):
    token = uuid.uuid4().hex
    head = (
        f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{token}@x.test>\r\n"
    )
    return token, {
        "raw": head.encode() + b"Subject: raw\r\n\r\n" + body,
        "envelope": {"from": SENDER, "to": [RECIPIENT]},
    }


EVERYDAY = {
    "text": lambda: fields(subject="Hi", text="Hello,\n\nthis is all.\n"),
    "nothing": lambda: fields(subject="Nothing", text=""),
    "dots": lambda: fields(subject="Dots", text=".\n..\n.a line\n\n.\n"),
    "unicode": lambda: fields(subject="Grüße aus Köln 🚀", text="Ä" * 200, html="<p>日本語</p>"),
    "attachments": lambda: fields(
        subject="Files",
        text="see there",
        html='<img src="cid:logo">',
        attachments=[
            {"filename": "noise.bin", "content": random.Random(1).randbytes(100_000)},
            {"filename": "Überblick.txt", "content": "Zeile\n" * 1000},
            {"filename": "logo.png", "content": b"\x89PNG\r\n\x1a\n", "cid": "logo"},
        ],
    ),
    "raw dots": lambda: raw(b".\r\n..\r\n\r\n.x\r\n"),
    "raw without a last line end": lambda: raw(b"no line end"),
}


@pytest.mark.parametrize("content", EVERYDAY.values(), ids=EVERYDAY)
@capability("content")
def test_what_was_sent_is_what_arrives(server, client, content):
    token, message = content()
    sent = client.send(server.options, message)
    assert server.stored(token).endswith(ended(sent.mail.content))
    assert sent.info.accepted == (RECIPIENT,)
    assert sent.info.message_size == len(sent.mail.content)


@capability("content")
def test_without_pipelining_and_chunking_the_same_arrives(server, client):
    token, message = EVERYDAY["attachments"]()
    sent = client.send(server.options, message, pipelining=False, chunking=False)
    assert server.stored(token).endswith(ended(sent.mail.content))
    assert not sent.said("BDAT")


@capability("8BITMIME")
def test_eight_bit_octets_travel_as_they_are(server, client):
    token, message = raw("Zäh\r\n".encode() + bytes(range(128, 256)) + b"\r\n")
    sent = client.send(server.options, message)
    assert "BODY=8BITMIME" in sent.said("MAIL")[0]
    assert server.stored(token).endswith(sent.mail.content)


def ended(content: bytes) -> bytes:
    """A message in a mailbox ends with a line end, whether it was sent with one or not."""
    return content if content.endswith(b"\r\n") else content + b"\r\n"


@capability("several connections")
def test_many_messages_over_a_few_connections(server, client):
    tokens, messages = zip(*(fields(subject=f"Number {n}", text=os.urandom(500).hex()) for n in range(40)), strict=True)
    deliveries = client.send_all(server.options, messages, max_connections=5, max_messages=4)
    assert [delivery.error for delivery in deliveries] == [None] * 40
    assert all(server.stored(token) for token in tokens)
