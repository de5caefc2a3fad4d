"""The runtime for a caller that has no event loop: it waits by blocking the thread, and never suspends."""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from threading import TIMEOUT_MAX, Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pymailer.runtime import READ, WRITE, Waiter

if TYPE_CHECKING:
    from socket import socket

T = TypeVar("T")

_POLL_MAX: Final = 2**31 - 1
"""Milliseconds: what poll() can wait at most, 24 days."""


class BlockingRuntime:
    """`Runtime` over `select`, for one or many threads."""

    now: staticmethod[[], float] = staticmethod(monotonic)

    async def sleep(self, seconds: float) -> None:
        sleep(max(seconds, 0))

    async def wait(self, interests: Sequence[tuple[socket, int]], deadline: float | None) -> list[socket]:
        return ready_sockets(interests, _remaining(deadline))

    async def offload(self, function: Callable[..., T], /, *args: Any) -> T:
        return function(*args)

    def waiter(self) -> Waiter:
        return BlockingWaiter()


class BlockingWaiter:
    """A lock that is taken at birth: waiting is taking it again, waking is releasing it."""

    def __init__(self) -> None:
        self._gate = Lock()
        self._gate.acquire()

    async def wait(self, deadline: float | None) -> None:
        remaining = _remaining(deadline)
        if not self._gate.acquire(timeout=-1 if remaining is None else min(remaining, TIMEOUT_MAX)):
            raise TimeoutError
        self.wake()  # it stays woken

    def wake(self) -> bool:
        try:
            self._gate.release()
        except RuntimeError:  # it is open already
            pass
        return True


def _remaining(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - monotonic(), 0)


def ready_sockets(interests: Sequence[tuple[socket, int]], timeout: float | None) -> list[socket]:
    """Block until a socket is ready; `poll` where the system has it, since `select` stops at descriptor 1024.

    Raises:
        TimeoutError: `timeout` seconds passed first.
    """
    ready = (_poll if hasattr(select, "poll") else _select)(interests, timeout)
    if not ready:
        raise TimeoutError
    return ready


def _poll(interests: Sequence[tuple[socket, int]], timeout: float | None) -> list[socket]:
    poller = select.poll()
    sockets: dict[int, socket] = {}
    for sock, mask in interests:
        descriptor = sock.fileno()
        poller.register(descriptor, (select.POLLIN if mask & READ else 0) | (select.POLLOUT if mask & WRITE else 0))
        sockets[descriptor] = sock
    # poll() takes milliseconds and rounds up, so that a short wait does not become a busy loop
    events = poller.poll(None if timeout is None else min(timeout * 1000, _POLL_MAX))
    return [sockets[descriptor] for descriptor, _ in events]


def _select(interests: Sequence[tuple[socket, int]], timeout: float | None) -> list[socket]:
    readers = [sock for sock, mask in interests if mask & READ]
    writers = [sock for sock, mask in interests if mask & WRITE]
    readable, writable, failed = select.select(readers, writers, writers, timeout)
    return list({*readable, *writable, *failed})
