"""Octets that go into many messages, such as the logo or the PDF of a newsletter: put into base64 once.

Knows the octets by their identity, which is exact because `bytes` never change and what is kept is held. Content that
is equal but another object is other content here; what goes into one message only is never kept.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Final

from pymailer.message.encoding import encode_base64

SHORTEST: Final = 1024
"""Octets of content for which it is worth while."""

LONGEST: Final = 1024 * 1024
"""Octets of content that may be kept; what is longer is encoded in pieces each time, so that it is never held whole."""

_ROOM: Final = 8 * 1024 * 1024
_MEMORY: Final = 256
"""How many of those met once are remembered."""


class Recurring:
    """The base64 of octets that were met before, those not used for the longest time making room.

    Args:
        room: Octets in all, content and base64 together.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._kept: dict[int, tuple[bytes, bytes]] = {}
        self._met: dict[tuple[int, bytes], None] = {}
        self.size: int = 0
        self._renew_lock()
        if hasattr(os, "register_at_fork"):  # a thread of the parent may hold it just then
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = Lock()

    def known(self, data: bytes) -> bytes | None:
        """The base64 of `data`, if it is here."""
        with self._lock:
            kept = self._kept.pop(id(data), None)
            if kept is None:
                return None
            self._kept[id(data)] = kept  # the last to go
        return kept[1]

    def encoded(self, data: bytes) -> bytes | None:
        """The base64 of `data`, kept from the second time on; ``None`` where it is not kept."""
        if not SHORTEST <= len(data) <= LONGEST:
            return None
        if (known := self.known(data)) is not None:
            return known
        if not self._met_before(data):
            return None
        encoded = encode_base64(data)  # without the lock: two threads may do it at once, to the same end
        self._keep(data, encoded)
        return encoded

    def _met_before(self, data: bytes) -> bool:
        """Whether it is not the first time. An object that is gone may leave its identity to another: hence the end."""
        key = (id(data), data[-32:])
        with self._lock:
            if key in self._met:
                del self._met[key]
                return True
            self._met[key] = None
            if len(self._met) > _MEMORY:
                del self._met[next(iter(self._met))]
        return False

    def _keep(self, data: bytes, encoded: bytes) -> None:
        with self._lock:
            if id(data) in self._kept:
                return
            self._kept[id(data)] = data, encoded
            self.size += len(data) + len(encoded)
            while self.size > self._room:
                oldest = self._kept.pop(next(iter(self._kept)))
                self.size -= sum(map(len, oldest))


RECURRING: Final = Recurring()
"""What the messages of this process share."""
