"""Who gets which connection, when a new one may be opened, and who is told that there will be none.

All decisions of the pool and none of its deeds: no I/O, no waiting, no lock, no clock. Each method is one change; it
leaves in `line.unwoken` whom to wake, and in `signals` what to announce. A change that comes from one who holds nothing
changes nothing, so that cleaning up twice is harmless.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING

import attrs

from pymailer.errors import MailError, PoolClosedError, QueueFullError
from pymailer.outcome import Outcome
from pymailer_smtp_pool.closing import DELIVERED, Closing
from pymailer_smtp_pool.line import Line
from pymailer_smtp_pool.place import Place
from pymailer_smtp_pool.places import Places
from pymailer_smtp_pool.stats import Counters, PoolStats
from pymailer_smtp_pool.telling import copy_of
from pymailer_smtp_pool.throttle import Throttle
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymailer_smtp_pool.adaptive import AdaptiveLimit, Pause
    from pymailer_smtp_pool.breaker import Door
    from pymailer_smtp_pool.limiter import SlidingWindow
    from pymailer_smtp_pool.options import PoolOptions
    from pymailer_smtp_pool.wear import Wear


@attrs.define(eq=False)
class PoolState:
    """The whole pool at one moment.

    Attributes:
        places: The open connections.
        line: The messages that wait for one.
        tickets: All messages in the pool, and the tests of a connection.
        closed: Nothing is taken any more.
        over: Nothing begins any more.
        next_expiry: Until then no connection will have been idle for too long.
        signals: Events that were not announced yet.
    """

    options: PoolOptions
    limit: AdaptiveLimit
    door: Door
    pause: Pause
    wear: Wear
    window: SlidingWindow | None = None
    counters: Counters = attrs.field(factory=Counters)
    places: Places = attrs.field(factory=Places)
    line: Line = attrs.field(factory=Line)
    tickets: dict[Ticket, None] = attrs.field(factory=dict[Ticket, None])
    closings: list[Closing] = attrs.field(factory=list[Closing])
    closed: bool = False
    over: bool = False
    next_expiry: float = 0.0
    signals: deque[str] = attrs.field(factory=deque[str])
    _had_room: bool = True
    _was_clear: bool = True
    _numbers: Iterator[int] = attrs.field(factory=lambda: count(1))

    @property
    def room(self) -> bool:
        """Whether a message that came now would not wait."""
        return not self.line.waiting and not self.closed and len(self.places.busy) < self.limit.current

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

    # --- a message comes and goes ------------------------------------------------------------------------------------

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

    def complete(self, ticket: Ticket, outcome: Outcome, now: float) -> bool:
        """`check_in` and `settle` in one, the usual end; ``False`` if the connection must be closed first."""
        if not self._take_back(ticket, now):
            return False
        self.settle(ticket, outcome, now)
        return True

    def _count(self, ticket: Ticket, outcome: Outcome, now: float) -> None:
        if outcome in DELIVERED:
            self.counters.sent += 1
            self.limit.went_well(now)
            self.pause.went_well()
        else:
            self.counters.failed += 1
        for closing in self.closings:
            closing.note(ticket, outcome)

    # --- asking for a place ------------------------------------------------------------------------------------------

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

    def rest(self, ticket: Ticket) -> None:
        """Whether the sender of this ticket may sleep (on): raises what it should know instead."""
        if ticket.refusal is not None:
            raise ticket.refusal

    # --- giving one --------------------------------------------------------------------------------------------------

    def _serve(self, now: float) -> None:
        """Give what is free to those whose turn it is, or tell them that there is no hope left."""
        if self.line.waiting and self.door.error is not None and self._hopeless(now) and not self.places.opening:
            self.line.refuse_all(self.door.error)
        while self.line.waiting and self._give(ticket := self.line.first(), now):
            self.line.answer(ticket)
        self._announce()

    def _hopeless(self, now: float) -> bool:
        """Nobody is connected, and there is no use in trying."""
        return not self.places.alive and self.door.shut(now)

    def _give(self, ticket: Ticket, now: float) -> bool:
        if ticket.place is None and len(self.places.busy) < self.limit.current:
            ticket.place = self.places.lend() if self.places.idle else self._new_place(now)
        ticket.served |= ticket.place is not None
        return ticket.place is not None

    def _new_place(self, now: float) -> Place | None:
        if self.places.open >= self.limit.current or not self.door.lets_knock(len(self.places.opening)):
            return None
        if self.places.alive and now < self.door.not_before:
            return None  # the server is left alone, and those that are connected serve
        place = Place(not_before=self.door.not_before, epoch=self.door.epoch)
        self.places.add(place)
        return place

    # --- a connection comes to be, or does not -----------------------------------------------------------------------

    def opened(self, place: Place, now: float) -> None:
        """The connection in this place is open."""
        if self.places.opened(place):
            self.wear.take_measure(place, now)
            self.counters.opened += 1
            self.door.opened()
            self._serve(now)  # where one was let in, others may try

    def failed(self, ticket: Ticket, error: MailError, throttle: Throttle | None, now: float) -> None:
        """The connection in this ticket's place did not come to be.

        Those who wait are told if there is no hope: every one at once, instead of one after the other.
        """
        place = ticket.place
        if place is None or place not in self.places.opening:
            return
        if throttle is None:
            self.door.failed(error, now, place.epoch)
        else:
            self._turned_away(error, place, now)
        if self.door.hopeless and not self.places.alive:
            ticket.refusal = error
            self.line.refuse_all(error)

    def _turned_away(self, error: MailError, place: Place, now: float) -> None:
        self.counters.throttled += 1
        others = len(self.places.busy) + len(self.places.idle) - 1
        if others:
            self.limit.too_many(others, str(error.reply), now)
        else:
            self.door.turned_away(error, now, place.epoch)

    def reopen(self, ticket: Ticket, now: float) -> None:
        """The connection in this ticket's place makes room for a new one.

        Raises:
            MailError: There is no use in trying.
        """
        if self.door.error is not None and self.door.shut(now):
            raise copy_of(self.door.error)
        if ticket.place is not None and self.places.reopen(ticket.place):
            ticket.place.epoch = self.door.epoch
            self.counters.closed += 1

    # --- a message begins --------------------------------------------------------------------------------------------

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

    # --- a connection comes back, or does not ------------------------------------------------------------------------

    def check_in(self, ticket: Ticket, now: float) -> bool:
        """This ticket's connection goes to the next one; ``False`` if it must be closed, and the ticket `leave`."""
        if not self._take_back(ticket, now):
            return False
        self._serve(now)
        return True

    def _take_back(self, ticket: Ticket, now: float) -> bool:
        place, places = ticket.place, self.places
        if place is None or place.connection is None or place not in places.busy or place in places.opening:
            return False
        if self.over or places.open > self.limit.current:
            return False
        ticket.place, ticket.begun = None, False
        places.take_back(place, now, worn=self.wear.worn(place, now))
        self.wear.lesson.lived(place.connection.messages)
        return True

    def leave(self, ticket: Ticket, now: float) -> None:
        """This ticket's connection is closed, or never was; somebody else may open one."""
        place, ticket.place, ticket.begun = ticket.place, None, False
        if place is not None:
            self.gone(place, now)

    def gone(self, place: Place, now: float) -> None:
        """The connection in this place is closed, or never was."""
        self.counters.closed += self.places.gone(place)
        self._serve(now)

    def ended(self, place: Place, messages: int, now: float) -> None:
        """The server ended the connection in this place, after so many messages."""
        self.wear.lesson.ended(messages, place.idle_since, now)

    def expired(self, now: float, worn: bool) -> list[Place]:
        """Idle connections that carry no more messages: to be closed, and then `gone`.

        They were idle for too long or, if that is asked, are `worn`.
        """
        wear, idle = self.wear, self.places.idle
        leaving = self.places.part(
            place for place in idle if wear.rested_too_long(place, now) or (worn and wear.worn(place, now))
        )
        # Whichever is given back from now on expires later than that.
        resting_since = min((place.idle_since for place in self.places.idle), default=now)
        self.next_expiry = resting_since + self.options.idle_timeout
        return leaving

    # --- the end -----------------------------------------------------------------------------------------------------

    def close(self, closing: Closing) -> None:
        """Take nothing any more, and watch for `closing` how the rest ends."""
        self.closed = True
        self.closings.append(closing)

    def end(self) -> None:
        """Begin nothing any more: who has not begun is told."""
        self.closed = self.over = True
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

    def clear_out(self) -> list[Place]:
        """All idle connections: to be closed, and then `gone`."""
        return self.places.part(self.places.idle)

    # --- seeing to it ------------------------------------------------------------------------------------------------

    def repair(self) -> None:
        """After a change that was cut short (Ctrl-C comes at any moment): what the tickets hold is the truth."""
        self.places.repair({ticket.place for ticket in self.tickets if ticket.place is not None})
        for ticket in self.tickets:
            if ticket.place is not None or ticket.refusal is not None:
                self.line.answer(ticket)

    def _announce(self) -> None:
        places, waiting = self.places, self.line.waiting
        room = not (waiting or self.closed) and len(places.busy) < self.limit.current
        clear = not (waiting or places.busy or places.idle or places.parting)
        if room is not self._had_room:
            self._had_room = room
            self.signals += ["idle"] * room
        if clear is not self._was_clear:
            self._was_clear = clear
            self.signals += ["clear"] * clear
