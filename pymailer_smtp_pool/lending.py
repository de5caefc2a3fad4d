"""Who gets which connection, when a new one may be opened, and who is told that there will be none.

Knows tickets, places and the line; must not know how a message begins and ends. Pure, like the rest of the `state`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

from pymailer_smtp_pool.line import Line
from pymailer_smtp_pool.place import Place
from pymailer_smtp_pool.places import Places
from pymailer_smtp_pool.stats import Counters
from pymailer_smtp_pool.telling import copy_of

if TYPE_CHECKING:
    from pymailer.errors import MailError
    from pymailer_smtp_pool.adaptive import AdaptiveLimit
    from pymailer_smtp_pool.breaker import Door
    from pymailer_smtp_pool.options import PoolOptions
    from pymailer_smtp_pool.throttle import Throttle
    from pymailer_smtp_pool.ticket import Ticket
    from pymailer_smtp_pool.wear import Wear


@attrs.define(eq=False)
class Lending:
    """Connections, lent to tickets.

    Attributes:
        places: The open connections.
        line: The messages that wait for one.
        closed: Nothing is taken any more.
        over: Nothing begins any more.
        next_expiry: Until then no connection will have been idle for too long.
        signals: Events that were not announced yet.
    """

    options: PoolOptions
    limit: AdaptiveLimit
    door: Door
    wear: Wear
    counters: Counters = attrs.field(factory=Counters)
    places: Places = attrs.field(factory=Places)
    line: Line = attrs.field(factory=Line)
    closed: bool = False
    over: bool = False
    next_expiry: float = 0.0
    signals: deque[str] = attrs.field(factory=deque[str])
    _had_room: bool = True
    _was_clear: bool = True

    @property
    def room(self) -> bool:
        """Whether a message that came now would not wait."""
        return not self.line.waiting and not self.closed and len(self.places.busy) < self.limit.current

    # --- giving a place -----------------------------------------------------------------------------------------------

    def _serve(self, now: float) -> None:
        """Give what is free to those whose turn it is, or tell them that there is no hope left."""
        if self.line.waiting:
            if self.door.error is not None and self._hopeless(now) and not self.places.opening:
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
        if ticket.place is None:
            return False
        ticket.served = True
        return True

    def _new_place(self, now: float) -> Place | None:
        if self.places.open >= self.limit.current or not self.door.lets_knock(len(self.places.opening)):
            return None
        if self.places.alive and now < self.door.not_before:
            return None  # the server is left alone, and those that are connected serve
        place = Place(not_before=self.door.not_before, epoch=self.door.epoch)
        self.places.add(place)
        return place

    def _announce(self) -> None:
        room, places = self.room, self.places
        clear = not (places.busy or places.idle or places.parting or self.line.waiting)
        if room is not self._had_room:
            self._had_room = room
            if room:
                self.signals.append("idle")
        if clear is not self._was_clear:
            self._was_clear = clear
            if clear:
                self.signals.append("clear")

    # --- a connection comes to be, or does not ------------------------------------------------------------------------

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

    # --- it comes back, or does not -----------------------------------------------------------------------------------

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

    # --- it is not used any more --------------------------------------------------------------------------------------

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

    def clear_out(self) -> list[Place]:
        """All idle connections: to be closed, and then `gone`."""
        return self.places.part(self.places.idle)

    def _shut(self, *, over: bool = False) -> None:
        """Take nothing any more and, once it is `over`, begin nothing any more."""
        self.closed = True
        self.over |= over
