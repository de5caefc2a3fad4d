"""Names that nobody can guess, for Message-IDs and boundaries.

Octets are asked of the system in advance, since each request costs more than all else that an id takes. What was
fetched is given out once, to one thread of one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from struct import Struct

_NAME = Struct("16s")  # 128 bits
_IN_ADVANCE = 256


class _Names:
    """Names in stock. Taking one is a single step for the interpreter, so threads need no lock."""

    def __init__(self) -> None:
        self._stock: Iterator[tuple[bytes]] = iter(())
        if hasattr(os, "register_at_fork"):  # or parent and child would give the same names to different things
            os.register_at_fork(after_in_child=self._discard)

    def _discard(self) -> None:
        self._stock = iter(())

    def take(self) -> str:
        """The next one, as hexadecimal digits."""
        for (name,) in self._stock:
            return name.hex()
        self._stock = _NAME.iter_unpack(os.urandom(_NAME.size * _IN_ADVANCE))
        return self.take()


random_name: Callable[[], str] = _Names().take
"""A new name of 32 hexadecimal digits, 128 random bits."""
