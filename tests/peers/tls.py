"""TLS servers on loopback: a listener whose connections are secured before a function gets them.

Knows `ssl`; certificates are in `tests.faults.certificates`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator

from tests.peers.listener import Listener, listening

Script = Callable[[ssl.SSLSocket], None]


def greet(tls: ssl.SSLSocket) -> None:
    """Say something, take everything, and hang up as many servers do: without close_notify."""
    tls.sendall(b"220 mx.test\r\n")
    while tls.recv(65_536):
        pass


@contextlib.contextmanager
def tls_listening(context: ssl.SSLContext, script: Script = greet, host: str = "127.0.0.1") -> Iterator[Listener]:
    """A listener that speaks TLS from the first byte."""

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            script(tls)

    with listening(handle, host) as listener:
        yield listener
