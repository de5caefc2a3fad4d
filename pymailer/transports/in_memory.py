"""A transport that keeps what it is given, for tests of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer.__about__ import __version__
from pymailer.outcome import Outcome
from pymailer.results import Envelope, SentMessageInfo
from pymailer.transports.rehearsal import Failure, checked_failure, failure, refusal

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
        fail_with: An error to raise instead, or the outcome to rehearse (``"partial"`` refuses all recipients but the
            first); ``None`` to take everything. It may be changed at any time.

    Raises:
        ConfigError: `fail_with` is neither an error nor an outcome.
    """

    name = "Memory"
    version: str = __version__

    def __init__(self, fail_with: Failure = None) -> None:
        self.fail_with = fail_with
        self.messages: list[StoredMessage] = []

    def __repr__(self) -> str:
        return f"<MemoryTransport {len(self.messages)} messages>"

    @property
    def fail_with(self) -> Failure:
        """What happens instead of sending."""
        return self._fail_with

    @fail_with.setter
    def fail_with(self, value: Failure) -> None:
        self._fail_with = checked_failure(value)

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Keep one message.

        Raises:
            MessageError: Its content cannot be read.
            Exception: What `fail_with` says.
        """
        content = await mail.message.read(mail.runtime)
        error = failure(self._fail_with)
        if error is not None:
            raise error
        info = delivered(mail, len(content))
        if self._fail_with == Outcome.PARTIAL:
            info = _partly(info)
        self.messages.append(
            StoredMessage(Envelope(mail.envelope.from_, info.accepted), mail.message_id, content, mail.data)
        )
        return info

    def clear(self) -> None:
        """Forget all messages."""
        self.messages.clear()


def _partly(info: SentMessageInfo) -> SentMessageInfo:
    first, rest = info.accepted[:1], info.accepted[1:]
    return attrs.evolve(
        info,
        outcome=Outcome.PARTIAL if rest else Outcome.ACCEPTED,
        accepted=first,
        rejected=rest,
        rejected_errors=tuple(map(refusal, rest)),
    )


def delivered(mail: Mail, size: int, message: object = None) -> SentMessageInfo:
    """The result of a transport that delivers to nobody and refuses nobody."""
    return SentMessageInfo(
        envelope=mail.envelope,
        message_id=mail.message_id,
        accepted=mail.envelope.to,
        message_size=size,
        message=message,
    )


def memory(*, fail_with: Failure = None) -> MemoryTransport:
    """A transport that keeps messages in memory: `.messages`, `.clear()`, `.fail_with`.

    Args:
        fail_with: An error to raise instead, or the outcome to rehearse; it may be changed at any time.

    Raises:
        ConfigError: `fail_with` is neither an error nor an outcome.
    """
    return MemoryTransport(fail_with)
