"""Failures made on purpose, so that an application can be tested for each way in which a send can end.

Pure: an outcome in, the error out that a server would have caused.
"""

from __future__ import annotations

from pymailer.errors import ConfigError, ConnectError, ConnectionLostError, DeliveryUnknownError, MailError, ReplyError
from pymailer.outcome import Outcome, Reply, Stage

Failure = Exception | Outcome | str | None
"""An error to raise, or the outcome to rehearse; ``None`` (or ``"accepted"``) to send."""


def checked_failure(value: Failure) -> Failure:
    """`value`, if it is an error, an outcome or nothing.

    Raises:
        ConfigError: It is none of these.
    """
    if value is None or isinstance(value, Exception):
        return value
    try:
        return Outcome(value)
    except ValueError:
        words = ", ".join(Outcome)
        raise ConfigError(f"fail_with is an exception, or one of {words}, not {value!r}") from None


def failure(value: Failure) -> Exception | None:
    """The error to raise, a new one each time; ``None`` where at least one recipient gets the message."""
    if value is None or isinstance(value, Exception):
        return value
    return _ERRORS[Outcome(value)]()


def refusal(recipient: str) -> ReplyError:
    """The error for one recipient who is refused for good."""
    reply = Reply(550, "5.1.1", ("5.1.1 rehearsed: no such user",))
    return ReplyError(
        f"{recipient} was refused: {reply}",
        code="EENVELOPE",
        stage=Stage.RCPT,
        reply=reply,
        command="RCPT",
        recipient=recipient,
    )


def _rejected() -> MailError:
    reply = Reply(554, "5.7.1", ("5.7.1 rehearsed: not wanted",))
    return ReplyError(f"the message was refused: {reply}", stage=Stage.FINAL, reply=reply, command="DATA")


def _not_sent() -> MailError:
    return ConnectError("rehearsed: no connection could be made", stage=Stage.CONNECT)


def _unknown() -> MailError:
    error = DeliveryUnknownError(
        "rehearsed: the connection was lost after the whole message; it may or may not be delivered", stage=Stage.FINAL
    )
    error.__cause__ = ConnectionLostError("rehearsed: the connection was lost", stage=Stage.FINAL)
    return error


_ERRORS = {
    Outcome.ACCEPTED: lambda: None,
    Outcome.PARTIAL: lambda: None,
    Outcome.REJECTED: _rejected,
    Outcome.NOT_SENT: _not_sent,
    Outcome.UNKNOWN: _unknown,
}
