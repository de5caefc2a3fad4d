"""The runtime for an asyncio caller: it waits by awaiting the running loop, and works with any loop (uvloop too).

This is one of the two places that may import asyncio.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pymailer.runtime import READ, WRITE, Waiter
from pymailer.runtime.blocking import ready_sockets

if TYPE_CHECKING:
    from socket import socket

T = TypeVar("T")

_GLANCE: Final = 0.5
"""Seconds that a thread looks at sockets before it looks whether anybody still wants to know."""


class AsyncioRuntime:
    """`Runtime` over whatever loop is running when a verb is used; it holds no loop itself."""

    now: staticmethod[[], float] = staticmethod(monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))

    async def wait(self, interests: Sequence[tuple[socket, int]], deadline: float | None) -> list[socket]:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[socket] = loop.create_future()
        timer = None if deadline is None else loop.call_later(max(deadline - monotonic(), 0), _expire, ready)
        watched: list[tuple[Callable[[int], object], int]] = []
        try:
            for sock, mask in interests:
                # The number, not the socket: a closed one has none, and a loop may be watching it all the same.
                descriptor = sock.fileno()
                if mask & READ:
                    loop.add_reader(descriptor, _settle, ready, sock)
                    watched.append((loop.remove_reader, descriptor))
                if mask & WRITE:
                    loop.add_writer(descriptor, _settle, ready, sock)
                    watched.append((loop.remove_writer, descriptor))
            return [await ready]
        except NotImplementedError:  # a proactor loop (Windows) watches no sockets
            return await _wait_in_thread(interests, deadline)
        finally:
            for unwatch, descriptor in watched:
                unwatch(descriptor)
            if timer is not None:
                timer.cancel()

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


async def _wait_in_thread(interests: Sequence[tuple[socket, int]], deadline: float | None) -> list[socket]:
    abandoned = threading.Event()

    def look() -> list[socket]:
        while not abandoned.is_set():
            remaining = _GLANCE if deadline is None else max(deadline - monotonic(), 0)
            try:
                return ready_sockets(interests, min(remaining, _GLANCE))
            except TimeoutError:
                if remaining < _GLANCE:
                    raise
        return []

    try:
        return await asyncio.to_thread(look)
    finally:
        abandoned.set()  # a cancelled wait must not keep the thread, and with it the end of the program


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


class AsyncioTasks:
    """Coroutines as tasks of the running loop: the counterpart of `Multiplexer` for a caller that has a loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures: list[BaseException] = []
        self._news = asyncio.Event()

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Start a coroutine; its result is dropped, an exception of its own ends `step`."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)
        self._news.set()

    def announce(self) -> None:
        """Let `step` return, for news other than a coroutine's end."""
        self._news.set()

    async def step(self) -> None:
        """Return once at least one coroutine has finished since the last call; what one of them raised ends it."""
        await self._news.wait()
        if self._failures:
            raise self._failures.pop(0)
        self._news.clear()

    async def close(self) -> None:
        """Cancel what is left, and see it end."""
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
