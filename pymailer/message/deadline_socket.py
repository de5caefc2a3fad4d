"""A socket for `http.client` on which all reads and writes together end at one moment.

A timeout of a socket bounds one call only, so a server that sends an octet now and then would hold it for ever.
"""

from __future__ import annotations

from io import BufferedReader, RawIOBase
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket

    from typing_extensions import Buffer  # collections.abc has it from Python 3.12 on


class DeadlineSocket:
    """The part of a socket that `http.client` uses, with an absolute deadline on `time.monotonic`."""

    def __init__(self, raw: socket, deadline: float) -> None:
        self._raw = raw
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self.hurry()
        self._raw.sendall(data)

    def makefile(self, mode: str) -> BufferedReader:
        """A buffered reader of what the peer sends."""
        del mode  # always "rb"
        return BufferedReader(_Reader(self, self._raw))

    def close(self) -> None:
        """Do nothing: `http.client` closes a connection that it still reads from."""

    def end(self) -> None:
        """Close the connection."""
        self._raw.close()

    def hurry(self) -> None:
        """Let the next call last until the deadline and no longer.

        Raises:
            TimeoutError: It has passed.
        """
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        self._raw.settimeout(left)


class _Reader(RawIOBase):
    def __init__(self, owner: DeadlineSocket, raw: socket) -> None:
        self._owner = owner
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self._owner.hurry()
        return self._raw.recv_into(buffer)
