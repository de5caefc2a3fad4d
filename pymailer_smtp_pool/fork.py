"""What a forked child does with the pools it inherits: it forgets them, without a word to their servers.

Knows pools by one verb.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """What cannot be used by two processes."""

    def start_anew(self) -> None:
        """Let go of everything; other threads, and the locks they held, are gone."""
        ...


_pools: WeakSet[Inherited] = WeakSet()


def forget_in_children(pool: Inherited) -> None:
    """Have this pool start anew in every forked child."""
    _pools.add(pool)


def _start_all_anew() -> None:
    for pool in list(_pools):
        pool.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_anew)
