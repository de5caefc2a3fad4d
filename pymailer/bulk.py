"""A batch on its way: how many messages may be under way, which have settled, and when nothing is left.

Knows no colour. The two fronts pull, drive and yield; this keeps the count, and has a few workers that send one message
after the other: each by itself or, where the transport can, several ahead on one connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from pymailer.front_door import forget_locals
from pymailer.options import duration, positive_int
from pymailer.results import Delivery, SentMessageInfo

if TYPE_CHECKING:
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail

Step = Coroutine[Any, Any, None]


def _seconds(value: Any) -> float | None:
    return None if value is None else duration("timeout", value)


def _one_if_none(value: Any) -> Any:
    return 1 if value is None else value


@attrs.frozen
class Pace:
    """How fast a batch may go.

    Attributes:
        concurrency: How many messages, or connections, may be busy at once; ``None`` for as many as the transport has.
        in_flight: How many messages one connection may begin before the reply to the first is read.
        timeout: Seconds (or a `timedelta`) for each message.

    Raises:
        ConfigError: One of them makes no sense.
    """

    concurrency: int | None = attrs.field(validator=positive_int)
    in_flight: int = attrs.field(converter=_one_if_none, validator=positive_int)
    timeout: float | None = attrs.field(converter=_seconds)


@attrs.define(eq=False)
class Batch(ABC):
    """The state of one `send_many`.

    Attributes:
        workers: How many coroutines send them.
        limit: How many messages may be under way at once.
        slack: How many may have settled and wait to be yielded without keeping others from being pulled.
        under_way: How many messages are.
        settled: What has settled and was not yielded yet.
        ended: Whether the source has no more.
        failure: What the source raised instead of a message.
        refill: Pulls one more message into the batch at once, where the source can: a worker that has become free goes
            on with it, while the others are still busy.
        news: Called when a message has settled.
    """

    workers: int
    limit: int = attrs.field(init=False)
    slack: int = attrs.field(default=0, init=False)
    under_way: int = attrs.field(default=0, init=False)
    settled: deque[Delivery] = attrs.field(factory=deque[Delivery], init=False)
    ended: bool = attrs.field(default=False, init=False)
    failure: Exception | None = attrs.field(default=None, init=False)
    refill: Callable[[], None] | None = attrs.field(default=None, init=False)
    news: Callable[[], None] | None = attrs.field(default=None, init=False)
    _working: int = attrs.field(default=0, init=False)
    _inbox: deque[object] = attrs.field(factory=deque[object], init=False)

    @property
    def room(self) -> bool:
        """Whether another message may be pulled. Who takes the deliveries sets the pace: what has settled counts."""
        if self.ended or self.under_way >= self.limit:
            return False
        return self.under_way + len(self.settled) < self.limit + self.slack

    @property
    def busy(self) -> bool:
        """Whether anything is left to wait for."""
        return not self.ended or self.under_way > 0

    def begin(self, message: object) -> Step | None:
        """Take a message; a coroutine that then has to be driven, and never raises for a message, or ``None``."""
        self.under_way += 1
        self._inbox.append(message)
        if self._working >= self.workers:
            return None
        self._working += 1
        return self._run()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._work()
        finally:
            self._working -= 1

    @property
    def _waiting(self) -> bool:
        """Whether a message waits for a worker."""
        return bool(self._inbox)

    @abstractmethod
    async def _work(self) -> None:
        """Send what is in the inbox, and what comes while that goes on."""

    def _has_next(self) -> bool:
        """Whether the inbox has a message; if not, one is pulled where that may be done."""
        if not self._inbox and self.refill is not None and self.room:
            self.refill()
        return bool(self._inbox)

    def settle(self, message: object, info: SentMessageInfo | None, error: Exception | None) -> None:
        """A message has ended, one way or the other."""
        self.under_way -= 1
        self.settled.append(Delivery(message, info, error))
        if self.news is not None:
            self.news()

    def forget(self) -> None:
        """A message was cut short, and nobody is there to be told."""
        self.under_way -= 1

    def end(self, failure: Exception | None = None) -> None:
        """The source has no more, or failed; what was pulled before is still delivered and told."""
        self.ended = True
        self.failure = failure

    def finish(self) -> None:
        """Raise what the source raised, now that nothing is under way any more."""
        if self.failure is not None:
            raise self.failure


@attrs.define(eq=False)
class OneByOne(Batch):
    """Each message is a send of its own.

    Attributes:
        send: Sends one.
    """

    send: Callable[[Any], Awaitable[SentMessageInfo]]

    def __attrs_post_init__(self) -> None:
        self.limit: int = self.workers

    async def _work(self) -> None:
        while self._has_next():
            await self._deliver(self._inbox.popleft())

    async def _deliver(self, message: object) -> None:
        try:
            info = await self.send(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's, and told as such
            self.settle(message, None, error)
            del message  # this frame lives on in the traceback
            forget_locals(error)
        except BaseException:
            self.forget()
            raise
        else:
            self.settle(message, info, None)


class Way(Protocol):
    """How a message becomes ready, and who is told what became of it: the pipeline."""

    async def prepare(self, runtime: Runtime, data: object, timeout: float | None, /) -> Mail:
        """Compose a message."""
        ...

    def note(self, mail: Mail | None, info: SentMessageInfo | None, error: BaseException | None) -> None:
        """Tell the log and the listeners."""
        ...


Stream = Callable[..., Awaitable[None]]
"""A transport's `send_stream(runtime, take, tell, depth, ahead)`."""


@attrs.define(eq=False)
class InFlight(Batch):
    """Several messages ahead on each of a few connections, of which each worker serves one.

    Attributes:
        stream: Sends what it takes over one connection.
        way: Composes messages, and tells of them.
        runtime: Waits.
        depth: How many messages ahead on each connection.
        timeout: Seconds for each message.
    """

    stream: Stream
    way: Way
    runtime: Runtime
    depth: int
    timeout: float | None = None
    _given: dict[int, object] = attrs.field(factory=dict[int, object], init=False)
    _ready: deque[Mail] = attrs.field(factory=deque["Mail"], init=False)

    def __attrs_post_init__(self) -> None:
        self.limit: int = self.workers * (self.depth + 1)  # one is composed, and waits for the next place to be free
        self.slack: int = self.workers

    async def _work(self) -> None:
        await self.stream(self.runtime, self._take, self._tell, self.depth, self._ahead)

    @property
    def _waiting(self) -> bool:
        return bool(self._inbox or self._ready)

    async def _take(self) -> Mail | None:
        """The next message for a connection that has room."""
        return self._ready.popleft() if self._ready else await self._compose()

    async def _ahead(self) -> None:
        """Have the next message ready for whichever connection has room first; one for each at most."""
        if len(self._ready) < self.workers and (mail := await self._compose()) is not None:
            self._ready.append(mail)

    async def _compose(self) -> Mail | None:
        """The next message that can be composed; what cannot has settled by that."""
        while self._has_next():
            message = self._inbox.popleft()
            try:
                mail = await self.way.prepare(self.runtime, message, self.timeout)
            except Exception as error:  # noqa: BLE001 - it is this message's, and told as such
                self.way.note(None, None, error)
                self.settle(message, None, error)
                del message  # this frame lives on in the traceback
                forget_locals(error)
            else:
                self._given[id(mail)] = message
                return mail
        return None

    def _tell(self, mail: Mail, info: SentMessageInfo | None, error: Exception | None) -> None:
        self.way.note(mail, info, error)
        self.settle(self._given.pop(id(mail)), info, error)
