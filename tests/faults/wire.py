"""One accepted socket, with every way a socket can treat the one at its other end.

Knows TCP and TLS: lines, octets, FIN, RST, a window that stays shut. It must not know SMTP, scripts or records.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator

PIECE = 65536
"""Octets asked of the kernel at once."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST instead of FIN
_PEER_IS_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class HungUp(Exception):  # noqa: N818 - it is an end, not always an error
    """The conversation is over: one of the two closed it."""


class Wire:
    """A blocking socket that another thread may abort at any time."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._buffer = bytearray()
        self._closing = threading.Lock()

    @property
    def secure(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket)

    # --- reading ---

    def line(self) -> bytes:
        """The next line without its CRLF; a bare LF does not end one.

        Raises:
            HungUp: The peer closed before the end of a line.
        """
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def octets(self, count: int) -> Iterator[bytes]:
        """Exactly `count` octets, in the pieces in which they arrive."""
        while count:
            if not self._buffer:
                self._fill()
            piece = bytes(self._buffer[:count])
            del self._buffer[: len(piece)]
            count -= len(piece)
            yield piece

    def dotted(self) -> Iterator[bytes]:
        """The octets up to and with the line that is a lone dot, in pieces; CRLF.CRLF and nothing else ends it."""
        tail = b"\r\n"  # the message may be nothing but the dot
        while True:
            if not self._buffer:
                self._fill()
            end = (tail + self._buffer).find(b"\r\n.\r\n")
            size = len(self._buffer) if end < 0 else end + 5 - len(tail)
            piece = bytes(self._buffer[:size])
            del self._buffer[:size]
            tail = (tail + piece)[-4:]
            yield piece
            if end >= 0:
                return

    def early(self) -> bytes:
        """What the peer has sent already and nobody has read; does not wait."""
        if not self.secure:
            with contextlib.suppress(BlockingIOError, OSError):
                self._buffer += self._socket.recv(PIECE, socket.MSG_DONTWAIT)
        return bytes(self._buffer)

    def _fill(self) -> None:
        piece = self._socket.recv(PIECE)
        if not piece:
            raise HungUp
        self._buffer += piece

    # --- writing ---

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    # --- TLS ---

    def upgrade(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on; what was buffered in plain text is thrown away (RFC 3207 4.2)."""
        self._buffer.clear()
        # ragged EOFs are suppressed: a peer that closes without close_notify is an ordinary end
        tls = context.wrap_socket(
            self._socket, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )
        self._socket = tls  # before it waits, so that `abort` finds it
        tls.do_handshake()

    # --- ends ---

    def drop(self) -> None:
        """Close with FIN. What has arrived is read first, since the kernel answers unread octets with RST."""
        with contextlib.suppress(OSError):
            while socket.socket.recv(self._socket, PIECE, socket.MSG_DONTWAIT):
                pass
        self.close()

    def reset(self) -> None:
        """Close with RST."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()

    def half_close(self) -> None:
        """Send FIN, and read on until the peer closes too."""
        socket.socket.shutdown(self._socket, socket.SHUT_WR)
        with contextlib.suppress(OSError):
            while socket.socket.recv(self._socket, PIECE):
                pass

    def close(self) -> None:
        with self._closing:
            self._socket.close()

    def abort(self) -> None:
        """Wake whoever waits for this socket, from another thread."""
        with self._closing, contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def is_open(self) -> bool:
        """Whether the peer holds its end, unread octets or not; exact where the system has POLLRDHUP (Linux)."""
        with self._closing:
            if self._socket.fileno() < 0:
                return False
            poller = select.poll()
            poller.register(self._socket, getattr(select, "POLLRDHUP", 0))
            return not any(event & _PEER_IS_GONE for _, event in poller.poll(0))
