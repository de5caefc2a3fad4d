"""A batch on its way: how many messages may be under way, which have settled, and when nothing is left.

Knows no colour and no transport. The two fronts pull, drive and yield; this keeps the count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import attrs

from pymailer.errors import ConfigError
from pymailer.results import Delivery, SentMessageInfo

Send = Callable[[Any], Awaitable[SentMessageInfo]]


@attrs.define(eq=False)
class Batch:
    """The state of one `send_many`.

    Attributes:
        send: Sends one message.
        limit: How many may be under way at once.
        under_way: How many are.
        settled: What has settled and was not yielded yet.
        ended: Whether the source has no more.
        failure: What the source raised instead of a message.
    """

    send: Send
    limit: int
    under_way: int = 0
    settled: deque[Delivery] = attrs.field(factory=deque)
    ended: bool = False
    failure: Exception | None = None

    @property
    def room(self) -> bool:
        """Whether another message may be pulled."""
        return not self.ended and self.under_way < self.limit

    @property
    def busy(self) -> bool:
        """Whether anything is left to wait for."""
        return not self.ended or self.under_way > 0

    def begin(self, message: object) -> Coroutine[Any, Any, None]:
        """The coroutine that sends `message` and never raises for it."""
        self.under_way += 1
        return self._deliver(message)

    async def _deliver(self, message: object) -> None:
        try:
            self.settled.append(Delivery(message, info=await self.send(message)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's, and told as such
            self.settled.append(Delivery(message, error=error))
        finally:
            self.under_way -= 1

    def end(self, failure: Exception | None = None) -> None:
        """The source has no more, or failed; what was pulled before is still delivered and told."""
        self.ended = True
        self.failure = failure

    def finish(self) -> None:
        """Raise what the source raised, now that nothing is under way any more."""
        if self.failure is not None:
            raise self.failure


def checked_limit(name: str, value: object) -> int:
    """A whole number, 1 or more.

    Raises:
        ConfigError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} must be a whole number, 1 or more, not {value!r}")
    return value
