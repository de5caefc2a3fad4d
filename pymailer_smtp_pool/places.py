"""All places for open connections: which are being opened, lent, idle, or on their way out.

Pure bookkeeping. Every place is busy, idle or parting, so what is open can be counted and is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer_smtp_pool.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable


@attrs.define(eq=False)
class Places:
    """The groups. Dictionaries serve as ordered sets: the same events give the same decisions, run after run.

    Attributes:
        busy: Lent to somebody.
        opening: Those of the busy ones whose connection is being opened.
        idle: Open and free; the one used last comes last.
        parting: On their way out.
    """

    busy: dict[Place, None] = attrs.field(factory=dict[Place, None])
    opening: dict[Place, None] = attrs.field(factory=dict[Place, None])
    idle: list[Place] = attrs.field(factory=list[Place])
    parting: dict[Place, None] = attrs.field(factory=dict[Place, None])

    @property
    def leased(self) -> list[Place]:
        """Those of the busy ones whose connection is open."""
        return [place for place in self.busy if place not in self.opening]

    @property
    def alive(self) -> int:
        """Connections that serve, or can serve, whoever waits."""
        return len(self.busy) - len(self.opening) + len(self.idle)

    @property
    def open(self) -> int:
        """All connections, from before the connect until after the close."""
        return len(self.busy) + len(self.idle) + len(self.parting)

    def everywhere(self) -> list[Place]:
        """All of them."""
        return [*self.busy, *self.idle, *self.parting]

    def add(self, place: Place) -> None:
        """A new place, for a connection that is to be opened."""
        self.busy[place] = self.opening[place] = None

    def opened(self, place: Place) -> bool:
        """The connection is open, and lent to the one who opened it."""
        return self._drop(place, self.opening)

    def reopen(self, place: Place) -> bool:
        """The lent connection is closed, and its holder opens another."""
        if place not in self.busy or place in self.opening:
            return False
        self.opening[place] = None
        return True

    def lend(self) -> Place:
        """The connection that was used last: few stay warm, and the others age. There must be an idle one."""
        place = self.idle[-1]
        self.busy[place] = None
        self.idle.pop()
        place.reused = True
        return place

    def take_back(self, place: Place, now: float, *, worn: bool) -> None:
        """A lent connection is idle from now on; a worn one is used only when there is no other, and then replaced."""
        place.idle_since = now
        self.idle.insert(0 if worn else len(self.idle), place)
        del self.busy[place]

    def part(self, places: Iterable[Place]) -> list[Place]:
        """Idle connections are on their way out; each is counted until it is `gone`."""
        leaving = list(places)
        self.parting |= dict.fromkeys(leaving)
        self.idle = [place for place in self.idle if place not in self.parting]
        return leaving

    def gone(self, place: Place) -> bool:
        """The connection is closed; whether it had been open."""
        opening = self._drop(place, self.opening)
        return (self._drop(place, self.busy) or self._drop(place, self.parting)) and not opening

    def repair(self, held: set[Place]) -> None:
        """After a move that was cut short: what is held is busy, what is not held and still good is idle."""
        free = [place for place in dict.fromkeys([*self.idle, *self.leased]) if place not in held]
        self.idle = [place for place in free if place.connection is not None and place.connection.usable]
        self.busy = {place: None for place in self.busy if place in held}
        self.opening = {place: None for place in self.opening if place in held}

    def _drop(self, place: Place, group: dict[Place, None]) -> bool:
        return group.pop(place, self) is None
