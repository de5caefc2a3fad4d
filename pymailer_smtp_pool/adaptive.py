"""How many connections, and how fast, while a server says "too many" or "too fast".

Pure: additive increase, multiplicative decrease on times and replies that it is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from pymailer_smtp_pool.backoff import Backoff

_FIRST_PATIENCE: Final = 1.0
"""Seconds without a complaint before one more connection is tried."""
_MOST_PATIENCE: Final = 300.0


@attrs.define
class AdaptiveLimit:
    """The limit on connections that is in force: shrunk by complaints, grown one by one by what goes well.

    Each time that growing was a mistake, the next attempt waits twice as long; each time that it was none, half as
    long.

    Attributes:
        most: The limit that the user set.
        current: The limit in force.
        reason: The server's last complaint while `current` is below `most`.
    """

    most: int
    current: int = attrs.field(default=attrs.Factory(lambda self: self.most, takes_self=True))
    reason: str | None = None
    _grows_at: float = 0.0
    _patience: float = _FIRST_PATIENCE
    _successes: int = 0
    _grown: bool = False

    def too_many(self, held: int, reason: str, now: float) -> None:
        """The server turned one away although it serves the `held` others: so many it takes."""
        self._shrink(held, reason, now)

    def too_fast(self, reason: str, now: float) -> None:
        """The server wants less of everything: half as many."""
        self._shrink(self.current // 2, reason, now)

    def went_well(self, now: float) -> None:
        """A message was delivered; after as many as there are connections, one more connection may be tried."""
        if self.current == self.most:
            return
        self._successes += 1
        if self._successes >= self.current and now >= self._grows_at:
            self._grow(now)

    def _shrink(self, to: int, reason: str, now: float) -> None:
        if self._grown:
            self._patience = min(self._patience * 2, _MOST_PATIENCE)
        self.current = max(1, min(self.current, to))
        self.reason = reason
        self._grows_at = now + self._patience
        self._successes = 0
        self._grown = False

    def _grow(self, now: float) -> None:
        if self._grown:
            self._patience = max(self._patience / 2, _FIRST_PATIENCE)
        self.current += 1
        self._grows_at = now + self._patience
        self._successes = 0
        self._grown = True
        if self.current == self.most:
            self.reason = None
            self._patience = _FIRST_PATIENCE


@attrs.define
class Pause:
    """No message begins before `until`: what a server that says "too fast" to a message is given.

    Complaints about messages that began before the pause are part of the same episode.
    """

    backoff: Backoff
    until: float = 0.0
    _episodes: int = 0

    def extend(self, now: float) -> None:
        """The server complained."""
        if now >= self.until:
            self._episodes += 1
            self.until = now + self.backoff(self._episodes)

    def went_well(self) -> None:
        """A message was delivered."""
        self._episodes = 0
