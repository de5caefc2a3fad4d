"""Connecting to one of several addresses, as RFC 8305 asks: families in turn, each a little after the last.

Knows sockets and addresses; nothing of names, proxies or mail. Whatever way it ends, no socket but the winner is left.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any, Final

import attrs

from pymailer.net.addresses import endpoint
from pymailer.runtime import WRITE, Runtime

ATTEMPT_DELAY: Final = 0.25
"""Seconds until the next address is tried as well (RFC 8305 8)."""

_KEEPALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 4}
"""Seconds, seconds, probes: the final reply may take ten minutes, and what sits in between forgets silent ones."""


@attrs.frozen
class Attempt:
    """An address that was tried, and how that ended; without an error, nobody answered."""

    address: str
    error: OSError | None = None

    @property
    def end(self) -> str:
        """How it ended, in words."""
        return "no answer" if self.error is None else self.error.strerror or str(self.error)

    def __str__(self) -> str:
        return f"{self.address}: {self.end}"


@attrs.frozen
class RaceLostError(Exception):
    """No address could be connected to; not for users."""

    attempts: tuple[Attempt, ...]
    timed_out: bool = False


def interleave(addresses: Iterable[str]) -> list[str]:
    """IPv6 and IPv4 in turn, IPv6 first, each family in its order (RFC 8305 4)."""
    every = list(dict.fromkeys(addresses))
    six = [address for address in every if ":" in address]
    four = [address for address in every if ":" not in address]
    return [address for address in chain.from_iterable(zip_longest(six, four)) if address is not None]


async def race(
    runtime: Runtime, addresses: Sequence[str], port: int, local_address: str | None, deadline: float | None
) -> socket.socket:
    """A connected, non-blocking socket to the first address that takes us.

    Args:
        runtime: Waits.
        addresses: Literal ones, in the order in which they are tried.
        port: The same for all.
        local_address: What to bind to, or ``None``.
        deadline: For all of them together.

    Raises:
        RaceLostError: None did; says what happened to each.
    """
    contest = _Contest(port, local_address, list(addresses))
    try:
        while True:
            winner = contest.start_due(runtime.now())
            if winner is not None:
                return winner
            if not contest.running:
                raise RaceLostError(tuple(contest.failed))
            try:
                ready = await runtime.wait(contest.interests(), contest.next_event(deadline))
            except TimeoutError:
                if deadline is not None and runtime.now() >= deadline:
                    raise RaceLostError(contest.everything(), timed_out=True) from None
                continue
            for sock in ready:
                if contest.succeeded(sock):
                    return sock
    finally:
        contest.end()


@attrs.define
class _Contest:
    """Who is still running, who failed, and when the next one may start."""

    port: int
    local_address: str | None
    waiting: list[str]
    running: dict[socket.socket, str] = attrs.field(factory=dict[socket.socket, str])
    failed: list[Attempt] = attrs.field(factory=list[Attempt])
    _next_start: float = 0.0

    def start_due(self, now: float) -> socket.socket | None:
        """Start whoever may start now; a socket if one is connected at once."""
        while self.waiting and (not self.running or now >= self._next_start):
            self._next_start = now + ATTEMPT_DELAY
            address = self.waiting.pop(0)
            try:
                sock, connected = _begin(address, self.port, self.local_address)
            except OSError as error:
                self._fail(address, error)
                continue
            if connected:
                return sock
            self.running[sock] = address
        return None

    def _fail(self, address: str, error: OSError) -> None:
        self.failed.append(Attempt(endpoint(address, self.port), error))
        self._next_start = 0.0  # RFC 8305 5: a failure starts the next attempt at once

    def interests(self) -> list[tuple[socket.socket, int]]:
        return [(sock, WRITE) for sock in self.running]

    def next_event(self, deadline: float | None) -> float | None:
        if not self.waiting:
            return deadline
        return self._next_start if deadline is None else min(deadline, self._next_start)

    def succeeded(self, sock: socket.socket) -> bool:
        """Whether a socket that became ready is connected."""
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code == 0 and _is_connected(sock):
            del self.running[sock]
            return True
        if code:
            address = self.running.pop(sock)
            sock.close()
            self._fail(address, OSError(code, os.strerror(code)))
        return False

    def everything(self) -> tuple[Attempt, ...]:
        silent = [Attempt(endpoint(address, self.port)) for address in self.running.values()]
        return (*self.failed, *silent)

    def end(self) -> None:
        for sock in self.running:
            sock.close()


def _begin(address: str, port: int, local_address: str | None) -> tuple[socket.socket, bool]:
    """A socket that connects to `address`, and whether it has done so already."""
    family, _, _, _, name = _numeric(address, port)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if local_address is not None:
            sock.bind(_numeric(local_address, 0, family)[4])
        tune(sock)
        sock.connect(name)
    except (BlockingIOError, InterruptedError):  # it is under way
        return sock, False
    except BaseException:
        sock.close()
        raise
    return sock, True


def _numeric(address: str, port: int, family: int = 0) -> tuple[Any, ...]:
    """What the socket calls want; resolves the zone of a link-local address (RFC 4007 11), and never a name."""
    return socket.getaddrinfo(address, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)[0]


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:  # woken for nothing
        return False
    return True


def tune(sock: socket.socket) -> None:
    """No waiting for more octets (we write whole flights), and a sign of life now and then."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)  # not on every system
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
