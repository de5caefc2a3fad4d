"""The only verbs that wait. Everything that thinks is written once against them.

A coroutine that waits through an injected `Runtime` has no colour: an asyncio caller awaits it, a blocking caller
finishes it in one step with `run`. This module knows what a runtime can do; it must not know how any of them does it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from socket import socket

T = TypeVar("T")

READ: Final = 1
"""Wait until a socket can be read from."""
WRITE: Final = 2
"""Wait until a socket can be written to."""


class Waiter(Protocol):
    """A place in a queue: one side waits, the other wakes it, from whatever thread or loop."""

    async def wait(self, deadline: float | None) -> None:
        """Return once woken, even if that was before the call.

        Raises:
            TimeoutError: `deadline` passed first.
        """
        ...

    def wake(self) -> bool:
        """Wake the one who waits; ``False`` if nobody can wait there any more (its event loop is closed)."""
        ...


class Runtime(Protocol):
    """What neutral code may wait for. Deadlines are absolute, on the clock of `now`; ``None`` is never."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...

    def wait(
        self, interests: Sequence[tuple[socket, int]], deadline: float | None
    ) -> Coroutine[Any, Any, list[socket]]:
        """Return the sockets that are ready for what is asked of each (`READ`, `WRITE`, or both), at least one.

        Raises:
            TimeoutError: `deadline` passed first.
        """
        ...

    async def offload(self, function: Callable[..., T], /, *args: Any) -> T:
        """The result of a function that blocks, called where it blocks nobody else."""
        ...

    def waiter(self) -> Waiter:
        """A new place to wait at, for one waiting."""
        ...


class SuspendedError(RuntimeError):
    """Code that was run to its end in one step tried to wait for something that only an event loop provides."""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits only through a blocking runtime, finished in one step.

    Raises:
        SuspendedError: The coroutine suspended: something in it awaits an event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    finally:
        coroutine.close()
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    raise SuspendedError(
        f"{name} awaits an event loop, which a sync mailer does not have; use create_async_transport for it"
    )


async def maybe_await(value: T | Awaitable[T]) -> T:
    """The value that a user's callable returned, awaited if it was `async`."""
    return await cast("Awaitable[T]", value) if isawaitable(value) else value
