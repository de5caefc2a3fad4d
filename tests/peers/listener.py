"""A listener on loopback that hands each connection to a function, in a thread that is joined at the end.

Knows sockets and threads; what is said is the function's business.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

GRACE = 10.0


class Listener:
    """Where it listens, and what it has accepted."""

    def __init__(self, sock: socket.socket, handle: Callable[[socket.socket], None]) -> None:
        self.host, self.port = sock.getsockname()[:2]
        self.accepted = 0
        self.errors: list[BaseException] = []
        self._sock = sock
        self._handle = handle
        self._threads = [threading.Thread(target=self._accept)]
        self._open: set[socket.socket] = set()
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._sock.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(GRACE)
            self._handle(connection)
        except BaseException as error:
            self.errors.append(error)
        finally:
            self._open.discard(connection)
            connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in tuple(self._threads):
            thread.join(GRACE)


@contextlib.contextmanager
def listening(handle: Callable[[socket.socket], None], host: str = "127.0.0.1", port: int = 0) -> Iterator[Listener]:
    """A `Listener` for the time of the block."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = Listener(socket.create_server((host, port), family=family), handle)
    try:
        yield listener
    finally:
        listener.close()


def say(text: bytes) -> Callable[[socket.socket], None]:
    """A peer that says one thing and hangs up when we do."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(text)
        while connection.recv(65_536):
            pass

    return handle
