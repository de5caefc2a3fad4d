"""What was begun, kept where all workers see it, so that a task that is handed over twice is not sent twice.

A queue that promises not to lose a task hands it over again when a worker dies; only the worker knew whether the
message was on its way by then. So it says so beforehand, here.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, runtime_checkable

import attrs

BEGUN: Final = ""
"""Noted for a message that was begun, until it is settled."""


@runtime_checkable
class Ledger(Protocol):
    """A store that all workers share. Each method may be plain or ``async``."""

    def begin(self, key: str) -> Any:
        """Note that `key` is begun, unless something is noted; in one step, for two workers may ask at once.

        Returns:
            ``None`` if it is begun now; else what is noted: `BEGUN`, or what `settle` was given.
        """
        ...

    def settle(self, key: str, result: str) -> Any:
        """Note the result in place of `BEGUN`."""
        ...

    def forget(self, key: str) -> Any:
        """Note nothing more: it is proved that the message was not sent."""
        ...


@attrs.frozen
class RedisLedger:
    """A ledger in Redis (7.0 or later) or Valkey.

    Attributes:
        client: A ``redis.Redis``, or a ``redis.asyncio.Redis`` for a queue that runs on asyncio.
        prefix: What the names of its keys begin with.
        remember: Seconds that a message is remembered: longer than the queue may take to hand a task over again.
    """

    client: Any = attrs.field(repr=False)
    prefix: str = "pymailer:"
    remember: int = 7 * 24 * 3600

    def begin(self, key: str) -> Any:
        """See `Ledger`."""
        return self.client.set(self.prefix + key, BEGUN, nx=True, get=True, ex=self.remember)

    def settle(self, key: str, result: str) -> Any:
        """See `Ledger`."""
        return self.client.set(self.prefix + key, result, ex=self.remember)

    def forget(self, key: str) -> Any:
        """See `Ledger`."""
        return self.client.delete(self.prefix + key)
