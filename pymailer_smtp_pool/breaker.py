"""Whether a new connection may be tried now, or why not.

Pure: it is told how attempts to connect ended, and what time it is. It knows nothing of places and messages.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from pymailer_smtp_pool.telling import copy_of

if TYPE_CHECKING:
    from pymailer.errors import MailError
    from pymailer_smtp_pool.backoff import Backoff


class Breaker(StrEnum):
    """How the pool stands to its server, as `stats()` shows it."""

    CLOSED = "closed"
    """The last connection came to be: any number may be opened."""
    PROBING = "probing"
    """It is not known whether the server takes us: one connection at a time is tried."""
    OPEN = "open"
    """The server said a final no: nothing is tried for a while."""


@attrs.define
class Door:
    """The way to the server: one may knock until somebody was let in.

    It begins half open. Fifty messages that wait with a wrong password make one login, and not fifty at once; a server
    that is down is asked by one probe at a time, later and later.

    Attributes:
        timeout: Seconds of failing fast after a final no.
        patience: How many probes may fail before those who wait are told.
        error: What the last attempt ended with, ``None`` after a success.
        not_before: When the next attempt may begin.
        epoch: Grows with each change of mind; the end of an attempt that began in an earlier epoch is old news.
    """

    timeout: float
    patience: int
    backoff: Backoff
    error: MailError | None = None
    not_before: float = 0.0
    epoch: int = 0
    _proved: bool = False
    _refused: bool = False
    _knocks: int = 0
    _failures: int = 0

    @property
    def mode(self) -> Breaker:
        """How the pool stands to its server."""
        if self._refused:
            return Breaker.OPEN
        return Breaker.CLOSED if self._proved else Breaker.PROBING

    @property
    def hopeless(self) -> bool:
        """Whether those who wait should be told: the server said a final no, or was asked often enough."""
        return self._refused or self._failures > self.patience

    def shut(self, now: float) -> bool:
        """Whether there is no use in knocking: the final no is too fresh."""
        return self._refused and now < self.not_before

    def lets_knock(self, knocking: int) -> bool:
        """Whether one more connection may be tried beside those that are."""
        return self._proved or not knocking

    def opened(self) -> None:
        """Somebody was let in."""
        self._proved, self._refused, self.error = True, False, None
        self._knocks = self._failures = 0

    def failed(self, error: MailError, now: float, epoch: int) -> None:
        """An attempt that began in `epoch` ended with `error`."""
        final = not error.temporary
        if epoch == self.epoch or (final and not self._refused):
            self._failures += 1
            self._refused = final
            self._close(error, now)

    def turned_away(self, error: MailError, now: float, epoch: int) -> None:
        """The server is too busy even for one: it is asked later, as often as it takes."""
        if epoch == self.epoch:
            self._failures, self._refused = 0, False
            self._close(error, now)

    def _close(self, error: MailError, now: float) -> None:
        self._proved = False
        self._knocks += 1
        self.error = copy_of(error)
        self.not_before = now + (self.timeout if self._refused else self.backoff(self._knocks))
        self.epoch += 1
