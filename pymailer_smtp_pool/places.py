"""All places for open connections: which are being opened, lent, idle, or on their way out.

Pure bookkeeping. Every place is in exactly one group, so what is open can be counted and is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer_smtp_pool.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable


@attrs.define(eq=False)
class Places:
    """The groups. Moving a place that is not where it is said to be changes nothing.

    Dictionaries serve as ordered sets: the same events give the same decisions, run after run.
    """

    opening: dict[Place, None] = attrs.field(factory=dict[Place, None])
    leased: dict[Place, None] = attrs.field(factory=dict[Place, None])
    idle: list[Place] = attrs.field(factory=list[Place])
    parting: dict[Place, None] = attrs.field(factory=dict[Place, None])

    @property
    def busy(self) -> int:
        """Connections that are being opened or in use."""
        return len(self.opening) + len(self.leased)

    @property
    def alive(self) -> int:
        """Connections that serve, or can serve, whoever waits."""
        return len(self.leased) + len(self.idle)

    @property
    def none(self) -> bool:
        """Whether no connection is open."""
        return not (self.idle or self.leased or self.opening or self.parting)

    @property
    def open(self) -> int:
        """All connections, from before the connect until after the close."""
        return self.busy + len(self.idle) + len(self.parting)

    def everywhere(self) -> list[Place]:
        """All of them."""
        return [*self.opening, *self.leased, *self.idle, *self.parting]

    def add(self, place: Place) -> None:
        """A new place, for a connection that is to be opened."""
        self.opening[place] = None

    def opened(self, place: Place) -> bool:
        """The connection is open, and lent to the one who opened it."""
        return self._move(place, self.opening, self.leased)

    def reopen(self, place: Place) -> bool:
        """The lent connection is closed, and its holder opens another."""
        return self._move(place, self.leased, self.opening)

    def lend(self) -> Place:
        """The connection that was used last: few stay warm, and the others age. There must be an idle one."""
        place = self.idle[-1]
        self.leased[place] = None
        self.idle.pop()
        place.reused = True
        return place

    def take_back(self, place: Place, now: float, *, worn: bool) -> None:
        """A lent connection is idle from now on; a worn one is used only when there is no other, and then replaced."""
        if place in self.leased:
            place.idle_since = now
            self.idle.insert(0 if worn else len(self.idle), place)
            del self.leased[place]

    def part(self, places: Iterable[Place]) -> list[Place]:
        """Idle connections are on their way out; each is counted until it is `gone`."""
        leaving = list(places)
        self.parting |= dict.fromkeys(leaving)
        self.idle = [place for place in self.idle if place not in self.parting]
        return leaving

    def gone(self, place: Place) -> bool:
        """The connection is closed; whether it had been open."""
        self.opening.pop(place, None)
        return self._drop(place, self.leased) or self._drop(place, self.parting)

    def repair(self, held: set[Place]) -> None:
        """After a move that was cut short: what is held is busy, what is not held and still good is idle."""
        free = [place for place in dict.fromkeys([*self.idle, *self.leased]) if place not in held]
        self.idle = [place for place in free if place.connection is not None and place.connection.usable]
        self.opening = {place: None for place in self.opening if place in held}
        self.leased = {place: None for place in self.leased if place in held}

    def _move(self, place: Place, source: dict[Place, None], target: dict[Place, None]) -> bool:
        if place not in source:
            return False
        target[place] = None
        del source[place]
        return True

    def _drop(self, place: Place, group: dict[Place, None]) -> bool:
        return group.pop(place, self) is None
