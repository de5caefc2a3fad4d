"""TLS between two buffers: plain text in, records out, and back, for whoever moves the records.

It knows the `ssl` module and keeps account of which octets of plain text are in which record. It does no I/O and
decides nothing about trust: the context that it is given does.
"""

from __future__ import annotations

import ssl
from collections import deque
from typing import Final

from pymailer.net.certificates import endpoint_hash

RECORD_SIZE: Final = 16_384
"""RFC 8446 5.1: the most plain text that one record may hold."""
BATCH_SIZE: Final = 4 * RECORD_SIZE
"""Records are handed out in batches of about that size: few system calls, and memory stays bounded."""


class Records:
    """One TLS client over memory buffers.

    Args:
        context: What is trusted, and which versions and ciphers are spoken.
        server_hostname: The name or address that the certificate must be for; sent as SNI.
        session: A session of an earlier connection with the same context to the same server, to be resumed.
        begins: How many octets the stream below had carried when TLS began.
    """

    def __init__(
        self, context: ssl.SSLContext, server_hostname: str | None, session: ssl.SSLSession | None, begins: int
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls: ssl.SSLObject = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        if session is not None:
            self._resume(session)
        self._backlog: deque[memoryview] = deque()
        self._sealed = begins
        self._carried = 0
        self._marks: deque[tuple[int, int]] = deque()
        # Kept, because OpenSSL does not tell them any more once the connection has ended.
        self.certificate: bytes | None = None
        self.version: str | None = None
        self.ended: bool = False

    def _resume(self, session: ssl.SSLSession) -> None:
        try:
            self.tls.session = session
        except ValueError:  # of another context: what was verified there says nothing here
            return

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is complete."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.certificate = self.tls.getpeercert(binary_form=True)
        self.version = self.tls.version()
        return True

    def feed(self, data: bytes) -> None:
        """Take octets that came from the peer; ``b""`` is their end."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def opened(self) -> bytes | None:
        """Plain text that has arrived whole; ``b""`` once the peer has ended, ``None`` if there is none yet."""
        pieces: list[bytes] = []
        while not self.ended:
            try:
                piece = self.tls.read(BATCH_SIZE)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLEOFError:
                # Many servers hang up without close_notify. An SMTP reply tells where it ends, so nothing is cut
                # short unnoticed (RFC 8446 6.1).
                piece = b""
            if not piece:
                self.ended = True
                break
            pieces.append(piece)
            if not self.tls.pending() and not self._incoming.pending and not self._incoming.eof:
                break
        if pieces:
            return b"".join(pieces)
        return b"" if self.ended else None

    def queue(self, data: memoryview) -> None:
        """Take plain text for the peer; encrypted when it is asked for."""
        self._backlog.append(data)

    @property
    def waiting(self) -> bool:
        """Whether plain text is left that could not be encrypted yet."""
        return bool(self._backlog)

    def sealed(self) -> bytes:
        """The next records for the peer, with those that TLS itself has to send; ``b""`` if there are none."""
        while self._backlog and self._outgoing.pending < BATCH_SIZE:
            try:
                count = self.tls.write(self._next_block())
            except ssl.SSLWantReadError:  # a renegotiation is under way: the peer has to speak first
                if self.ended:
                    raise ssl.SSLEOFError("the peer ended TLS in the middle of a renegotiation") from None
                break
            self._forget(count)
            self._mark(count)
        data = self._outgoing.read()
        self._sealed += len(data)
        return data

    def _next_block(self) -> memoryview:
        """What goes into one record: a slice of a large piece, or small ones together."""
        first = self._backlog[0]
        if len(first) >= RECORD_SIZE or len(self._backlog) == 1:
            return first[:RECORD_SIZE]
        return memoryview(b"".join(self._small_pieces()))

    def _small_pieces(self) -> list[memoryview]:
        pieces: list[memoryview] = []
        room = RECORD_SIZE
        for piece in self._backlog:
            if not room:
                break
            pieces.append(piece[:room])
            room -= len(pieces[-1])
        return pieces

    def _forget(self, count: int) -> None:
        while count and count >= len(self._backlog[0]):
            count -= len(self._backlog.popleft())
        if count:
            self._backlog[0] = self._backlog[0][count:]

    def _mark(self, count: int) -> None:
        plain = count + (self._marks[-1][1] if self._marks else self._carried)
        self._marks.append((self._sealed + self._outgoing.pending, plain))

    def carried(self, below: int) -> int:
        """Octets of plain text that the peer can have, if the stream below has carried `below` octets.

        A record is opened whole or not at all (RFC 8446 5.2), so the plain text of an incomplete one does not count.
        """
        while self._marks and self._marks[0][0] <= below:
            self._carried = self._marks.popleft()[1]
        return self._carried

    def channel_binding(self, kind: str) -> bytes | None:
        """The binding of that kind (RFC 5929), or ``None`` if this connection has none."""
        if kind == "tls-server-end-point" and self.certificate is not None:
            return endpoint_hash(self.certificate)
        if kind == "tls-unique" and self.version != "TLSv1.3":  # undefined there, RFC 9266 1
            return self.tls.get_channel_binding("tls-unique")
        return None
