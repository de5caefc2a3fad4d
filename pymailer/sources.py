"""Where the messages of a batch come from: an iterable of either colour, asked for the next one only when told to.

Knows how to pull and what an end or a failure looks like; the counting is the batch's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pymailer.bulk import Batch


class Tasks(Protocol):
    """Whatever drives coroutines side by side."""

    def spawn(self, coroutine: Coroutine[Any, Any, object], /) -> None:
        """Take over a coroutine."""
        ...


class Source:
    """Messages that are there at once."""

    ready: bool = True
    """Whether the next one may be asked for."""

    def __init__(self, messages: Iterator[object]) -> None:
        self._messages = messages

    def feed(self, batch: Batch, tasks: Tasks) -> None:
        """Let the batch pull for itself."""
        batch.refill = partial(self.pull, batch, tasks)

    def pull(self, batch: Batch, tasks: Tasks) -> None:
        """Begin the next message, or end the batch."""
        try:
            message = next(self._messages)
        except StopIteration:
            batch.end()
        except Exception as error:  # noqa: BLE001 - the source's own: told once everything before it has settled
            batch.end(error)
        else:
            begin(batch, message, tasks)


class AsyncSource:
    """Messages that have to be waited for, one at a time, while others are under way."""

    ready: bool = True

    def __init__(self, messages: AsyncIterator[object]) -> None:
        self._messages = messages

    def feed(self, batch: Batch, tasks: Tasks) -> None:
        """Nothing: whoever pulls from here has to wait."""

    def pull(self, batch: Batch, tasks: Tasks) -> None:
        """Begin to wait for the next message."""
        self.ready = False
        tasks.spawn(self._take(batch, tasks))

    async def _take(self, batch: Batch, tasks: Tasks) -> None:
        try:
            message = await anext(self._messages)
        except StopAsyncIteration:
            batch.end()
        except Exception as error:  # noqa: BLE001 - the source's own: told once everything before it has settled
            batch.end(error)
        else:
            begin(batch, message, tasks)
        finally:
            self.ready = True


def begin(batch: Batch, message: object, tasks: Tasks) -> None:
    """Have `batch` begin `message`, driven by `tasks` if it needs a coroutine of its own."""
    step = batch.begin(message)
    if step is not None:
        tasks.spawn(step)
