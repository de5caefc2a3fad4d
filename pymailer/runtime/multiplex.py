"""The runtime of a batch in a sync program: many coroutines over one watch, in the caller's own thread.

It has no thread of its own and runs only while its owner steps it. It knows coroutines, sockets and deadlines, and
nothing of mail.
"""

from __future__ import annotations

import socket
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from time import monotonic
from typing import Any, Final, TypeVar

import attrs

from pymailer.runtime import READ, Waiter
from pymailer.runtime.deadlines import Deadlines
from pymailer.runtime.watch import Watch, new_watch

T = TypeVar("T")

_LONGEST: Final = 86_400.0  # seconds of one look at the sockets, which cannot wait for years


@attrs.define(eq=False)
class _Task:
    coroutine: Coroutine[Any, Any, object]
    parked: bool = False


class Multiplexer:
    """`Runtime` for the coroutines given to `spawn`; `step` moves them on."""

    now: staticmethod[[], float] = staticmethod(monotonic)

    def __init__(self) -> None:
        self._tasks: set[_Task] = set()
        self._runnable: deque[tuple[_Task, object]] = deque()
        self._current: _Task | None = None
        self._deadlines: Deadlines[_Task] = Deadlines()
        self._watch: Watch[_Task | None] = new_watch()
        self._woken: deque[_MultiplexWaiter] = deque()
        self._bell, self._rope = socket.socketpair()  # not a pipe: Windows can select sockets only
        for end in (self._bell, self._rope):
            end.setblocking(False)
        self._watch.arm([(self._bell, READ)], None)

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Take over a coroutine; its result is dropped, an exception of its own ends `step`."""
        task = _Task(coroutine)
        self._tasks.add(task)
        self._runnable.append((task, None))

    @property
    def busy(self) -> bool:
        """Whether any coroutine is left."""
        return bool(self._tasks)

    def step(self) -> None:
        """Run every coroutine that can run; wait for one that can, if none could."""
        if not self._runnable:
            self._poll()
        for _ in range(len(self._runnable)):
            self._resume(*self._runnable.popleft())

    def close(self) -> None:
        """End what is left, and give everything back."""
        try:
            while self._tasks:
                self._tasks.pop().coroutine.close()
        finally:
            self._runnable.clear()
            self._watch.close()
            self._bell.close()
            self._rope.close()

    def _resume(self, task: _Task, value: object) -> None:
        self._current = task
        try:
            task.coroutine.send(value)
        except StopIteration:
            self._tasks.discard(task)
        except BaseException:
            self._tasks.discard(task)
            raise
        finally:
            self._current = None

    def _poll(self) -> None:
        now = monotonic()
        if self._deadlines.earliest <= now:
            self._look(0)  # what is ready is served first: the time may have passed while the caller held the thread
            for task in self._deadlines.passed(now):
                self._wake(task, None)
        self._look(0 if self._runnable else min(self._deadlines.earliest - now, _LONGEST))

    def _look(self, seconds: float) -> None:
        for task, sock, _ in self._watch.look(seconds):
            if task is None:
                self._answer_bell()
            else:
                self._wake(task, [sock])

    def _wake(self, task: _Task, value: object) -> None:
        if task.parked:
            task.parked = False
            self._runnable.append((task, value))

    def _answer_bell(self) -> None:
        self._watch.arm([(self._bell, READ)], None)
        try:
            self._bell.recv(4096)
        except BlockingIOError:
            pass
        while self._woken:
            waiter = self._woken.popleft()
            waiter.woken = True
            if waiter.task is not None:
                self._wake(waiter.task, True)

    @types.coroutine
    def _pause(self, task: _Task, deadline: float | None) -> Generator[None, Any, Any]:
        """Let the others run until `task`, which is the running one, is woken.

        Returns:
            What it is woken with; ``None`` if `deadline` has passed.
        """
        if deadline is not None:
            self._deadlines.set(task, deadline)
        task.parked = True
        try:
            return (yield)
        finally:
            self._deadlines.clear(task)

    def _running(self) -> _Task:
        if self._current is None:
            raise RuntimeError("a coroutine of another runtime waits through this one")
        return self._current

    async def wait(self, interests: Sequence[tuple[socket.socket, int]], deadline: float | None) -> list[socket.socket]:
        task = self._running()
        descriptors = self._watch.arm(interests, task)
        try:
            ready: list[socket.socket] | None = await self._pause(task, deadline)
        finally:
            self._watch.disarm(descriptors, task)
        if ready is None:
            raise TimeoutError
        return ready

    async def sleep(self, seconds: float) -> None:
        await self._pause(self._running(), monotonic() + max(seconds, 0))

    async def offload(self, function: Callable[..., T], /, *args: Any) -> T:
        return function(*args)

    def waiter(self) -> Waiter:
        return _MultiplexWaiter(self)

    def ring(self, waiter: _MultiplexWaiter) -> bool:
        """Note that `waiter` was woken, and interrupt the look at the sockets; from any thread."""
        self._woken.append(waiter)
        try:
            self._rope.send(b"!")
        except BlockingIOError:  # it is full: the bell rings already
            pass
        except OSError:  # closed: nobody waits here any more
            return False
        return True

    async def wait_for(self, waiter: _MultiplexWaiter, deadline: float | None) -> None:
        """Have the running coroutine wait at `waiter`."""
        waiter.task = task = self._running()
        try:
            if await self._pause(task, deadline) is None:
                raise TimeoutError
        finally:
            waiter.task = None


@attrs.define(eq=False)
class _MultiplexWaiter:
    """A task of one multiplexer, woken from any thread."""

    owner: Multiplexer
    task: _Task | None = None
    woken: bool = False

    async def wait(self, deadline: float | None) -> None:
        if not self.woken:
            await self.owner.wait_for(self, deadline)

    def wake(self) -> bool:
        return self.owner.ring(self)
