"""What DNS said, for as long as it said so; and a little longer for when nobody can be asked.

Bounded, for any thread and colour. It knows keys, values and times; nothing of DNS.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Any, Final

import attrs

LONGEST: Final = 3600.0
"""Seconds: a longer TTL is cut, so that a moved server is found the same hour."""
SHORTEST: Final = 5.0
"""Seconds: a batch of messages to one host asks once, whatever the TTL."""
STALE: Final = 86_400.0
"""Seconds after its end that an answer may still be given while no server answers (RFC 8767 5: one to three days)."""
STALE_AGAIN: Final = 30.0
"""Seconds until the servers are tried again after that (RFC 8767 5)."""


@attrs.frozen
class Kept:
    """A value, until when it is fresh, and until when it may be used at all, on the clock of the runtimes."""

    value: Any
    fresh_until: float
    usable_until: float

    def fresh(self, now: float) -> bool:
        """Whether nobody needs to be asked."""
        return now < self.fresh_until

    def usable(self, now: float) -> bool:
        """Whether it may be given if nobody can be asked."""
        return now < self.usable_until


class Cache:
    """Keys to values with a time to live; the oldest entry makes room."""

    def __init__(self, size: int = 1024) -> None:
        self._size = size
        self._entries: dict[tuple[str, str], Kept] = {}
        self._lock = Lock()
        if hasattr(os, "register_at_fork"):  # a thread of the parent may hold it just then
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = Lock()

    def get(self, key: tuple[str, str]) -> Kept | None:
        """What is known, fresh or not."""
        with self._lock:
            return self._entries.get(key)

    def put(self, key: tuple[str, str], value: object, now: float, ttl: float) -> None:
        """Keep `value` for `ttl` seconds, within bounds."""
        end = now + min(max(ttl, SHORTEST), LONGEST)
        entry = Kept(value, end, end + STALE)
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = entry
            while len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]

    def prolong(self, key: tuple[str, str], kept: Kept, now: float) -> None:
        """Let a stale value be fresh for a moment, so that not every message waits for servers that are down."""
        with self._lock:
            self._entries[key] = attrs.evolve(kept, fresh_until=now + STALE_AGAIN)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
