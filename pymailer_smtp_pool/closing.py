"""What `close` waits for, and what it reports.

Plain data, kept by the state while somebody closes the pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.outcome import Outcome
from pymailer.results import CloseReport

if TYPE_CHECKING:
    from pymailer.runtime import Waiter
    from pymailer_smtp_pool.ticket import Ticket

DELIVERED: Final = (Outcome.ACCEPTED, Outcome.PARTIAL)
"""How a message ends that counts as sent."""


@attrs.define(eq=False)
class Closing:
    """One call of `close`: it watches how the messages end that were on their way.

    Attributes:
        waiter: Woken when none is left, while somebody waits for that.
    """

    waiter: Waiter | None = None
    sent: int = 0
    not_sent: list[Any] = attrs.field(factory=list[Any])
    unknown: list[Any] = attrs.field(factory=list[Any])

    def note(self, ticket: Ticket, outcome: Outcome) -> None:
        """A message settled; `data` is what the user gave."""
        data = ticket.mail.data if ticket.mail else None
        if outcome in DELIVERED:
            self.sent += 1
        elif outcome is Outcome.UNKNOWN:
            self.unknown.append(data)
        else:
            self.not_sent.append(data)

    def report(self) -> CloseReport:
        """What is known by now."""
        return CloseReport(sent=self.sent, not_sent=tuple(self.not_sent), unknown=tuple(self.unknown))
