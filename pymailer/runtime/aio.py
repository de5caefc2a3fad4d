"""The runtime for an asyncio caller: it waits by awaiting the running loop, and works with any loop (uvloop too).

This is one of the two places that may import asyncio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from pymailer.runtime import READ, WRITE, Waiter
from pymailer.runtime.blocking import ready_sockets

if TYPE_CHECKING:
    from socket import socket

T = TypeVar("T")


class AsyncioRuntime:
    """`Runtime` over whatever loop is running when a verb is used; it holds no loop itself."""

    now = staticmethod(monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))

    async def wait(self, interests: Sequence[tuple[socket, int]], deadline: float | None) -> list[socket]:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[socket] = loop.create_future()
        timer = None if deadline is None else loop.call_later(max(deadline - monotonic(), 0), _expire, ready)
        try:
            _watch(loop, interests, ready)
            return [await ready]
        except NotImplementedError:  # a proactor loop (Windows) watches no sockets
            timeout = None if deadline is None else max(deadline - monotonic(), 0)
            return await asyncio.to_thread(ready_sockets, interests, timeout)
        finally:
            if timer is not None:
                timer.cancel()
            _unwatch(loop, interests)

    async def offload(self, function: Callable[..., T], /, *args: Any) -> T:
        return await asyncio.to_thread(function, *args)

    def waiter(self) -> Waiter:
        return AsyncioWaiter()


def _expire(ready: asyncio.Future[Any]) -> None:
    if not ready.done():
        ready.set_exception(TimeoutError())


def _settle(ready: asyncio.Future[Any], value: object) -> None:
    if not ready.done():
        ready.set_result(value)


def _watch(
    loop: asyncio.AbstractEventLoop, interests: Sequence[tuple[socket, int]], ready: asyncio.Future[socket]
) -> None:
    for sock, mask in interests:
        if mask & READ:
            loop.add_reader(sock, _settle, ready, sock)
        if mask & WRITE:
            loop.add_writer(sock, _settle, ready, sock)


def _unwatch(loop: asyncio.AbstractEventLoop, interests: Sequence[tuple[socket, int]]) -> None:
    for sock, mask in interests:
        if sock.fileno() < 0:  # closed meanwhile, which took it out of the selector's sight
            continue
        try:
            if mask & READ:
                loop.remove_reader(sock)
            if mask & WRITE:
                loop.remove_writer(sock)
        except NotImplementedError:
            return


class AsyncioWaiter:
    """A future of the loop that was running when it was made, woken from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None] = self._loop.create_future()

    async def wait(self, deadline: float | None) -> None:
        async with asyncio.timeout_at(self._loop_time(deadline)):
            await asyncio.shield(self._woken)

    def _loop_time(self, deadline: float | None) -> float | None:
        return None if deadline is None else self._loop.time() + deadline - monotonic()

    def wake(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(_settle, self._woken, None)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            return False
        return True
