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
from pymailer_smtp_pool.sending import Sending
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.smtp.connection import Connection
    from pymailer.transport import Mail

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
        prepare: Makes the way of one message through the pool.
    """

    runtime: Runtime
    take: Take
    tell: Tell
    depth: int
    prepare: Callable[[Mail], Sending]
    _riders: deque[Sending] = attrs.field(factory=deque[Sending])
    _strays: list[tuple[Sending, float]] = attrs.field(factory=list[tuple[Sending, float]])

    async def run(self) -> None:
        """Send until there is no more."""
        mail = await self.take()
        while mail is not None:
            mail = await self._ride(mail)
            strays, self._strays = self._strays, []
            for sending, delay in strays:
                await self._alone(sending, sending.retry(delay))

    async def _ride(self, first: Mail) -> Mail | None:
        """Over one connection, from `first` on; the message that found no room on it, or ``None``."""
        sending = self.prepare(first)
        leases = sending.leases
        lead = Ticket(self.runtime, first.deadline, first.queue_priority)
        try:
            connection = cast("Connection", await leases.lease(lead))
            overlap = Overlap(connection, self.runtime, self.depth)
            left_over = await self._over(overlap, lead, sending)
        except MailError:  # no connection: the way of a single message copes with that
            left_over = sending
        except BaseException as error:
            self._scatter(error)
            raise
        finally:
            leases.settle(lead, Outcome.NOT_SENT)
        if left_over is None:
            return None
        await self._alone(left_over, left_over.run())
        return await self.take()

    async def _over(self, overlap: Overlap, lead: Ticket, sending: Sending | None) -> Sending | None:
        """Begin messages while they fit, settle the oldest when none does; one that never fits is handed back."""
        while True:
            while sending is not None and self._fits(sending, overlap, lead):
                if not await self._begin(sending, overlap):
                    break
                sending = await self._next()
            if not overlap:
                return sending
            self._arrived(self._riders.popleft(), await overlap.settle())
            sending = sending or await self._next()

    async def _next(self) -> Sending | None:
        mail = await self.take()
        return None if mail is None else self.prepare(mail)

    def _fits(self, sending: Sending, overlap: Overlap, lead: Ticket) -> bool:
        leases, place = sending.leases, lead.place
        if place is None or leases.guard.state.wear.worn(place, self.runtime.now()):
            return False
        # Under way, the connection is full of replies; only an idle one that says something is stale.
        return overlap.takes(sending.mail) and (bool(overlap) or leases.fit(lead))

    async def _begin(self, sending: Sending, overlap: Overlap) -> bool:
        """Whether the message is dealt with; not while it has to wait for its turn and others are under way."""
        try:
            while wait := await sending.gate.begin(sending.ticket):
                if overlap:
                    return False
                await sending.leases.waiting.until(sending.ticket, self.runtime.now() + wait)
            await overlap.begin(sending.mail)
        except MailError as error:
            self._settle(sending, error=error)
        else:
            self._riders.append(sending)
        return True

    def _arrived(self, sending: Sending, settled: Settled) -> None:
        error = settled.error
        if error is None:
            self._settle(sending, settled.info)
        elif (delay := sending.failed(error)) is None:
            self._settle(sending, error=error)
        else:
            self._strays.append((sending, delay))

    async def _alone(self, sending: Sending, way: Awaitable[SentMessageInfo]) -> None:
        try:
            info = await way
        except MailError as error:
            self.tell(sending.mail, None, error)
        else:
            self.tell(sending.mail, info, None)

    def _settle(self, sending: Sending, info: SentMessageInfo | None = None, error: MailError | None = None) -> None:
        outcome = info.outcome if info is not None else error.outcome if error is not None else Outcome.NOT_SENT
        sending.leases.settle(sending.ticket, outcome)
        self.tell(sending.mail, info, error)

    def _scatter(self, cause: BaseException) -> None:
        """The convoy was cut short with messages under way, of which nobody can say any more."""
        while self._riders:
            sending = self._riders.popleft()
            error = DeliveryUnknownError("the send was cut short while the message was under way", stage=Stage.FINAL)
            error.__cause__ = cause
            self._settle(sending, error=error)
