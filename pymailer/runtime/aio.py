"""The runtime for an asyncio caller: it waits by awaiting the running loop, and works with any loop (uvloop too).

This is one of the two places that may import asyncio.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, ref

from pymailer.runtime import READ, WRITE, Waiter
from pymailer.runtime.blocking import ready_sockets
from pymailer.runtime.deadlines import NEVER, Deadlines
from pymailer.runtime.watch import EpollWatch, Watch, new_watch

if TYPE_CHECKING:
    from socket import socket

T = TypeVar("T")

_Sign: TypeAlias = "asyncio.Future[socket | None]"
"""What a task awaits: the socket that is ready, or ``None`` when its time is over."""

_GLANCE: Final = 0.5
"""Seconds that a thread looks at sockets before it looks whether anybody still wants to know."""


class AsyncioRuntime:
    """`Runtime` over whatever loop is running when a verb is used; it holds no loop itself."""

    now: staticmethod[[], float] = staticmethod(monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))

    def wait(
        self, interests: Sequence[tuple[socket, int]], deadline: float | None
    ) -> Coroutine[Any, Any, list[socket]]:
        loop = asyncio.get_running_loop()
        lookout = _lookout_of(loop)
        if lookout is None:
            return _wait_at_loop(loop, interests, deadline)
        return lookout.wait(loop, interests, deadline)

    async def offload(self, function: Callable[..., T], /, *args: Any) -> T:
        return await asyncio.to_thread(function, *args)

    def waiter(self) -> Waiter:
        return AsyncioWaiter()


class _Lookout:
    """Where the waits of one loop are: the loop watches one descriptor for all of them, and keeps one timer.

    Nothing but the loop holds it, so that it goes with the loop, and its descriptor with it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, watch: EpollWatch[_Sign]) -> None:
        self._watch = watch
        self._deadlines: Deadlines[_Sign] = Deadlines()
        self._alarm: asyncio.TimerHandle | None = None
        loop.add_reader(watch.fileno(), self._look)

    async def wait(
        self, loop: asyncio.AbstractEventLoop, interests: Sequence[tuple[socket, int]], deadline: float | None
    ) -> list[socket]:
        sign: _Sign = loop.create_future()
        descriptors = self._watch.arm(interests, sign)
        try:
            if deadline is not None and self._deadlines.set(sign, deadline):
                self._set_alarm(loop, deadline)
            return _in_time(await sign)
        finally:
            self._watch.disarm(descriptors, sign)
            self._deadlines.clear(sign)

    def _look(self) -> None:
        for sign, sock, _ in self._watch.look(0):
            _give(sign, sock)

    def _set_alarm(self, loop: asyncio.AbstractEventLoop, time: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        # By a weak reference: otherwise the lookout and its alarm would keep each other when the loop has let them go.
        weakly: ref[_Lookout] = ref(self)
        self._alarm = loop.call_later(max(time - monotonic(), 0), _sound_alarm, weakly)

    def expire(self) -> None:
        """End the waits whose time is over; what is ready by now is served first."""
        self._look()
        for sign in self._deadlines.passed(monotonic()):
            _give(sign, None)
        self._alarm = None
        if self._deadlines.earliest < NEVER:
            self._set_alarm(asyncio.get_running_loop(), self._deadlines.earliest)


def _sound_alarm(lookout: ref[_Lookout]) -> None:
    if (there := lookout()) is not None:
        there.expire()


_lookouts: WeakKeyDictionary[asyncio.AbstractEventLoop, Callable[[], _Lookout | None]] = WeakKeyDictionary()
if hasattr(os, "register_at_fork"):  # a child that goes on with a loop of its parent's needs a watch of its own
    os.register_at_fork(after_in_child=_lookouts.clear)


def _lookout_of(loop: asyncio.AbstractEventLoop) -> _Lookout | None:
    """The loop's lookout, made when it is first asked for; ``None`` if the loop or the system cannot have one."""
    try:
        return _lookouts[loop]()
    except KeyError:
        lookout = _new_lookout(loop)
        _lookouts[loop] = (lambda: None) if lookout is None else ref(lookout)
        return lookout


def _new_lookout(loop: asyncio.AbstractEventLoop) -> _Lookout | None:
    watch: Watch[_Sign] = new_watch()
    if not isinstance(watch, EpollWatch):
        return None
    try:
        return _Lookout(loop, watch)
    except NotImplementedError:  # a proactor loop watches no sockets
        return None


async def _wait_at_loop(
    loop: asyncio.AbstractEventLoop, interests: Sequence[tuple[socket, int]], deadline: float | None
) -> list[socket]:
    """Wait without a lookout: each wait has its own readers, writers and timer."""
    sign: _Sign = loop.create_future()
    timer = None if deadline is None else _timer(loop, deadline, sign, None)
    watched: list[tuple[Callable[[int], object], int]] = []
    try:
        for sock, mask in interests:
            # The number, not the socket: a closed one has none, and a loop may be watching it all the same.
            descriptor = sock.fileno()
            if mask & READ:
                loop.add_reader(descriptor, _give, sign, sock)
                watched.append((loop.remove_reader, descriptor))
            if mask & WRITE:
                loop.add_writer(descriptor, _give, sign, sock)
                watched.append((loop.remove_writer, descriptor))
        return _in_time(await sign)
    except NotImplementedError:  # a proactor loop (Windows) watches no sockets
        return await _wait_in_thread(interests, deadline)
    finally:
        for unwatch, descriptor in watched:
            unwatch(descriptor)
        if timer is not None:
            timer.cancel()


def _give(sign: asyncio.Future[T], value: T) -> None:
    if not sign.done():
        sign.set_result(value)


def _timer(loop: asyncio.AbstractEventLoop, deadline: float, sign: asyncio.Future[T], value: T) -> asyncio.TimerHandle:
    return loop.call_later(max(deadline - monotonic(), 0), _give, sign, value)


def _in_time(sock: socket | None) -> list[socket]:
    if sock is None:
        raise TimeoutError
    return [sock]


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
    """A place in the loop that was running when it was made, woken from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = False
        self._sign: asyncio.Future[bool] | None = None

    async def wait(self, deadline: float | None) -> None:
        if self._woken:
            return
        self._sign = self._loop.create_future()
        timer = None if deadline is None else _timer(self._loop, deadline, self._sign, False)
        try:
            if not await self._sign:
                raise TimeoutError
        finally:
            if timer is not None:
                timer.cancel()

    def wake(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            return False
        return True

    def _wake(self) -> None:
        self._woken = True
        if self._sign is not None:
            _give(self._sign, True)


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
