"""Every error a user can meet. Each says what happened, at which stage, and whether the message was sent.

Knows the words of `pymailer.outcome` and nothing else.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, ClassVar

from pymailer.outcome import Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymailer.outcome import Reply

__all__ = [
    "AddressError",
    "AuthError",
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "DNSError",
    "DeliveryUnknownError",
    "EnvelopeError",
    "MailError",
    "MailTimeoutError",
    "MessageError",
    "PoolClosedError",
    "PoolError",
    "PoolTimeoutError",
    "ProtocolError",
    "ProxyError",
    "QueueFullError",
    "ReplyError",
    "TLSError",
]


class MailError(Exception):
    """The root of all errors of this library.

    Attributes:
        code: Nodemailer's name for the kind of failure, such as ``"EAUTH"``.
        outcome: Whether the message was sent.
        stage: Where the delivery had got to, or ``None`` before it began.
        reply: The server's reply, if one caused this.
        command: The SMTP command that was answered, without its arguments, such as ``"RCPT"``.
        temporary: Whether the same attempt may succeed later.
        errors: What each transport said, where several were tried; else empty.
    """

    default_code: ClassVar[str] = "EMAIL"
    default_outcome: ClassVar[Outcome] = Outcome.NOT_SENT
    default_temporary: ClassVar[bool] = False
    errors: tuple[MailError, ...] = ()

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        outcome: Outcome | str | None = None,
        stage: Stage | str | None = None,
        reply: Reply | None = None,
        command: str | None = None,
        temporary: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.code: str = code or self.default_code
        self.outcome: Outcome = Outcome(outcome) if outcome else self.default_outcome
        self.stage: Stage | None = Stage(stage) if stage else None
        self.reply = reply
        self.command = command
        if temporary is None:
            temporary = reply.temporary if reply is not None else self.default_temporary
        self.temporary = temporary

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), dict(self.__dict__), _portable(self.__cause__))


def _rebuild(kind: type[MailError], message: str, state: dict[str, Any], cause: BaseException | None) -> MailError:
    error = kind(message)
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """The cause as something that pickles: itself, or its text."""
    try:
        pickle.dumps(cause)
    except Exception:  # noqa: BLE001 - a foreign exception may fail to pickle in any way it likes
        return MailError(f"{type(cause).__name__}: {cause}")
    return cause


class ConfigError(MailError, ValueError):
    """An option is unknown, of the wrong type, or at odds with another."""

    default_code = "ECONFIG"


class MessageError(MailError, ValueError):
    """The message cannot be composed as asked, or its content cannot be read."""

    default_code = "EMESSAGE"


class AddressError(MessageError):
    """An address is malformed, or has more than one reading."""


class EnvelopeError(MailError):
    """There is no recipient to send to, or every recipient was refused."""

    default_code = "EENVELOPE"

    def __init__(self, message: str = "", *, rejected_errors: Sequence[ReplyError] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.rejected_errors: tuple[ReplyError, ...] = tuple(rejected_errors)


class ReplyError(MailError):
    """The server refused with a well-formed 4xx or 5xx; the connection stays usable.

    Attributes:
        recipient: The address that was refused, if one was.
    """

    default_code = "EMESSAGE"
    default_outcome = Outcome.REJECTED

    def __init__(self, message: str = "", *, recipient: str | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.recipient = recipient

    @classmethod
    def of(cls, recipient: str, error: MailError, message: str) -> ReplyError:
        """What `error`, which befell a whole transaction, is for one of its recipients; it is the cause."""
        refusal = cls(
            message,
            code=error.code,
            outcome=error.outcome,
            stage=error.stage,
            reply=error.reply,
            command=error.command,
            temporary=error.temporary,
            recipient=recipient,
        )
        refusal.__cause__ = error
        return refusal


class AuthError(ReplyError):
    """The server did not accept the credentials, or they could not be offered safely."""

    default_code = "EAUTH"
    default_outcome = Outcome.NOT_SENT


class ProtocolError(MailError):
    """The peer sent what no SMTP server may send; the connection is dropped."""

    default_code = "EPROTOCOL"


class ConnectError(MailError, ConnectionError):
    """No connection could be made."""

    default_code = "ECONNECTION"
    default_temporary = True


class TLSError(ConnectError):
    """The connection could not be secured."""

    default_code = "ETLS"
    default_temporary = False


class DNSError(ConnectError):
    """The host's name could not be resolved."""

    default_code = "EDNS"


class ProxyError(ConnectError):
    """The proxy did not connect us."""

    default_code = "EPROXY"


class ConnectionLostError(MailError, ConnectionError):
    """The connection was there and is not any more."""

    default_code = "ECONNECTION"
    default_temporary = True


class MailTimeoutError(MailError, TimeoutError):
    """A deadline passed."""

    default_code = "ETIMEDOUT"
    default_temporary = True


class DeliveryUnknownError(MailError):
    """The end of the message may have reached the server and no final reply was read; `__cause__` says why.

    Attributes:
        accepted: The recipients that are certain all the same: LMTP confirms them one by one.
        rejected: The recipients that were refused for certain.
    """

    default_code = "EUNKNOWN"
    default_outcome = Outcome.UNKNOWN
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


class PoolError(MailError):
    """The pool could not serve this message."""

    default_code = "EPOOL"


class PoolClosedError(PoolError):
    """The pool is closed."""

    default_code = "ECLOSED"


class PoolTimeoutError(PoolError, TimeoutError):
    """No connection became free within `queue_timeout`."""

    default_code = "ETIMEDOUT"
    default_temporary = True


class QueueFullError(PoolError):
    """More than `max_queue` messages are waiting."""

    default_temporary = True
