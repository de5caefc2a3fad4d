"""A runtime whose clock is a number, and whose scheduling is decided by a seed.

Knows coroutines and time; nothing of mail. It is one more `Runtime`, so the pool under test is the pool itself.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random
from socket import socket
from typing import Any

import attrs

NEVER = float("inf")
MOST_STEPS = 50_000
"""More than any life takes; a busy loop in the code under test ends here."""


class Cancelled(BaseException):
    """What a cancelled task gets; as in asyncio, it is no `Exception`."""


@attrs.define(eq=False)
class Task:
    """A coroutine on its way."""

    coroutine: Coroutine[Any, Any, Any]
    name: str
    parked: int = 0
    done: bool = False
    result: Any = None
    error: BaseException | None = None


@types.coroutine
def _park(deadline: float, waiter: SimulatedWaiter | None) -> Generator[Any, Any, Any]:
    return (yield (deadline, waiter))


class Scheduler:
    """`Runtime` for the tasks it runs.

    Args:
        random: Decides who goes first, and how late timers are.
        lag: Seconds by which a timer may be late.
    """

    def __init__(self, random: Random, lag: float = 0.0) -> None:
        self.random = random
        self.clock = 1_000.0
        self.tasks: list[Task] = []
        self.lag = lag
        self._runnable: list[tuple[Task, BaseException | None]] = []
        self._timers: list[tuple[float, int, Task, int]] = []
        self._numbers = count(1)
        self._steps = 0

    # --- the runtime ---

    def now(self) -> float:
        return self.clock

    async def sleep(self, seconds: float) -> None:
        try:
            await _park(self.clock + max(seconds, 0.0), None)
        except TimeoutError:
            return

    async def wait(self, interests: Sequence[tuple[socket, int]], deadline: float | None) -> list[socket]:
        raise AssertionError("there are no sockets here")

    async def offload(self, function: Callable[..., Any], /, *args: Any) -> Any:
        return function(*args)

    def waiter(self) -> SimulatedWaiter:
        return SimulatedWaiter(self)

    # --- tasks ---

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str = "") -> Task:
        task = Task(coroutine, name)
        self.tasks.append(task)
        self._runnable.append((task, None))
        return task

    def cancel(self, task: Task) -> None:
        """As asyncio does it: at the task's next wait, or the one it is in."""
        if not task.done:
            self._resume_later(task, Cancelled())

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a time."""

        async def act() -> None:
            await self.sleep(when - self.clock)
            action()

        self.spawn(act(), f"at {when:.3f}")

    def turn(self) -> None:
        """Run what can run now."""
        while self._runnable:
            self._step(*self._runnable.pop(self.random.randrange(len(self._runnable))))

    def run(self) -> None:
        """Run everything to its end."""
        while self._runnable or self._timers:
            self._steps += 1
            assert self._steps < MOST_STEPS, f"busy: {[task.name for task in self.tasks if not task.done]}"
            if not self._runnable:
                self._next_timer()
                continue
            self._step(*self._runnable.pop(self.random.randrange(len(self._runnable))))
        stuck = [task.name for task in self.tasks if not task.done]
        assert not stuck, f"nobody will ever wake: {stuck}"

    def _next_timer(self) -> None:
        when, _, task, parked = heappop(self._timers)
        if task.done or task.parked != parked:
            return
        self.clock = max(self.clock, when + self.random.random() * self.lag)
        self._resume_later(task, TimeoutError())

    def _resume_later(self, task: Task, error: BaseException | None) -> None:
        task.parked = next(self._numbers)  # what it waited for no longer counts
        self._runnable = [entry for entry in self._runnable if entry[0] is not task]
        self._runnable.append((task, error))

    def wake(self, task: Task, parked: int) -> None:
        if not task.done and task.parked == parked:
            self._resume_later(task, None)

    def _step(self, task: Task, error: BaseException | None) -> None:
        try:
            request = task.coroutine.throw(error) if error is not None else task.coroutine.send(None)
        except StopIteration as stop:
            task.done, task.result = True, stop.value
        except BaseException as raised:
            task.done, task.error = True, raised
        else:
            self._parked(task, *request)

    def _parked(self, task: Task, deadline: float, waiter: SimulatedWaiter | None) -> None:
        task.parked = next(self._numbers)
        if waiter is not None:
            if waiter.woken:
                return self._resume_later(task, None)
            waiter.sleeper = (task, task.parked)
        if deadline < NEVER:
            heappush(self._timers, (deadline, task.parked, task, task.parked))
        return None


@attrs.define(eq=False)
class SimulatedWaiter:
    """A place to wait at."""

    scheduler: Scheduler
    woken: bool = False
    dead: bool = False
    sleeper: tuple[Task, int] | None = None

    async def wait(self, deadline: float | None) -> None:
        await _park(NEVER if deadline is None else deadline, self)

    def wake(self) -> bool:
        if self.dead:
            return False
        self.woken = True
        if self.sleeper is not None:
            self.scheduler.wake(*self.sleeper)
        return True
