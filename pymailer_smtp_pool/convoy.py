"""Many messages that travel together: over one connection after another, several of them under way at once.

Each has a ticket of its own and passes the gate by itself. The first gets the connection, as if it were alone; one more
ticket then holds it for all of them. A message that meets trouble leaves the convoy and goes its own way, with all the
pool's patience (`sending`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

import attrs

from pymailer.errors import DeliveryUnknownError, MailError
from pymailer.outcome import Outcome, Stage
from pymailer.smtp.overlap import Overlap, Settled
from pymailer_smtp_pool.sending import Ride, completed
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.smtp.connection import Connection
    from pymailer.transport import Mail
    from pymailer_smtp_pool.sending import Courier

Take = Callable[[], Awaitable["Mail | None"]]
"""The next message, or ``None`` while there is no more."""
Ahead = Callable[[], Awaitable[None]]
"""Prepares the next message, for this convoy or another, while this one can only wait."""
Tell = Callable[["Mail", "SentMessageInfo | None", "Exception | None"], None]
"""Told how each message ended."""


async def nothing_ahead() -> None:
    """An `Ahead` that prepares nothing."""


@attrs.define(eq=False)
class Convoy:
    """Messages from one source, sent over one connection at a time.

    Attributes:
        runtime: Waits.
        take: Gives the next message.
        tell: Is told how each ended.
        depth: How many may be under way on the connection.
        ahead: Has the next message composed meanwhile.
        courier: Sends alone what cannot travel in company.
    """

    runtime: Runtime
    take: Take
    tell: Tell
    depth: int
    ahead: Ahead
    courier: Courier
    _riders: deque[tuple[Ticket, int]] = attrs.field(factory=deque[tuple[Ticket, int]])
    _strays: list[tuple[Ticket, float]] = attrs.field(factory=list[tuple[Ticket, float]])
    _ridden: int = 0

    async def run(self) -> None:
        """Send until there is no more."""
        ticket = await self._next()
        while ticket is not None:
            ticket = await self._ride(ticket)
            strays, self._strays = self._strays, []
            for stray, delay in strays:
                await self._alone(stray, self.courier.retry(stray, delay))

    async def _ride(self, first: Ticket) -> Ticket | None:
        """Over one connection, from `first` on; the next message, if there was no room on it any more."""
        try:
            connection = await self.courier.board(first)
        except MailError as error:
            self._troubled(first, error)
            return await self._next()
        except GeneratorExit:  # as in `Courier.deliver`
            self._put_away(first, cut_off=True)
            raise
        except BaseException:
            self._put_away(first)
            raise
        overlap = Overlap(cast("Connection", connection), self.runtime, self.depth)
        if overlap.takes(first.mail):
            return await self._together(overlap, first)
        await self._alone(first, self.courier.deliver(first))
        return await self._next()

    async def _together(self, overlap: Overlap, first: Ticket) -> Ticket | None:
        leases, lead = self.courier.leases, Ticket(self.runtime)
        try:
            leases.guard(PoolState.hand_over, first, lead)
            self._ridden = 0
            await self._begin(first, overlap)
            return await self._over(overlap, lead, await self._next() if overlap.room else None)
        except GeneratorExit as error:
            leases.drop(lead)
            self._scatter(error)
            self._put_away(first, cut_off=True)
            raise
        except BaseException as error:
            self._scatter(error)
            self._put_away(first)
            raise
        finally:
            leases.settle(lead, Outcome.NOT_SENT)

    def _put_away(self, ticket: Ticket, *, cut_off: bool = False) -> None:
        """Whatever a ticket still has goes back; one that has settled has nothing."""
        if cut_off:  # the event loop is gone; this runs wherever garbage is collected
            self.courier.leases.drop(ticket)
        self.courier.leases.settle(ticket, ticket.mail.outcome)

    async def _over(self, overlap: Overlap, lead: Ticket, ticket: Ticket | None) -> Ticket | None:
        """Begin messages while they fit, settle the oldest when none does; one that never fits is handed back."""
        try:
            while True:
                while ticket is not None and self._fits(ticket, overlap, lead):
                    if not await self._begin(ticket, overlap):
                        break
                    ticket = await self._next() if overlap.room else None
                if not overlap:
                    return ticket
                if ticket is None and (overlap.chunks or overlap.depth == 1):  # else an envelope is ahead already
                    await self.ahead()
                settled = await overlap.settle()
                if settled is None:  # it goes on, behind the others
                    self._riders.rotate(-1)
                    continue
                self._arrived(*self._riders.popleft(), lead, settled)
                ticket = ticket or await self._next()
        except BaseException:
            if ticket is not None:  # it may have been admitted while it waited for its turn
                self._put_away(ticket)
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
            while not ticket.begun and (wait := await self.courier.gate.begin(ticket)):
                if overlap:
                    return False
                await self.courier.leases.waiting.until(ticket, self.runtime.now() + wait)
            ticket.attempts += 1
            await overlap.begin(ticket.mail)
        except MailError as error:
            self._settle(ticket, error=error)
        else:
            self._riders.append((ticket, overlap.connection.messages - 1))
            self._ridden += 1
        return True

    def _arrived(self, ticket: Ticket, before: int, lead: Ticket, settled: Settled) -> None:
        if settled.info is not None:
            ticket.mail.outcome = settled.info.outcome
            self._settle(ticket, completed(settled.info, ticket))
        elif settled.error is not None:
            place = lead.place
            ride = None if place is None else Ride(place, before, reused=place.reused or before > 0)
            self._troubled(ticket, settled.error, ride)

    def _troubled(self, ticket: Ticket, error: MailError, ride: Ride | None = None) -> None:
        """An attempt ended with `error`: the message goes its own way, if there is one."""
        delay = self.courier.failed(ticket, error, ride)
        if delay is None:
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
            ticket, _ = self._riders.popleft()
            error = DeliveryUnknownError("the send was cut short while the message was under way", stage=Stage.FINAL)
            error.__cause__ = cause
            self._settle(ticket, error=error)
