"""What becomes of a message in the pool: it is admitted, waits, begins and settles.

All decisions of the pool, here and in `lending`, and none of its deeds: no I/O, no waiting, no lock, no clock. Each
method is one change; it leaves in `line.unwoken` whom to wake, and in `signals` what to announce. A change that comes
from one who holds nothing changes nothing, so that cleaning up twice is harmless.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import attrs

from pymailer.errors import PoolClosedError, QueueFullError
from pymailer.outcome import Outcome
from pymailer_smtp_pool.closing import DELIVERED, Closing
from pymailer_smtp_pool.lending import Lending
from pymailer_smtp_pool.stats import PoolStats
from pymailer_smtp_pool.telling import copy_of
from pymailer_smtp_pool.throttle import Throttle
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymailer_smtp_pool.adaptive import Pause
    from pymailer_smtp_pool.limiter import SlidingWindow
    from pymailer_smtp_pool.place import Place


@attrs.define(eq=False)
class PoolState(Lending):
    """The whole pool at one moment.

    Attributes:
        pause: Until when no message begins.
        window: How many begin in a time.
        tickets: All messages in the pool, and the tickets that only hold a connection.
        closings: Who waits for the pool to be closed.
    """

    pause: Pause = attrs.field(kw_only=True)
    window: SlidingWindow | None = None
    tickets: dict[Ticket, None] = attrs.field(factory=dict[Ticket, None])
    closings: list[Closing] = attrs.field(factory=list[Closing])
    _numbers: Iterator[int] = attrs.field(factory=lambda: count(1))

    # --- asking for a place -------------------------------------------------------------------------------------------

    def request(self, ticket: Ticket, now: float) -> Place | None:
        """A place, if one is free that nobody waits for. A new ticket is admitted by that.

        If there is nothing else to wait for either, the message begins: see `begin`.

        Raises:
            MailError: There will be none.
        """
        self._check(ticket, now)
        if not self.line.waiting:
            self._give(ticket, now)
            self._announce()
            if ticket.mail and self.window is None and self.options.rate_limiter is None and now >= self.pause.until:
                ticket.begun = ticket.place is not None and self.wear.fit(ticket.place, now)
        return ticket.place

    def wait(self, ticket: Ticket, now: float) -> Place | None:
        """A place, or a turn in the line; the ticket's waiter is woken when the turn has come.

        Raises:
            MailError: There will be none, or too many wait already.
        """
        self._check(ticket, now)
        if ticket.place is None and ticket not in self.line.waiting:
            self._check_queue(ticket)
            self.line.join(ticket)
            self._serve(now)
        return ticket.place

    def _check(self, ticket: Ticket, now: float) -> None:
        self.admit(ticket)
        if self.over:
            raise PoolClosedError("the pool is closed")
        if self.door.error is not None and ticket.place is None and self._hopeless(now):
            ticket.refusal = copy_of(self.door.error)
            raise ticket.refusal

    def _check_queue(self, ticket: Ticket) -> None:
        most = self.options.max_queue
        if most is not None and len(self.line.waiting) >= most and not ticket.served:
            raise QueueFullError(f"{len(self.line.waiting)} messages wait already (max_queue={most})")

    def admit(self, ticket: Ticket) -> None:
        """A message comes in; one that is in may `rest`.

        Raises:
            PoolClosedError: Nothing is taken any more.
        """
        if ticket.number:
            self.rest(ticket)
            return
        if self.closed:
            raise PoolClosedError("the pool is closed")
        ticket.number = next(self._numbers)
        self.tickets[ticket] = None

    def rest(self, ticket: Ticket) -> None:
        """Whether the sender of this ticket may sleep (on): raises what it should know instead."""
        if ticket.refusal is not None:
            raise ticket.refusal

    # --- a message begins ---------------------------------------------------------------------------------------------

    def begin(self, ticket: Ticket, now: float) -> float:
        """0: the message begins now; from here on it is in flight, and nothing stops it. Else the seconds to wait.

        Raises:
            MailError: It may not begin any more.
        """
        self.admit(ticket)
        if now < self.pause.until:
            return self.pause.until - now
        wait = 0.0 if self.window is None else self.window.ask(now)
        if not wait:
            ticket.begun, ticket.turn = True, None
        return wait

    def slowed(self, throttle: Throttle, reason: str, now: float) -> None:
        """The server complained about a message: fewer connections, and a pause before the next message begins."""
        self.counters.throttled += 1
        if throttle is Throttle.TOO_MANY:
            self.limit.too_many(len(self.places.busy) - 1, reason, now)
        else:
            self.limit.too_fast(reason, now)
        self.pause.extend(now)

    def retried(self) -> None:
        """A message is tried again."""
        self.counters.retried += 1

    def hand_over(self, ticket: Ticket, holder: Ticket) -> None:
        """`holder` holds this ticket's connection from now on; the message stays begun."""
        holder.number = ticket.number
        self.tickets[holder] = None
        holder.place, ticket.place = ticket.place, None

    # --- and settles --------------------------------------------------------------------------------------------------

    def complete(self, ticket: Ticket, outcome: Outcome, now: float) -> bool:
        """`check_in` and `settle` in one, the usual end; ``False`` if the connection must be closed first."""
        if not self._take_back(ticket, now):
            return False
        self.settle(ticket, outcome, now)
        return True

    def settle(self, ticket: Ticket, outcome: Outcome, now: float) -> None:
        """A message is done with, one way or another; its place was given back before."""
        if ticket in self.tickets:
            del self.tickets[ticket]
            if self.line.waiting:
                self.line.leave(ticket)
            ticket.trouble = ticket.refusal = None  # an error and the frames that it passed would keep each other alive
            if ticket.mail:
                self._count(ticket, outcome, now)
        if self.closings and not self.tickets:
            self.line.notify(self.closings)
        self._serve(now)

    def _count(self, ticket: Ticket, outcome: Outcome, now: float) -> None:
        if outcome in DELIVERED:
            self.counters.sent += 1
            self.limit.went_well(now)
            self.pause.went_well()
        else:
            self.counters.failed += 1
        for closing in self.closings:
            closing.note(ticket, outcome)

    # --- the end ------------------------------------------------------------------------------------------------------

    def close(self, closing: Closing) -> None:
        """Take nothing any more, and watch for `closing` how the rest ends."""
        self._shut()
        self.closings.append(closing)

    def end(self) -> None:
        """Begin nothing any more: who has not begun is told."""
        self._shut(over=True)
        for ticket in self.tickets:
            if not ticket.begun:
                self.line.refuse(ticket, PoolClosedError("the pool was closed before this message could be sent"))

    def finish(self, closing: Closing) -> None:
        """The time is up: what is not settled cannot begin any more, and of what has begun nobody can say."""
        if closing in self.closings:
            self.closings.remove(closing)
            for ticket in self.tickets:
                if ticket.mail:
                    closing.note(ticket, Outcome.UNKNOWN if ticket.begun else Outcome.NOT_SENT)

    # --- seeing to it -------------------------------------------------------------------------------------------------

    def repair(self) -> None:
        """After a change that was cut short (Ctrl-C comes at any moment): what the tickets hold is the truth."""
        self.places.repair({ticket.place for ticket in self.tickets if ticket.place is not None})
        for ticket in self.tickets:
            if ticket.place is not None or ticket.refusal is not None:
                self.line.answer(ticket)

    def stats(self) -> PoolStats:
        """Everything that can be counted."""
        return PoolStats(
            connections=self.places.open,
            idle=len(self.places.idle),
            busy=len(self.places.busy),
            waiting=len(self.line.waiting),
            limit=self.limit.current,
            limit_reason=self.limit.reason,
            breaker=str(self.door.mode),
            breaker_reason=None if self.door.error is None else str(self.door.error),
            **attrs.asdict(self.counters),
        )
