"""What became of one message, put together from its transactions.

Knows results and errors; nothing of how they came about.
"""

# `factory=list[str]` would tell pyright more, and take four times as long for each message.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer.errors import DeliveryUnknownError, MailError, ReplyError
from pymailer.outcome import Outcome, Reply
from pymailer.results import SentMessageInfo
from pymailer.smtp.queue_id import queue_id
from pymailer.smtp.transaction import all_refused

if TYPE_CHECKING:
    from pymailer.smtp.exchange import Exchange
    from pymailer.transport import Mail


@attrs.define(eq=False)
class Report:
    """The account of one message while it is being sent."""

    mail: Mail
    connection_id: str
    accepted: list[str] = attrs.field(factory=list)
    refused: list[ReplyError] = attrs.field(factory=list)
    error: MailError | None = None
    reply: Reply | None = None
    size: int = 0
    envelope_time: float = 0.0
    message_time: float = 0.0

    def add(self, exchange: Exchange) -> None:
        """A transaction that delivered to somebody."""
        self.accepted += exchange.transaction.accepted
        self.refused += exchange.transaction.refused
        self.reply = exchange.transaction.final
        self.size = exchange.outgoing.size
        self.envelope_time += exchange.envelope_time
        self.message_time += exchange.message_time

    def forget(self, recipients: tuple[str, ...]) -> None:
        """Refusals that do not count: these recipients go in another transaction."""
        self.refused = [error for error in self.refused if error.recipient not in recipients]

    def fail(self, recipients: tuple[str, ...], error: MailError) -> None:
        """A transaction that delivered to nobody, and what was to come after it."""
        if not self.accepted or error.outcome is Outcome.UNKNOWN:
            self.error = error
            return
        known = {refusal.recipient for refusal in getattr(error, "rejected_errors", ())}
        self.refused += getattr(error, "rejected_errors", ())
        self.refused += [_not_sent_to(to, error) for to in recipients if to not in known]

    def info(self) -> SentMessageInfo:
        """The result.

        Raises:
            MailError: Nobody got the message, or nobody can say who did.
        """
        if self.error is not None:
            if isinstance(self.error, DeliveryUnknownError):
                self.error.accepted += tuple(self.accepted)
            raise self.error
        if not self.accepted:
            raise all_refused(self.refused)
        reply = self.reply
        return SentMessageInfo(
            envelope=self.mail.envelope,
            message_id=self.mail.message_id,
            outcome=Outcome.PARTIAL if self.refused else Outcome.ACCEPTED,
            accepted=tuple(self.accepted),
            rejected=tuple([error.recipient for error in self.refused if error.recipient is not None]),
            rejected_errors=tuple(self.refused),
            response="" if reply is None else str(reply),
            reply=reply,
            server_message_id=None if reply is None else queue_id(reply),
            message_size=self.size,
            envelope_time=self.envelope_time,
            message_time=self.message_time,
            connection_id=self.connection_id,
        )


def _not_sent_to(recipient: str, error: MailError) -> ReplyError:
    """Some got the message before this happened; this recipient did not."""
    return ReplyError.of(recipient, error, f"{recipient} was not reached after others were: {error}")
