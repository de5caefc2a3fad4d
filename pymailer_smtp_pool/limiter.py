"""How fast messages may begin: so many in any window of a certain length.

Pure arithmetic on times that it is given: no clock, no lock, no waiting.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable


@runtime_checkable
class RateLimiter(Protocol):
    """What the option `rate_limiter` takes; one that asks a shared store lets many processes keep one limit."""

    def reserve(self, now: float) -> float | Awaitable[float]:
        """Book the next place for one message, and say how many seconds there are until it. Plain or ``async``."""
        ...


_MARGIN: Final = 0.05
"""The part by which a window is made longer: on their way to the server, messages are not all equally fast."""
_MOST_MARGIN: Final = 0.05
"""Seconds of that at most."""


@attrs.define
class SlidingWindow:
    """At most `limit` messages begin in any window of `length` seconds.

    Nothing is booked in advance. Who is told to wait asks again, and only what really begins is counted: a message that
    is late, or never comes, takes nobody's place.
    """

    limit: int
    length: float
    _begun: deque[float] = attrs.field(factory=deque[float], repr=False)

    def ask(self, now: float) -> float:
        """0: a message begins now, and is counted. Else the seconds after which to ask again."""
        window = self.length + min(self.length * _MARGIN, _MOST_MARGIN)
        while self._begun and self._begun[0] <= now - window:
            self._begun.popleft()
        if len(self._begun) >= self.limit:
            return self._begun[0] + window - now
        self._begun.append(now)
        return 0.0
