"""What can be seen of a pool from outside: counts, and what is in force.

Plain data.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class PoolStats:
    """A pool at one moment.

    Attributes:
        connections: Open ones, and those being opened or closed; never more than `max_connections`.
        idle: Connections that nobody uses.
        busy: Connections that are being opened or in use.
        waiting: Messages that wait for a connection.
        limit: The limit on connections in force; below `max_connections` while the server complains.
        sent: Messages that were sent, since the pool was made.
        failed: Messages that were not, or of which nobody can say.
        retried: How often a message was tried again.
        opened: Connections that came to be.
        closed: Connections that came to be and are no more.
        throttled: How often the server said "too many" or "too fast".
        limit_reason: The server's last complaint, while `limit` is below `max_connections`.
        breaker: ``"closed"`` if all is well, ``"open"`` while the pool fails fast after a final refusal,
            ``"probing"`` while one connection finds out.
        breaker_reason: Why the breaker is not closed, or ``None`` before the first connection.
    """

    connections: int = 0
    idle: int = 0
    busy: int = 0
    waiting: int = 0
    limit: int = 0
    sent: int = 0
    failed: int = 0
    retried: int = 0
    opened: int = 0
    closed: int = 0
    throttled: int = 0
    limit_reason: str | None = None
    breaker: str = "probing"
    breaker_reason: str | None = None


@attrs.define
class Counters:
    """What a pool counts over its life."""

    sent: int = 0
    failed: int = 0
    retried: int = 0
    opened: int = 0
    closed: int = 0
    throttled: int = 0
