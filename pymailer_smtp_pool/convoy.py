"""Many messages that travel together: over one connection after another, several of them under way at once.

Each has a ticket of its own and passes the gate by itself; one more ticket holds the connection for all of them. A
message that meets trouble leaves the convoy and goes its own way, with all the pool's patience (`sending`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

import attrs

from pymailer.errors import DeliveryUnknownError, MailError
from pymailer.outcome import Outcome, Stage
from pymailer.smtp.overlap import Overlap, Settled
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.smtp.connection import Connection
    from pymailer.transport import Mail
    from pymailer_smtp_pool.sending import Courier

Take = Callable[[], Awaitable["Mail | None"]]
"""The next message, or ``None`` while there is no more."""
Tell = Callable[["Mail", "SentMessageInfo | None", "Exception | None"], None]
"""Told how each message ended."""


@attrs.define(eq=False)
class Convoy:
    """Messages from one source, sent over one connection at a time.

    Attributes:
        runtime: Waits.
        take: Gives the next message.
        tell: Is told how each ended.
        depth: How many may be under way on the connection.
        courier: Sends alone what cannot travel in company.
    """

    runtime: Runtime
    take: Take
    tell: Tell
    depth: int
    courier: Courier
    _riders: deque[Ticket] = attrs.field(factory=deque[Ticket])
    _strays: list[tuple[Ticket, float]] = attrs.field(factory=list[tuple[Ticket, float]])
    _ridden: int = 0

    async def run(self) -> None:
        """Send until there is no more."""
        mail = await self.take()
        while mail is not None:
            mail = await self._ride(mail)
            strays, self._strays = self._strays, []
            for ticket, delay in strays:
                await self._alone(ticket, self.courier.retry(ticket, delay))

    async def _ride(self, mail: Mail) -> Mail | None:
        """Over one connection, from `mail` on; the next message that found no room on it, or ``None``."""
        leases, first = self.courier.leases, Ticket.of(mail)
        lead = Ticket(self.runtime, mail.deadline, mail.queue_priority)
        self._ridden = 0
        try:
            connection = cast("Connection", await leases.lease(lead))
            overlap = Overlap(connection, self.runtime, self.depth)
            left_over = await self._over(overlap, lead, first)
        except MailError:  # no connection: the way of a single message copes with that
            left_over = first
        except GeneratorExit as error:  # as in `Courier.deliver`
            leases.drop(lead)
            self._scatter(error)
            raise
        except BaseException as error:
            self._scatter(error)
            raise
        finally:
            leases.settle(lead, Outcome.NOT_SENT)
        if left_over is None:
            return None
        await self._alone(left_over, self.courier.deliver(left_over))
        return await self.take()

    async def _over(self, overlap: Overlap, lead: Ticket, ticket: Ticket | None) -> Ticket | None:
        """Begin messages while they fit, settle the oldest when none does; one that never fits is handed back."""
        try:
            while True:
                while ticket is not None and self._fits(ticket, overlap, lead):
                    if not await self._begin(ticket, overlap):
                        break
                    ticket = await self._next()
                if not overlap:
                    return ticket
                self._arrived(self._riders.popleft(), await overlap.settle())
                ticket = ticket or await self._next()
        except BaseException:
            if ticket is not None:  # it may have been admitted while it waited for its turn
                self.courier.leases.settle(ticket, ticket.mail.outcome)
            raise

    async def _next(self) -> Ticket | None:
        mail = await self.take()
        return None if mail is None else Ticket.of(mail)

    def _fits(self, ticket: Ticket, overlap: Overlap, lead: Ticket) -> bool:
        leases, place = self.courier.leases, lead.place
        if self._makes_way() or place is None or leases.guard.state.wear.worn(place, self.runtime.now()):
            return False
        # Under way, the connection is full of replies; only an idle one that says something is stale.
        return overlap.takes(ticket.mail) and (bool(overlap) or leases.fit(lead))

    def _makes_way(self) -> bool:
        """Whether the ride ends: a stray is to be tried again, or others wait and this convoy had a fair share."""
        return bool(self._strays) or (self._ridden >= self.depth and bool(self.courier.leases.guard.state.line.waiting))

    async def _begin(self, ticket: Ticket, overlap: Overlap) -> bool:
        """Whether the message is dealt with; not while it has to wait for its turn and others are under way."""
        try:
            while wait := await self.courier.gate.begin(ticket):
                if overlap:
                    return False
                await self.courier.leases.waiting.until(ticket, self.runtime.now() + wait)
            ticket.attempts += 1
            await overlap.begin(ticket.mail)
        except MailError as error:
            self._settle(ticket, error=error)
        else:
            self._riders.append(ticket)
            self._ridden += 1
        return True

    def _arrived(self, ticket: Ticket, settled: Settled) -> None:
        error = settled.error
        if error is None:
            self._settle(ticket, settled.info)
        elif (delay := self.courier.failed(ticket, error)) is None:
            self._settle(ticket, error=error)
        else:
            self._strays.append((ticket, delay))

    async def _alone(self, ticket: Ticket, way: Awaitable[SentMessageInfo]) -> None:
        try:
            info = await way
        except MailError as error:
            self.tell(ticket.mail, None, error)
        else:
            self.tell(ticket.mail, info, None)

    def _settle(self, ticket: Ticket, info: SentMessageInfo | None = None, error: MailError | None = None) -> None:
        outcome = info.outcome if info is not None else error.outcome if error is not None else Outcome.NOT_SENT
        self.courier.leases.settle(ticket, outcome)
        self.tell(ticket.mail, info, error)

    def _scatter(self, cause: BaseException) -> None:
        """The convoy was cut short with messages under way, of which nobody can say any more."""
        while self._riders:
            ticket = self._riders.popleft()
            error = DeliveryUnknownError("the send was cut short while the message was under way", stage=Stage.FINAL)
            error.__cause__ = cause
            self._settle(ticket, error=error)
