"""The sendmail transport and the mail programs of Postfix and Exim, which put what they are given into real queues."""

from __future__ import annotations

import asyncio
import re
import time
from email import message_from_bytes

import pytest

from pymailer import MailError, Outcome, create_async_transport, create_transport
from pymailer.transports import sendmail
from tests.interop.exim import Exim
from tests.interop.postfix import Postfix
from tests.interop.rooted import RootedInstance

ARRIVAL_SECONDS = 20.0

PROGRAMS = {Postfix: "/usr/sbin/sendmail", Exim: "/usr/sbin/exim4"}
TEXT = "first\n.\n..two dots\n.dot\nlast\n"


@pytest.fixture(params=PROGRAMS, ids=lambda kind: kind.name)
def instance(request, _instances) -> RootedInstance:
    return _instances[request.param]


@pytest.fixture
def program(instance, tmp_path) -> str:
    """The mail program of an instance, run in its root."""
    path = tmp_path / "sendmail"
    path.write_text(f'#!/bin/sh\nexec chroot {instance.directory} {PROGRAMS[type(instance)]} "$@"\n')
    path.chmod(0o700)
    return str(path)


def arrived(instance: RootedInstance, words: str) -> bytes:
    """The message with these words, once it is in the mailbox."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        for content in instance.mailbox():
            if words.encode() in content:
                return content
        time.sleep(0.05)  # nobody tells us when it arrives
    raise AssertionError(f"{words} did not arrive. The log: {instance.log()[-3000:]}")


def envelope_sender(content: bytes) -> bytes:
    """Whom the server was told; Exim leaves it out of its Received header where it is nobody."""
    found = re.search(rb"(?:Return-Path: |envelope-from )<(.*?)>", content)
    return found[1] if found else b""


async def _send_async(path: str, **fields):
    async with create_async_transport(sendmail(path=path)) as mailer:
        return await mailer.send_mail(**fields)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_message_arrives_as_it_is(instance, program, colour) -> None:
    fields = {"from_": "a@example.com", "to": "b@example.com", "subject": "Grüße", "text": TEXT}
    if colour == "sync":
        info = create_transport(sendmail(path=program)).send_mail(**fields)
    else:
        info = asyncio.run(_send_async(program, **fields))
    content = arrived(instance, info.message_id)
    assert TEXT.encode() in content.replace(b"\r\n", b"\n")
    assert envelope_sender(content) == b"a@example.com"
    assert info.outcome is Outcome.ACCEPTED


def test_the_null_sender_is_understood(instance, program) -> None:
    info = create_transport(sendmail(path=program)).send_mail(
        text="bounce", envelope={"from": "", "to": ["b@example.com"]}, from_="a@example.com"
    )
    assert envelope_sender(arrived(instance, info.message_id)) == b""


def test_a_message_larger_than_a_pipe_arrives_whole(instance, program) -> None:
    attachment = bytes(range(256)) * 2000
    info = create_transport(sendmail(path=program)).send_mail(
        from_="a@example.com", to="b@example.com", text="x", attachments=[{"filename": "x", "content": attachment}]
    )
    message = message_from_bytes(arrived(instance, info.message_id))
    assert message.get_payload()[1].get_payload(decode=True) == attachment


def test_a_program_that_refuses_says_why(instance, program) -> None:
    with pytest.raises(MailError) as caught:
        create_transport(sendmail(path=program, args=["--no-such-option"])).send_mail(
            from_="a@example.com", to="b@example.com", text="x"
        )
    assert caught.value.code == "ESENDMAIL"
    assert caught.value.outcome in (Outcome.NOT_SENT, Outcome.REJECTED)
    assert "it said" in str(caught.value)


@pytest.mark.parametrize("instance", [Postfix], indirect=True, ids=["Postfix"])
def test_delivery_status_notifications_are_understood(instance, program) -> None:
    create_transport(sendmail(path=program)).send_mail(
        from_="a@example.com",
        to="b@example.com",
        text="x",
        dsn={"id": "our-id", "return": "headers", "notify": ["success"]},
    )
    arrived(instance, "Original-Envelope-Id: our-id")  # which is in the report, not in the message
