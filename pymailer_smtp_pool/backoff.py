"""How long to wait before trying again: longer each time, and never the same for two.

Pure: a count in, seconds out.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_DOUBLINGS: Final = 30
"""Enough for any bound, and small enough for a float."""


@attrs.frozen
class Backoff:
    """Doubles with each failure up to `most` seconds; what comes out lies between half of that and all of it.

    The jitter keeps clients that failed together from coming back together.

    Attributes:
        most: Seconds at most.
        first: Seconds after the first failure.
        random: A number from 0 to 1. Python's own is seeded anew in a forked child.
    """

    most: float
    first: float = 0.1
    random: Callable[[], float] = attrs.field(default=random.random, repr=False)

    def __call__(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row."""
        ceiling = min(self.most, self.first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS))
        return ceiling * (1 + self.random()) / 2
