"""One connection: octets in, octets out, encrypted or not, for whichever runtime asks.

A call is tried at once and waits only if the kernel says that it would block, so one and the same channel serves
threads, event loops and the multiplexer in turn. It knows sockets and keeps an exact account of what the kernel has
taken; it must not know SMTP, host names or policy. Its errors are raw: `OSError` (`ssl.SSLError` among them) and
`TimeoutError`.
"""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING, Final

from pymailer.net.addresses import host_of, is_loopback, peer_of
from pymailer.net.outbox import Outbox
from pymailer.runtime import READ, WRITE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from pymailer.net.records import Records
    from pymailer.runtime import Runtime

    Heard = Callable[[bytes], bool]

_READ_SIZE: Final = 65_536
_KEEP_LIMIT: Final = 65_536  # octets heard that nobody asked for: past this the peer has to wait


class Channel:
    """A connected stream socket, which from now on belongs to this object.

    Args:
        sock: Connected; it is made non-blocking.
        peer: What to call the other side in messages; its address by default.
    """

    def __init__(self, sock: socket.socket, peer: str | None = None) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._layers: list[Records] = []  # the outermost first; two when TLS runs through a proxy's TLS
        self._foreign_layers = 0
        self.secure: bool = False
        """Whether TLS is spoken with the peer."""
        self._outbox = Outbox(sock, self._layers)
        self._kept = b""  # heard while writing
        self._ended = False
        self._glance = _glance_at(sock)
        self.queue: Callable[[bytes], None] = self._outbox.queue
        """Takes octets for the next `flush`. No I/O, so it cannot fail and no traceback shows what was queued."""
        self.peer: str = peer or peer_of(sock)

    def __repr__(self) -> str:
        state = "closed" if self.fileno() < 0 else "TLS" if self.secure else "plain"
        return f"<Channel {self.peer} {state}>"

    def fileno(self) -> int:
        """The descriptor, or -1 once closed."""
        return self._sock.fileno()

    @property
    def local_address(self) -> str:
        """The address of this side, ``""`` where a socket has none."""
        return host_of(self._sock.getsockname())

    @property
    def stays_here(self) -> bool:
        """Whether the other end is on this machine, so that nobody listens in between."""
        return is_loopback(host_of(self._sock.getpeername()))

    def close(self) -> None:
        """Give the descriptor back at once, without a word to the peer; a second call is harmless.

        Nothing is written, not even `close_notify`: after a fork the connection still belongs to the parent.
        """
        self._outbox.clear()
        self._sock.close()

    # --- writing -----------------------------------------------------------------------------------------------------

    @property
    def queued(self) -> int:
        """Octets queued in all; TLS begins a new account."""
        return self._outbox.queued

    @property
    def unsent(self) -> int:
        """Octets queued that the peer cannot have, because the kernel has not taken them or their whole TLS record."""
        return self._outbox.unsent

    def pending_error(self) -> int:
        """The error number that the kernel holds for this connection, 0 if there is none; asking clears it."""
        return self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    async def flush(self, runtime: Runtime, deadline: float | None, heard: Heard | None = None) -> bool:
        """Hand everything queued to the kernel, with an ear to the peer whenever that would block.

        Args:
            runtime: Waits.
            deadline: When to give up, on the clock of `runtime`.
            heard: Is told what the peer says meanwhile (``b""`` is the end of its stream) and returns whether to stop.
                Without it, what was heard is kept for the next `read`.

        Returns:
            ``False`` if `heard` said stop: the rest stays unsent.

        Raises:
            TimeoutError: `deadline` passed first.
            OSError: The connection is lost, or TLS failed.
        """
        if heard is not None and self._kept and heard(self._take_kept()):
            return False
        while True:
            try:
                if self._outbox.push():
                    return True
            except ConnectionError:
                if self._hear_last_words(heard):
                    return False
                raise
            mask = (WRITE if self._outbox.blocked else READ) | (READ if self._listening else 0)
            await runtime.wait([(self._sock, mask)], deadline)
            if self._hear(heard):
                return False

    @property
    def _listening(self) -> bool:
        return not self._ended and len(self._kept) < _KEEP_LIMIT

    def _hear(self, heard: Heard | None) -> bool:
        """Take what the peer says while we write; whether to stop."""
        data = self._pull() if self._listening else None
        if data is None:
            return False
        if heard is None:
            self._kept += data
            return False
        return heard(data)

    def _hear_last_words(self, heard: Heard | None) -> bool:
        """A server that refuses in the middle and hangs up resets us, but what it said can still be read.

        If that is a TLS alert, it says more than the reset does.
        """
        try:
            return self._hear(heard)
        except ConnectionError:
            return False

    # --- reading -----------------------------------------------------------------------------------------------------

    async def read(self, runtime: Runtime, deadline: float | None) -> bytes:
        """The next octets, however few; ``b""`` at the end of the stream.

        Raises:
            TimeoutError: `deadline` passed first.
            OSError: The connection is lost, or TLS failed.
        """
        if self._kept:
            return self._take_kept()
        if not self._layers and not self._ended:  # a look before the wait would find nothing: who reads has just asked
            await runtime.wait([(self._sock, READ)], deadline)
        while (data := self._pull()) is None:
            await runtime.wait([(self._sock, READ | self._answer())], deadline)
        return data

    def has_input(self) -> bool:
        """Whether a `read` would return at once: something was said, or the connection ended; never waits."""
        if self._kept:
            return True
        if self._glance is not None and not self._layers and not self._glance(0):
            return False
        try:
            data = self._pull()
        except OSError:
            return True
        if data:
            self._kept = data
        return data is not None

    def unread(self, data: bytes) -> None:
        """Give back what was read too much; the next `read` gets it first."""
        self._kept = data + self._kept

    def _take_kept(self) -> bytes:
        kept, self._kept = self._kept, b""
        return kept

    def _pull(self) -> bytes | None:
        """What can be read now: ``b""`` at the end, ``None`` if there is nothing yet."""
        if self._ended:
            return b""
        data: bytes | None
        try:
            data = self._sock.recv(_READ_SIZE)
        except BlockingIOError:
            return None
        for layer in self._layers:
            if data is None:
                return None
            layer.feed(data)
            data = layer.opened()
        if data is not None:
            self._ended = not data
        return data

    def _answer(self) -> int:
        """Send what TLS itself owes the peer, such as the answer to a KeyUpdate (RFC 8446 4.6.3)."""
        if not self._layers or self.unsent:
            return 0
        return 0 if self._outbox.push() else WRITE

    # --- TLS ---------------------------------------------------------------------------------------------------------

    async def start_tls(
        self,
        runtime: Runtime,
        context: ssl.SSLContext,
        server_hostname: str | None,
        deadline: float | None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        """Speak TLS from here on; inside TLS already, this is one more layer.

        Args:
            runtime: Waits.
            context: Decides what is trusted.
            server_hostname: The name or address that the certificate must be for; sent as SNI if it is a name.
            deadline: When to give up, on the clock of `runtime`.
            session: `tls_session` of an earlier connection to the same server, by the same name and context.

        Raises:
            ssl.SSLError: The handshake failed, or plain text was waiting where TLS begins.
            TimeoutError: `deadline` passed first.
            OSError: The connection is lost.
        """
        import ssl  # only an encrypted connection pays for this import

        from pymailer.net.records import Records

        if self._kept or self.unsent:
            raise ssl.SSLError("plain text was left over where TLS begins")
        records = Records(context, server_hostname, session, begins=self._outbox.queued)
        try:
            while not records.handshake():
                self.queue(records.sealed())
                await self.flush(runtime, deadline)
                records.feed(await self.read(runtime, deadline))
        except ssl.SSLError:
            self._send_alert(records.sealed())
            raise
        self.queue(records.sealed())
        await self.flush(runtime, deadline)
        self._add_layer(records)

    def _send_alert(self, alert: bytes) -> None:
        """Tell the peer why we go, if it still listens."""
        self.queue(alert)
        try:
            self._outbox.push()
        except OSError:
            return

    def _add_layer(self, records: Records) -> None:
        self._layers.append(records)
        self.secure = True
        self._outbox.queued = 0
        first = records.opened()  # what came together with the end of the handshake
        self._kept = first or b""
        self._ended = first == b""

    def reaches(self, peer: str) -> None:
        """From here on this leads to `peer`: a proxy has connected us, and TLS so far was with the proxy only."""
        self.peer = peer
        self._foreign_layers = len(self._layers)
        self.secure = False

    @property
    def _tls(self) -> Records | None:
        return self._layers[-1] if self.secure else None

    @property
    def tls_version(self) -> str | None:
        """The version spoken, such as ``"TLSv1.3"``."""
        return self._tls.version if self._tls else None

    @property
    def tls_session(self) -> ssl.SSLSession | None:
        """What the next connection to the same server may resume.

        With TLS 1.3 it comes after the handshake, so ask once something was read (RFC 8446 4.6.1).
        """
        return self._tls.tls.session if self._tls else None

    @property
    def tls_resumed(self) -> bool:
        """Whether an earlier session was resumed."""
        return self._tls is not None and bool(self._tls.tls.session_reused)

    @property
    def peer_certificate(self) -> bytes | None:
        """The peer's certificate in DER, or ``None`` without TLS."""
        return self._tls.certificate if self._tls else None

    def channel_binding(self, kind: str) -> bytes | None:
        """What ties an authentication to this very connection (RFC 5929), or ``None`` if there is no such binding.

        Args:
            kind: ``"tls-unique"`` (undefined for TLS 1.3, RFC 9266) or ``"tls-server-end-point"``.
        """
        return self._tls.channel_binding(kind) if self._tls else None


def _glance_at(sock: socket.socket) -> Callable[[int], list[tuple[int, int]]] | None:
    """What tells in a third of the time of a `recv` that there is nothing to read, where the system has it."""
    if not hasattr(select, "poll"):
        return None
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return poller.poll
