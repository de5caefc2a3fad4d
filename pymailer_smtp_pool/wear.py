"""When a connection has done its work: after how many messages, at what age, after how long a rest.

Pure: limits, and what the server taught about them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymailer_smtp_pool.options import PoolOptions
    from pymailer_smtp_pool.place import Place

AGE_JITTER: Final = 0.1
"""The part of `max_age` by which some connections go earlier, so that they do not all go at once."""
PROMPT: Final = 2.0
"""Seconds after its last message within which a connection's end is about its messages, and not about its idleness."""
A_RULE: Final = 3
"""Connections in a row that end alike."""
TRUST: Final = 8
"""One connection in so many puts the lesson to the test."""
LESSON_HOLDS: Final = 3600.0
"""Seconds that a lesson holds: the server may have been restarted, or set up anew, since."""


@attrs.define
class Lesson:
    """After how many messages the server hangs up.

    A few connections in a row that ended after as many messages are a rule; fewer may be chance. Now and then one may
    go on all the same: if it outlives the rule, the rule was wrong. All that this costs is a new connection.
    """

    _last: int = 0
    _times: int = 0
    _most: int | None = None
    _forgotten_at: float = 0.0
    _asked: int = 0

    def ended(self, messages: int, idle_since: float, now: float) -> None:
        """The server ended a connection that had carried so many messages."""
        if now - idle_since > PROMPT:
            return
        self._times = self._times + 1 if messages == self._last else 1
        self._last = messages
        if self._times >= A_RULE:
            self._most, self._forgotten_at = messages, now + LESSON_HOLDS

    def lived(self, messages: int) -> None:
        """A connection carried so many messages and is still there."""
        if self._most is not None and messages > self._most:
            self._most, self._times = None, 0

    def most_messages(self, now: float) -> int | None:
        """After how many messages a new connection should hang up first, ``None`` if nothing is known."""
        if self._most is None or now >= self._forgotten_at:
            return None
        self._asked += 1
        return None if self._asked % TRUST == 0 else self._most


@attrs.define
class Wear:
    """What connections may bear, so that no message ever fails because its connection was old."""

    options: PoolOptions
    random: Callable[[], float]
    lesson: Lesson = attrs.field(factory=Lesson)

    def take_measure(self, place: Place, now: float) -> None:
        """A new connection: how much it may carry, and until when."""
        mailmax = place.connection.capabilities.mailmax if place.connection is not None else None
        limits = (self.options.max_messages, mailmax, self.lesson.most_messages(now))
        place.most_messages = min(limit for limit in limits if limit is not None)
        place.retires_at = now + self.options.max_age * (1 - AGE_JITTER * self.random())
        place.idle_since = now

    def fit(self, place: Place, now: float) -> bool:
        """Whether the connection there may carry one more message."""
        return now < place.idle_since + self.options.idle_timeout and not self.worn(place, now)

    def worn(self, place: Place, now: float) -> bool:
        """Whether it has carried enough messages, or is too old."""
        connection = place.connection
        return connection is None or connection.messages >= place.most_messages or now >= place.retires_at

    def rested_too_long(self, place: Place, now: float) -> bool:
        """Whether it was idle for so long that the server may hang up any moment."""
        return now >= place.idle_since + self.options.idle_timeout
