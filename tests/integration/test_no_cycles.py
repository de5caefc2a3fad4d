"""A message that was sent is gone from memory at once: nothing refers to itself and waits for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from pymailer import create_async_transport, create_transport
from pymailer_smtp_pool import smtp_pool
from tests.faults import EXTENSIONS

MESSAGE = {"from": "a@example.com", "to": "b@example.com", "subject": "Hi", "text": "Hello"}


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("dialogue", [(*EXTENSIONS, "CHUNKING"), EXTENSIONS, ()], ids=["BDAT", "DATA", "plain"])
def test_nothing_of_a_sent_message_is_left(colour, dialogue, fault_server):
    pool = smtp_pool(host="localhost", port=fault_server(extensions=dialogue).port)
    mails = []

    def sync() -> None:
        with create_transport(pool) as mailer:
            mailer.use("stream", lambda mail: mails.append(weakref.ref(mail)))
            gc.disable()
            mailer.send_mail(MESSAGE)
            assert mails[0]() is None

    async def go() -> None:
        async with create_async_transport(pool) as mailer:
            mailer.use("stream", lambda mail: mails.append(weakref.ref(mail)))
            gc.disable()
            await mailer.send_mail(MESSAGE)
            assert mails[0]() is None

    try:
        sync() if colour == "sync" else asyncio.run(go())
    finally:
        gc.enable()
