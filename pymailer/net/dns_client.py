"""Asking name servers: questions out over UDP, over TCP where an answer did not fit, and answers in.

Messages are dnspython's; the waiting is the runtime's, so this needs no thread in any colour. It knows servers and
patience; what an answer means is the resolver's business.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.net.channel import Channel
from pymailer.net.exact import read_exactly
from pymailer.net.race import RaceLostError, race
from pymailer.runtime import READ, Runtime

if TYPE_CHECKING:
    from dns.message import Message

FIRST_PATIENCE: Final = 2.0
"""Seconds for a server's first chance; doubled in each round over all servers, up to `LONGEST_PATIENCE`."""
LONGEST_PATIENCE: Final = 8.0
RESOLUTION_DELAY: Final = 0.5
"""Seconds that the other questions have once one is answered: some servers never say anything about AAAA. RFC 8305 3
asks for 50 ms, in front of a human; here an answer for both families is worth more."""
_PAYLOAD: Final = 1232  # octets over UDP that no path fragments (RFC 9715 3)
_DATAGRAM: Final = 65_535


@attrs.frozen
class Server:
    """A name server's literal address and port."""

    address: str
    port: int = 53

    @property
    def local(self) -> bool:
        """Whether it runs on this machine."""
        return ip_address(self.address.partition("%")[0]).is_loopback

    def __str__(self) -> str:
        return self.address if self.port == 53 else f"{self.address} port {self.port}"


class NoAnswerError(Exception):
    """No server gave an answer that counts; says what each did. Not for users.

    Attributes:
        timed_out: Whether the deadline ended it.
    """

    def __init__(self, failures: Iterable[str], *, timed_out: bool) -> None:
        super().__init__("; ".join(failures) or "no server answered")
        self.timed_out = timed_out


async def ask(
    runtime: Runtime, servers: Sequence[Server], name: str, kinds: Sequence[str], deadline: float | None
) -> dict[str, Message]:
    """The answers (NOERROR or NXDOMAIN) of the first server that has one, by kind; at least one, perhaps not all.

    Args:
        runtime: Waits.
        servers: In the order in which they are asked, again and again until `deadline`.
        name: Absolute, in A-labels.
        kinds: Such as ``("A", "AAAA")``; asked at the same time.
        deadline: When to give up.

    Raises:
        NoAnswerError: There was none.
    """
    failures: dict[Server, str] = {}
    candidates = list(servers)
    patience = FIRST_PATIENCE
    while candidates:
        for server in tuple(candidates):
            until = runtime.now() + patience
            enquiry = _Enquiry(server, name, kinds)
            await enquiry.run(runtime, until if deadline is None else min(until, deadline))
            if enquiry.answers:
                return enquiry.answers
            failures[server] = f"{server} {enquiry.failure}"
            if enquiry.refused:
                candidates.remove(server)
            if deadline is not None and runtime.now() >= deadline:
                raise NoAnswerError(failures.values(), timed_out=not enquiry.refused)
        patience = min(2 * patience, LONGEST_PATIENCE)
    raise NoAnswerError(failures.values(), timed_out=False)


class _Enquiry:
    """All questions about one name to one server."""

    def __init__(self, server: Server, name: str, kinds: Sequence[str]) -> None:
        from dns.flags import AD, RD
        from dns.message import make_query

        # RFC 6840 5.7: AD in a question asks whether the answer was validated.
        queries = [make_query(name, kind, use_edns=0, payload=_PAYLOAD, flags=RD | AD) for kind in kinds]
        self._open = dict(zip(kinds, queries, strict=True))
        self._server = server
        self.answers: dict[str, Message] = {}
        self.failure = "did not answer"
        self.refused = False

    async def run(self, runtime: Runtime, deadline: float) -> None:
        """Ask, and listen until all is answered or `deadline` passes; failures are noted, not raised."""
        family = socket.AF_INET6 if ":" in self._server.address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.connect((self._server.address, self._server.port))
                for query in self._open.values():
                    sock.send(query.to_wire())
                await self._listen(runtime, sock, deadline)
        except TimeoutError:
            return
        except OSError as error:
            self._refuse(error.strerror or str(error))

    async def _listen(self, runtime: Runtime, sock: socket.socket, deadline: float) -> None:
        while self._open:
            await runtime.wait([(sock, READ)], deadline)
            try:
                message = _parse(sock.recv(_DATAGRAM))
            except BlockingIOError:
                continue
            kind = self._kind_of(message)
            if message is None or kind is None:  # none of ours: broken, late, or forged
                continue
            if _is_truncated(message):
                message = await _ask_over_tcp(runtime, self._server, self._open[kind], deadline)
            self._settle(kind, message)
            if message.answer:
                deadline = min(deadline, runtime.now() + RESOLUTION_DELAY)

    def _kind_of(self, message: Message | None) -> str | None:
        if message is None:
            return None
        return next((kind for kind, query in self._open.items() if query.is_response(message)), None)

    def _settle(self, kind: str, message: Message) -> None:
        from dns.rcode import NOERROR, NXDOMAIN, to_text

        del self._open[kind]
        if message.rcode() in (NOERROR, NXDOMAIN):
            self.answers[kind] = message
        else:
            self._refuse(f"said {to_text(message.rcode())}")

    def _refuse(self, why: str) -> None:
        self.failure = why
        self.refused = True


def _parse(data: bytes) -> Message | None:
    from dns.exception import DNSException
    from dns.message import from_wire

    try:
        return from_wire(data, ignore_trailing=True)
    except (DNSException, ValueError):  # whoever sends nonsense is not the one we asked
        return None


def _is_truncated(message: Message) -> bool:
    from dns.flags import TC

    return bool(message.flags & TC)


async def _ask_over_tcp(runtime: Runtime, server: Server, query: Message, deadline: float) -> Message:
    """The whole answer (RFC 7766).

    Raises:
        OSError: The server gave none.
        TimeoutError: `deadline` passed first.
    """
    try:
        channel = Channel(await race(runtime, [server.address], server.port, None, deadline))
    except RaceLostError as lost:
        raise OSError(f"did not fit its answer into UDP, and over TCP: {lost}") from lost
    try:
        wire = query.to_wire()
        channel.queue(len(wire).to_bytes(2, "big") + wire)
        await channel.flush(runtime, deadline)
        size = int.from_bytes(await read_exactly(runtime, channel, 2, deadline), "big")
        message = _parse(await read_exactly(runtime, channel, size, deadline))
    finally:
        channel.close()
    if message is None or not query.is_response(message):
        raise OSError("answered over TCP what was not asked")
    return message
