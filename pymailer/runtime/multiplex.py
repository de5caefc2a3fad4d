"""The runtime of a batch in a sync program: many coroutines over one selector, in the caller's own thread.

It has no thread of its own and runs only while its owner steps it. It knows coroutines, sockets and deadlines, and
nothing of mail.
"""

from __future__ import annotations

import selectors
import socket
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from time import monotonic
from typing import Any, Final, TypeVar

import attrs

from pymailer.runtime import READ, WRITE, Waiter

T = TypeVar("T")

_MASKS: Final = {READ: selectors.EVENT_READ, WRITE: selectors.EVENT_WRITE, READ | WRITE: 3}
_NEVER: Final = float("inf")
_LONGEST: Final = 86_400.0  # seconds of one look at the selector, which cannot wait for years


@attrs.define(eq=False)
class _Task:
    coroutine: Coroutine[Any, Any, object]
    interests: Sequence[tuple[socket.socket, int]] = ()
    deadline: float = _NEVER
    parked: bool = False


@types.coroutine
def _park() -> Generator[None, Any, Any]:
    return (yield)


class Multiplexer:
    """`Runtime` for the coroutines given to `spawn`; `step` moves them on."""

    now: staticmethod[[], float] = staticmethod(monotonic)

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._tasks: set[_Task] = set()
        self._runnable: deque[tuple[_Task, object, BaseException | None]] = deque()
        self._waiting: dict[int, _Task] = {}
        self._current: _Task | None = None
        # No parked task's deadline is earlier than this; it may be stale, which costs one look too many.
        self._next_deadline = _NEVER
        self._woken: deque[_MultiplexWaiter] = deque()
        self._bell, self._rope = socket.socketpair()  # not a pipe: Windows can select sockets only
        for end in (self._bell, self._rope):
            end.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Take over a coroutine; its result is dropped, an exception of its own ends `step`."""
        task = _Task(coroutine)
        self._tasks.add(task)
        self._runnable.append((task, None, None))

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
            self._selector.close()
            self._bell.close()
            self._rope.close()

    def _resume(self, task: _Task, value: object, error: BaseException | None) -> None:
        self._current = task
        try:
            if error is None:
                task.coroutine.send(value)
            else:
                task.coroutine.throw(error)
        except StopIteration:
            self._tasks.discard(task)
        except BaseException:
            self._tasks.discard(task)
            raise
        finally:
            self._current = None

    def _poll(self) -> None:
        if isinstance(self._selector, selectors.SelectSelector):
            self._drop_closed()
        now = monotonic()
        if self._next_deadline <= now:
            self._expire(now)
        patience = 0 if self._runnable else min(self._next_deadline - now, _LONGEST)
        for key, _ in self._selector.select(patience):
            if key.fileobj is self._bell:
                self._answer_bell()
            elif (task := self._waiting.get(key.fd)) is not None:
                self._wake(task, [sock for sock, _ in task.interests if sock.fileno() == key.fd])
            else:  # nobody listens any more: a connection that went idle
                self._selector.unregister(key.fileobj)

    def _drop_closed(self) -> None:
        """Where there is only select() (Windows), one closed socket among those watched is an error."""
        for key in tuple(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.fileobj.fileno() < 0:
                self._selector.unregister(key.fileobj)

    def _expire(self, now: float) -> None:
        # What became ready is served first: the time may have passed while the caller held the thread.
        for key, _ in self._selector.select(0):
            if (task := self._waiting.get(key.fd)) is not None:
                self._wake(task, [sock for sock, _ in task.interests if sock.fileno() == key.fd])
        self._answer_bell()
        parked = [task for task in self._tasks if task.parked]
        for task in parked:
            if task.deadline <= now:
                self._wake(task, None, TimeoutError())
        self._next_deadline = min((task.deadline for task in parked if task.parked), default=_NEVER)

    def _wake(self, task: _Task, value: object, error: BaseException | None = None) -> None:
        if not task.parked:
            return
        task.parked = False
        for sock, _ in task.interests:
            self._waiting.pop(sock.fileno(), None)
        task.interests = ()
        self._runnable.append((task, value, error))

    def _answer_bell(self) -> None:
        try:
            self._bell.recv(4096)
        except BlockingIOError:
            pass
        while self._woken:
            waiter = self._woken.popleft()
            waiter.woken = True
            if waiter.task is not None:
                self._wake(waiter.task, None)

    def _watch(self, sock: socket.socket, mask: int, task: _Task) -> None:
        events = _MASKS[mask]
        descriptor = sock.fileno()
        key = self._selector.get_map().get(descriptor)
        if key is not None and key.fileobj is not sock:  # a closed socket's descriptor, born again
            self._selector.unregister(key.fileobj)
            key = None
        if key is None:
            self._selector.register(sock, events)
        elif key.events != events:
            self._selector.modify(sock, events)
        self._waiting[descriptor] = task

    async def _suspend(self, deadline: float | None, interests: Sequence[tuple[socket.socket, int]] = ()) -> Any:
        task = self._current
        if task is None:
            raise RuntimeError("a coroutine of another runtime waits through this one")
        for sock, mask in interests:
            self._watch(sock, mask, task)
        task.interests = interests
        task.deadline = _NEVER if deadline is None else deadline
        self._next_deadline = min(self._next_deadline, task.deadline)
        task.parked = True
        return await _park()

    async def wait(self, interests: Sequence[tuple[socket.socket, int]], deadline: float | None) -> list[socket.socket]:
        ready: list[socket.socket] = await self._suspend(deadline, interests)
        return ready

    async def sleep(self, seconds: float) -> None:
        try:
            await self._suspend(monotonic() + max(seconds, 0))
        except TimeoutError:
            return

    async def offload(self, function: Callable[..., T], /, *args: Any) -> T:
        return function(*args)

    def waiter(self) -> Waiter:
        return _MultiplexWaiter(self)

    def ring(self, waiter: _MultiplexWaiter) -> bool:
        """Note that `waiter` was woken, and interrupt the selector; from any thread."""
        self._woken.append(waiter)
        try:
            self._rope.send(b"!")
        except BlockingIOError:  # it is full: the bell rings already
            pass
        except OSError:  # closed: nobody waits here any more
            return False
        return True

    async def wait_for(self, waiter: _MultiplexWaiter, deadline: float | None) -> None:
        """Park the running coroutine at `waiter`."""
        waiter.task = self._current
        try:
            await self._suspend(deadline)
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
