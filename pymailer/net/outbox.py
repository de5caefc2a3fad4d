"""What is to be written: queued, encrypted where TLS is spoken, handed to the kernel, and accounted for to the octet.

Knows a non-blocking socket and TLS records; it never waits.
"""

from __future__ import annotations

import socket
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymailer.net.records import Records

_PIECES: Final = 64  # of one sendmsg; every system of today takes 1024
_GATHERS: Final = hasattr(socket.socket, "sendmsg")  # Windows cannot


class Outbox:
    """The writing side of a channel.

    Args:
        sock: Non-blocking.
        layers: Of TLS, the outermost first; whoever adds one begins a new account.

    Attributes:
        queued: Octets queued in all.
    """

    def __init__(self, sock: socket.socket, layers: Sequence[Records]) -> None:
        self._sock = sock
        self._layers = layers
        self._wire: deque[memoryview] = deque()
        self._handed = 0
        self.queued: int = 0

    def queue(self, data: bytes) -> None:
        """Take `data`, without a copy. A view hides what it shows, so no traceback tells a password."""
        if data:
            self.queued += len(data)
            if self._layers:
                self._layers[-1].queue(memoryview(data))
            else:
                self._wire.append(memoryview(data))

    @property
    def unsent(self) -> int:
        """Octets queued that the peer cannot have, because the kernel has not taken them or their whole TLS record."""
        carried = self._handed
        if not self._layers:
            return self.queued - carried
        for layer in self._layers:
            carried = layer.carried(carried)
        return self.queued - carried

    @property
    def blocked(self) -> bool:
        """Whether it is the kernel that takes no more; otherwise TLS has to hear from the peer first."""
        return bool(self._wire)

    def push(self) -> bool:
        """Hand over what the kernel takes now; whether that was everything.

        Raises:
            OSError: The connection is lost, or TLS failed.
        """
        while self._wire or (self._layers and self._seal()):
            try:
                self._drop(self._send())
            except BlockingIOError:
                return False
        return not self._layers or not any(layer.waiting for layer in self._layers)

    def _send(self) -> int:
        if _GATHERS and len(self._wire) > 1:
            return self._sock.sendmsg(islice(self._wire, _PIECES))
        return self._sock.send(self._wire[0])

    def _drop(self, count: int) -> None:
        self._handed += count
        wire = self._wire
        if self._handed == self.queued and not self._layers:  # everything, as nearly always
            wire.clear()
            return
        while wire and count >= len(wire[0]):
            count -= len(wire.popleft())
        if count:
            wire[0] = wire[0][count:]

    def _seal(self) -> bool:
        """Encrypt the next batch; whether there is anything for the wire."""
        data = b""
        for layer in reversed(self._layers):
            if data:
                layer.queue(memoryview(data))
            data = layer.sealed()
        if data:
            self._wire.append(memoryview(data))
        return bool(data)

    def clear(self) -> None:
        """Forget what was not handed over; it stays unsent in the account."""
        self._wire.clear()
