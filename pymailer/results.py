"""What comes back from a send, and what a queue carries: plain frozen data.

Knows the words of `pymailer.outcome`; nothing of how a message is made or delivered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from pymailer.errors import MailError, ReplyError
from pymailer.outcome import Outcome, Reply


def _addresses(value: Iterable[str] | str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen
class Envelope:
    """Who a message is from and to, as the server is told (RFC 5321 2.3.1), whatever its headers say.

    Attributes:
        from_: The reverse path without angle brackets; ``""`` is the null sender.
        to: The forward paths without angle brackets.
    """

    from_: str
    to: tuple[str, ...] = attrs.field(converter=_addresses)


@attrs.frozen
class SentMessageInfo:
    """The result of a send.

    Attributes:
        envelope: The envelope that was used.
        message_id: The Message-ID with angle brackets; ``None`` for a raw message that has none.
        outcome: ``accepted`` or ``partial``.
        accepted: The recipients the server took.
        rejected: The recipients the server refused, for now or for good.
        rejected_errors: One error for each refused recipient.
        response: The text of the final reply.
        reply: The final reply, or ``None`` where no server spoke.
        server_message_id: The queue id in the final reply, if one was recognised.
        message_size: The message's octets, before dot-stuffing.
        queue_time: Seconds spent waiting for a connection.
        connect_time: Seconds spent making the connection, 0 for a reused one.
        envelope_time: Seconds from MAIL until the message could follow.
        message_time: Seconds from the message's first byte to the final reply.
        attempts: How many times the message was begun.
        connection_id: Which connection carried it.
        message: The message itself, only from a transport that returns it.
    """

    envelope: Envelope
    message_id: str | None = None
    outcome: Outcome = Outcome.ACCEPTED
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    rejected_errors: tuple[ReplyError, ...] = ()
    response: str = ""
    reply: Reply | None = None
    server_message_id: str | None = None
    message_size: int = 0
    queue_time: float = 0.0
    connect_time: float = 0.0
    envelope_time: float = 0.0
    message_time: float = 0.0
    attempts: int = 1
    connection_id: str | None = None
    message: Any = attrs.field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """This result as JSON-ready data; the message itself is given as text where it is bytes or text."""
        data: dict[str, Any] = attrs.asdict(self, recurse=False)
        data["envelope"] = {"from": self.envelope.from_, "to": list(self.envelope.to)}
        data["outcome"] = str(self.outcome)
        data["accepted"] = list(self.accepted)
        data["rejected"] = list(self.rejected)
        data["rejected_errors"] = [_error_dict(error) for error in self.rejected_errors]
        data["reply"] = None if self.reply is None else _reply_dict(self.reply)
        data["message"] = _message_text(self.message)
        return data


def _reply_dict(reply: Reply) -> dict[str, Any]:
    return {"code": reply.code, "enhanced": reply.enhanced, "lines": list(reply.lines)}


def _error_dict(error: ReplyError) -> dict[str, Any]:
    return {
        "message": str(error),
        "code": error.code,
        "recipient": error.recipient,
        "stage": error.stage and str(error.stage),
        "temporary": error.temporary,
        "reply": error.reply and _reply_dict(error.reply),
    }


def _message_text(message: Any) -> Any:
    """JSON can carry text and plain containers; a stream of chunks it cannot."""
    if isinstance(message, bytes):
        return message.decode("utf-8", "backslashreplace")
    return message if message.__class__ in (str, dict, list) else None


@attrs.frozen
class Delivery:
    """How one message of `send_many` ended: with `info`, or with `error`.

    Attributes:
        message: The object that was given.
        info: The result, when the message was sent.
        error: The error, when it was not, or when nobody can say.
    """

    message: Any
    info: SentMessageInfo | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """Whether the server took the message for at least one recipient."""
        return self.error is None

    @property
    def outcome(self) -> Outcome:
        """The answer to "was it sent?", whichever way it ended."""
        if self.info is not None:
            return self.info.outcome
        return self.error.outcome if isinstance(self.error, MailError) else Outcome.NOT_SENT


@attrs.frozen
class CloseReport:
    """What became of the messages that were still on their way when `close` was called.

    Attributes:
        sent: How many settled well while closing.
        not_sent: The messages that were not sent.
        unknown: The messages of which nobody can say.
    """

    sent: int = 0
    not_sent: tuple[Any, ...] = ()
    unknown: tuple[Any, ...] = ()


@attrs.frozen
class PoolStats:
    """A pool at one moment.

    Attributes:
        connections: Open ones, and those being opened or closed; never more than `max_connections`.
        idle: Connections that nobody uses.
        busy: Connections that are being opened or in use.
        waiting: Messages that wait for a connection.
        limit: The limit on connections in force; below `max_connections` while the server complains.
        sent: Messages that were sent, since the pool was made.
        failed: Messages that were not, or of which nobody can say.
        retried: How often a message was tried again.
        opened: Connections that came to be.
        closed: Connections that came to be and are no more.
        throttled: How often the server said "too many" or "too fast".
        limit_reason: The server's last complaint, while `limit` is below `max_connections`.
        breaker: ``"closed"`` if all is well, ``"open"`` while the pool fails fast after a final refusal,
            ``"probing"`` while one connection finds out.
        breaker_reason: Why the breaker is not closed, or ``None`` before the first connection.
    """

    connections: int = 0
    idle: int = 0
    busy: int = 0
    waiting: int = 0
    limit: int = 0
    sent: int = 0
    failed: int = 0
    retried: int = 0
    opened: int = 0
    closed: int = 0
    throttled: int = 0
    limit_reason: str | None = None
    breaker: str = "probing"
    breaker_reason: str | None = None


@attrs.frozen
class CompiledMail:
    """A message ready for the wire: plain data that pickles, for a queue to carry.

    Attributes:
        envelope: Sender and recipients.
        message_id: With angle brackets; ``None`` for a raw message that has none.
        content: The whole message, CRLF line ends, before dot-stuffing.
        dsn: The delivery status notification wishes (RFC 3461), or ``None``.
        require_tls: REQUIRETLS (RFC 8689) for this message.
    """

    envelope: Envelope
    message_id: str | None
    content: bytes = attrs.field(repr=False)
    dsn: Any = None
    require_tls: bool = False
