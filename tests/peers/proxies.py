"""Proxies on loopback: HTTP CONNECT, SOCKS 4a and SOCKS 5, written from the RFCs alone.

Each is a function for `tests.peers.listener`; it relays to whatever was asked for, wherever that name points to.
"""

from __future__ import annotations

import base64
import contextlib
import selectors
import socket
from collections.abc import Callable

Lookup = Callable[[str, int], tuple[str, int]]
"""From the name and port that were asked for to where the relay goes."""


def relay(left: socket.socket, right: socket.socket) -> None:
    """Octets both ways until either side ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(left, selectors.EVENT_READ, right)
        selector.register(right, selectors.EVENT_READ, left)
        while True:
            for key, _ in selector.select(10):
                with contextlib.suppress(OSError):
                    data = key.fileobj.recv(65_536)
                    if data:
                        key.data.sendall(data)
                        continue
                return


def exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def until(sock: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        data += exactly(sock, 1)
    return data


class HTTPProxy:
    """CONNECT, with a password if there is one; keeps the requests' heads."""

    def __init__(self, lookup: Lookup, credentials: str | None = None, early: bytes = b"") -> None:
        self.lookup = lookup
        self.credentials = credentials
        self.early = early
        self.heads: list[bytes] = []

    def __call__(self, client: socket.socket) -> None:
        head = until(client, b"\r\n\r\n")
        self.heads.append(head)
        if self.credentials is not None:
            wanted = b"Proxy-Authorization: Basic " + base64.b64encode(self.credentials.encode()) + b"\r\n"
            if wanted not in head:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        with socket.create_connection(self.lookup(host.strip("[]"), int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n" + self.early)
            relay(client, server)


class Socks5Proxy:
    """RFC 1928, with RFC 1929 if there are credentials; keeps what was asked for."""

    def __init__(self, lookup: Lookup, credentials: tuple[bytes, bytes] | None = None, code: int = 0) -> None:
        self.lookup = lookup
        self.credentials = credentials
        self.code = code
        self.asked: list[tuple[int, str, int]] = []

    def __call__(self, client: socket.socket) -> None:
        version, count = exactly(client, 2)
        assert version == 5
        methods = exactly(client, count)
        method = 2 if self.credentials else 0
        client.sendall(bytes([5, method if method in methods else 255]))
        if method not in methods or (method == 2 and not self._logs_in(client)):
            return
        _, command, _, kind = exactly(client, 4)
        assert command == 1
        if kind == 3:
            host = exactly(client, exactly(client, 1)[0]).decode()
        else:
            packed = exactly(client, 4 if kind == 1 else 16)
            host = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, packed)
        port = int.from_bytes(exactly(client, 2), "big")
        self.asked.append((kind, host, port))
        bound = b"\x03\x04name\x00\x00" if kind == 3 else b"\x01" + bytes(6)
        if self.code:
            client.sendall(bytes([5, self.code, 0]) + bound)
            return
        with socket.create_connection(self.lookup(host, port)) as server:
            client.sendall(b"\x05\x00\x00" + bound)
            relay(client, server)

    def _logs_in(self, client: socket.socket) -> bool:
        assert exactly(client, 1) == b"\x01"
        given = tuple(exactly(client, exactly(client, 1)[0]) for _ in range(2))
        good = given == self.credentials
        client.sendall(b"\x01\x00" if good else b"\x01\x01")
        return good


class Socks4Proxy:
    """SOCKS 4, and 4a for names; keeps what was asked for."""

    def __init__(self, lookup: Lookup, code: int = 90) -> None:
        self.lookup = lookup
        self.code = code
        self.asked: list[tuple[str, int, bytes]] = []

    def __call__(self, client: socket.socket) -> None:
        version, command = exactly(client, 2)
        assert (version, command) == (4, 1)
        port = int.from_bytes(exactly(client, 2), "big")
        address = exactly(client, 4)
        user = until(client, b"\0")[:-1]
        named = address[:3] == b"\0\0\0" and address[3]
        host = until(client, b"\0")[:-1].decode() if named else socket.inet_ntoa(address)
        self.asked.append((host, port, user))
        if self.code != 90:
            client.sendall(bytes([0, self.code]) + bytes(6))
            return
        with socket.create_connection(self.lookup(host, port)) as server:
            client.sendall(b"\x00\x5a" + bytes(6))
            relay(client, server)
