"""Deadlines that nearly never pass: a wait sets one and clears it, and only the earliest is looked after.

Knows times, on whatever clock; must not know timers, or what becomes of those who are late.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

W = TypeVar("W")

NEVER: Final = float("inf")


class Deadlines(Generic[W]):
    """Who waits until when.

    Attributes:
        earliest: None is before this. It may be one that was cleared, which costs one look too many.
    """

    def __init__(self) -> None:
        self.earliest: float = NEVER
        self._times: dict[W, float] = {}

    def set(self, who: W, deadline: float) -> bool:
        """Have `who` wait until `deadline`; whether that is now the earliest."""
        self._times[who] = deadline
        if deadline >= self.earliest:
            return False
        self.earliest = deadline
        return True

    def clear(self, who: W) -> None:
        """Have `who` wait no longer."""
        self._times.pop(who, None)

    def passed(self, now: float) -> list[W]:
        """Who was to wait until `now` or before, the earliest first, and does so no longer."""
        late = sorted((who for who, time in self._times.items() if time <= now), key=self._times.__getitem__)
        for who in late:
            del self._times[who]
        self.earliest = min(self._times.values(), default=NEVER)
        return late
