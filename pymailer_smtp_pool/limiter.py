"""How fast messages may begin: places in a sliding window.

Pure arithmetic on times that it is given: no clock, no lock, no waiting.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable


@runtime_checkable
class RateLimiter(Protocol):
    """What the option `rate_limiter` takes; one that asks a shared store lets many processes keep one limit.

    It may have ``cancel(at)`` too, which gives back a place that was not used after all.
    """

    def reserve(self, now: float) -> float | Awaitable[float]:
        """Book the next place for one message, and say how many seconds there are until it. Plain or ``async``."""
        ...


_SLACK: Final = 0.05
"""The part of a window by which a message may miss its place: timers and schedulers are never on time."""
_MOST_SLACK: Final = 0.25
_LEAST_SLACK: Final = 0.01


@attrs.define
class SlidingWindow:
    """At most `limit` messages begin in any window of `length` seconds.

    A place may be used up to `slack` seconds late. Places stand `length + slack` apart from the one `limit` before,
    so the beginnings themselves are never less than `length` apart, however late each of them is.
    """

    limit: int
    length: float
    _places: deque[float] = attrs.field(factory=deque[float], repr=False)

    @property
    def slack(self) -> float:
        """How many seconds after its time a place may still be used."""
        return min(max(self.length * _SLACK, _LEAST_SLACK), _MOST_SLACK)

    def reserve(self, now: float) -> float:
        """Book the next place; the seconds there are until it."""
        apart = self.length + self.slack
        while self._places and self._places[0] <= now - apart:
            self._places.popleft()
        place = now
        if len(self._places) >= self.limit:
            place = max(now, self._places[-self.limit] + apart)
        insort(self._places, place)
        return place - now

    def cancel(self, at: float) -> None:
        """Give back a place that was not used, so that a thousand cancelled messages do not hold up the next one."""
        if at in self._places:
            self._places.remove(at)
