"""A transport that keeps what it is given, for tests of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer.__about__ import __version__
from pymailer.results import Envelope, SentMessageInfo

if TYPE_CHECKING:
    from pymailer.message.model import Message
    from pymailer.transport import Mail


@attrs.frozen
class StoredMessage:
    """One message as it would have been sent.

    Attributes:
        envelope: Sender and recipients.
        message_id: With angle brackets, or ``None`` for a raw message that has none.
        content: The whole message, CRLF line ends.
        data: The message as it was given, defaults merged in.
    """

    envelope: Envelope
    message_id: str | None
    content: bytes = attrs.field(repr=False)
    data: Message = attrs.field(repr=False)


class MemoryTransport:
    """Keeps each message in `messages`, or fails with `fail_with`.

    Args:
        fail_with: An error to raise instead, or ``None``; it may be changed at any time.
    """

    name = "Memory"
    version = __version__

    def __init__(self, fail_with: Exception | None = None) -> None:
        self.fail_with = fail_with
        self.messages: list[StoredMessage] = []

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Keep one message."""
        content = b"".join([chunk async for chunk in mail.message.chunks(mail.runtime)])
        if self.fail_with is not None:
            raise self.fail_with
        self.messages.append(StoredMessage(mail.envelope, mail.message_id, content, mail.data))
        return delivered(mail, len(content))

    def clear(self) -> None:
        """Forget all messages."""
        self.messages.clear()


def delivered(mail: Mail, size: int, message: object = None) -> SentMessageInfo:
    """The result of a transport that delivers to nobody and refuses nobody."""
    return SentMessageInfo(
        envelope=mail.envelope,
        message_id=mail.message_id,
        accepted=mail.envelope.to,
        message_size=size,
        message=message,
    )


def memory(*, fail_with: Exception | None = None) -> MemoryTransport:
    """A transport that keeps messages in memory: `.messages`, `.clear()`, `.fail_with`."""
    return MemoryTransport(fail_with)
