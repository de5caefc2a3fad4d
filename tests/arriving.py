"""A message sent through some middleware, and what arrives of it.

Knows both fronts and how to read a message; nothing of any middleware.
"""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from typing import Any

from pymailer.transports import memory
from tests.fronts import Front

PARTIES = {"from": "a@example.com", "to": "b@example.com", "subject": "Hi"}


def sent(front: Front, *plugins: Callable[[Any], Any], step: str = "compile", **fields: Any) -> Message:
    """The message as it arrives, after these plugins."""
    return message_from_bytes(octets(front, *plugins, step=step, **fields))


def octets(front: Front, *plugins: Callable[[Any], Any], step: str = "compile", **fields: Any) -> bytes:
    """The same as octets."""
    transport = memory()

    async def scenario(mailer):
        for plugin in plugins:
            mailer.use(step, plugin)
        await mailer.send_mail(PARTIES, **fields)

    front(scenario, transport)
    return transport.messages[0].content


def body(message: Message, content_type: str) -> str | None:
    """The text of the part of that type, if there is one."""
    for part in message.walk():
        if part.get_content_type() == content_type:
            return part.get_payload(decode=True).decode().strip().replace("\r\n", "\n")
    return None
