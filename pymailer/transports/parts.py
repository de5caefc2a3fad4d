"""One message that went in several parts, to other recipients each: what became of it all together.

Pure: the parts' results and errors in, one result or one error out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from pymailer.errors import DeliveryUnknownError, EnvelopeError, MailError, ReplyError
from pymailer.outcome import Outcome

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail


@attrs.frozen
class Part:
    """What became of some of the recipients: `info`, or `error`.

    Attributes:
        recipients: Who they are.
        info: The result, if at least one of them gets the message.
        error: Why none does, or why nobody can say.
    """

    recipients: tuple[str, ...]
    info: SentMessageInfo | None = None
    error: MailError | None = None

    @property
    def accepted(self) -> tuple[str, ...]:
        """Those who get it for certain."""
        return getattr(self.info or self.error, "accepted", ())

    def refusals(self) -> tuple[ReplyError, ...]:
        """An error for each who does not, and says so."""
        if self.info is not None:
            return self.info.rejected_errors
        own: tuple[ReplyError, ...] = getattr(self.error, "rejected_errors", ())
        known = {refusal.recipient for refusal in own}
        return own + tuple(_refusal(to, self.error) for to in self.recipients if self.error and to not in known)


def together(mail: Mail, parts: Sequence[Part]) -> SentMessageInfo:
    """The result of all parts.

    Raises:
        DeliveryUnknownError: Nobody can say what became of one part; the others are told in it.
        MailError: No recipient gets the message.
    """
    if len(parts) == 1:
        return _alone(parts[0])
    lost = next((part.error for part in parts if part.error and part.error.outcome is Outcome.UNKNOWN), None)
    accepted = tuple(to for part in parts for to in part.accepted)
    certain = [part for part in parts if part.error is None or part.error.outcome is not Outcome.UNKNOWN]
    refusals = tuple(refusal for part in certain for refusal in part.refusals())
    if lost is not None:
        raise _unknown(lost, accepted, refusals)
    if not accepted:
        raise _nobody(refusals)
    return _result(mail, [part.info for part in parts if part.info is not None], accepted, refusals)


def _alone(part: Part) -> SentMessageInfo:
    if part.info is None:
        raise part.error or EnvelopeError("there is no recipient")
    return part.info


def _unknown(lost: MailError, accepted: tuple[str, ...], refusals: Sequence[ReplyError]) -> DeliveryUnknownError:
    error = DeliveryUnknownError(str(lost), stage=lost.stage)
    error.accepted, error.rejected = accepted, _names(refusals)
    error.__cause__ = lost.__cause__ or lost
    return error


def _nobody(refusals: Sequence[ReplyError]) -> EnvelopeError:
    last = refusals[-1]
    untried = all(refusal.outcome is Outcome.NOT_SENT for refusal in refusals)
    return EnvelopeError(
        f"no recipient gets the message; the last reason: {last}",
        outcome=Outcome.NOT_SENT if untried else Outcome.REJECTED,
        stage=last.stage,
        reply=last.reply,
        command=last.command,
        temporary=all(refusal.temporary for refusal in refusals),
        rejected_errors=refusals,
    )


def _result(
    mail: Mail, infos: Sequence[SentMessageInfo], accepted: tuple[str, ...], refusals: tuple[ReplyError, ...]
) -> SentMessageInfo:
    return attrs.evolve(
        infos[-1],
        envelope=mail.envelope,
        outcome=Outcome.PARTIAL if refusals else Outcome.ACCEPTED,
        accepted=accepted,
        rejected=_names(refusals),
        rejected_errors=refusals,
        envelope_time=sum(info.envelope_time for info in infos),
        message_time=sum(info.message_time for info in infos),
        connect_time=sum(info.connect_time for info in infos),
    )


def _names(refusals: Sequence[ReplyError]) -> tuple[str, ...]:
    return tuple(refusal.recipient for refusal in refusals if refusal.recipient is not None)


def _refusal(recipient: str, error: MailError) -> ReplyError:
    """The error of a whole part, as it is for one recipient."""
    return ReplyError.of(recipient, error, f"{recipient}: {error}")
