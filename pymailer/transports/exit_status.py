"""What a mail program's exit status says about the message (sysexits.h, the convention of every sendmail).

Pure: a status in, an error out.
"""

from __future__ import annotations

from typing import Final

from pymailer.errors import DeliveryUnknownError, MailError, MailTimeoutError
from pymailer.outcome import Outcome, Stage

CODE: Final = "ESENDMAIL"

_MEANINGS: Final[dict[int, tuple[Outcome, bool, str]]] = {
    64: (Outcome.NOT_SENT, False, "it does not understand its arguments"),
    65: (Outcome.REJECTED, False, "it finds the message malformed"),
    66: (Outcome.NOT_SENT, False, "it cannot open its input"),
    67: (Outcome.REJECTED, False, "a recipient does not exist"),
    68: (Outcome.REJECTED, False, "a recipient's host does not exist"),
    69: (Outcome.REJECTED, False, "the mail system does not take it"),
    70: (Outcome.REJECTED, False, "an error inside the program"),
    71: (Outcome.REJECTED, True, "an error of the operating system"),
    72: (Outcome.NOT_SENT, False, "a file of the mail system is missing"),
    73: (Outcome.REJECTED, True, "it cannot write to its queue"),
    74: (Outcome.REJECTED, True, "an error while reading or writing"),
    75: (Outcome.REJECTED, True, "it asks to try again later"),
    76: (Outcome.REJECTED, True, "the remote server spoke nonsense"),
    77: (Outcome.NOT_SENT, False, "it is not permitted, or was not let in"),
    78: (Outcome.NOT_SENT, False, "its configuration is wrong"),
    126: (Outcome.NOT_SENT, False, "it cannot be executed"),
    127: (Outcome.NOT_SENT, False, "it was not found"),
}
_OTHER: Final = (Outcome.REJECTED, False, "it failed")


def explain_exit(program: str, status: int, said: str, *, complete: bool) -> MailError:
    """The error for a program that did not end well, or ended too soon.

    Args:
        program: Its path.
        status: Its exit status; negative for the signal that killed it.
        said: What it wrote.
        complete: Whether it was given the whole message.
    """
    if status < 0:
        return _killed(program, -status, said, complete)
    if status == 0:  # it is content with a part of the message: whatever it did, it did not send the message
        return _error(f"{program} ended before it had read the message{_quoted(said)}", Outcome.NOT_SENT, False)
    outcome, temporary, meaning = _MEANINGS.get(status, _OTHER)
    return _error(f"{program} ended with status {status}: {meaning}{_quoted(said)}", outcome, temporary)


def _killed(program: str, signal: int, said: str, complete: bool) -> MailError:
    text = f"{program} was killed by signal {signal}{_quoted(said)}"
    if complete:
        return DeliveryUnknownError(
            f"{text} after it was given the whole message; it may or may not be queued", stage=Stage.FINAL
        )
    return _error(text, Outcome.NOT_SENT, True)


def timed_out(program: str, said: str, *, complete: bool) -> MailError:
    """The error for a program that was killed because it took too long; its cause is the `TimeoutError`."""
    text = f"{program} did not end in time and was stopped{_quoted(said)}"
    if complete:
        return DeliveryUnknownError(f"{text}; it may or may not have queued the message", stage=Stage.FINAL)
    return MailTimeoutError(text, stage=Stage.BODY)


def _error(text: str, outcome: Outcome, temporary: bool) -> MailError:
    return MailError(text, code=CODE, outcome=outcome, stage=Stage.FINAL, temporary=temporary)


def _quoted(said: str) -> str:
    return f" (it said: {said})" if said else ""
