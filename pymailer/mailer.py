"""The front doors: `create_transport` and `create_async_transport`, and the two mailers behind them.

Both are thin and have the same names; what they do is written once, in `Pipeline`. This is one of the two places that
know about asyncio.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar, cast, overload

from pymailer.bulk import Batch, InFlight, OneByOne, Pace
from pymailer.front_door import discreet
from pymailer.mailer_options import MAILER_OPTIONS, checked_defaults, mailer_options
from pymailer.pipeline import Pipeline, Plugin
from pymailer.registry import find_transport
from pymailer.results import CloseReport, CompiledMail, Delivery, PoolStats, SentMessageInfo
from pymailer.runtime import Runtime, run
from pymailer.runtime.blocking import BlockingRuntime
from pymailer.runtime.multiplex import Multiplexer
from pymailer.sources import AsyncSource, Source

if TYPE_CHECKING:
    from email.message import EmailMessage

    from pymailer.message.model import Message
    from pymailer.smtp.options import SMTPOptions
    from pymailer.transport import Transport

AnyTransport: TypeAlias = "Transport | SMTPOptions | Mapping[str, Any] | str"
"""What the front doors take for a transport."""

AnyMessage: TypeAlias = "Message | Mapping[str, Any] | EmailMessage | CompiledMail"
"""What can be sent."""

P = TypeVar("P", bound=Plugin)

_BLOCKING: Final = BlockingRuntime()


@discreet
def create_transport(transport: AnyTransport, /, defaults: Mapping[str, Any] | None = None, **options: Any) -> Mailer:
    """A mailer for code that has no event loop.

    Args:
        transport: A transport object (anything with a callable ``send``), a URL such as
            ``smtp://user:password@host:587/?pool=true``, a mapping of options, or an options object.
        defaults: Message fields that each message inherits; copied. Headers are merged, whatever their case; a field
            that is ``None`` in a message takes nothing from here.
        options: The mailer's own: ``dkim``, ``attach_data_urls``, ``disable_file_access``, ``disable_url_access``,
            ``allow_private_urls``, ``max_recipients``, ``x_mailer``.

    Returns:
        A `Mailer`; use it as a context manager, or close it.

    Raises:
        ConfigError: An option is unknown or wrong, or `transport` is none.
        MessageError: There is no such message field as one of `defaults`.
    """
    return Mailer(*_build(transport, defaults, options))


@discreet
def create_async_transport(
    transport: AnyTransport, /, defaults: Mapping[str, Any] | None = None, **options: Any
) -> AsyncMailer:
    """A mailer for asyncio code; the same arguments as `create_transport`.

    Raises:
        ConfigError: An option is unknown or wrong, or `transport` is none.
    """
    return AsyncMailer(*_build(transport, defaults, options))


def _build(given: object, defaults: object, options: Mapping[str, Any]) -> tuple[Transport, Pipeline]:
    transport, beside = find_transport(given, MAILER_OPTIONS)
    return transport, Pipeline(transport, checked_defaults(defaults), mailer_options(beside, options))


class _Front:
    """What both mailers have that waits for nothing."""

    def __init__(self, transport: Transport, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.transport = transport
        self.defaults: Mapping[str, Any] = pipeline.defaults

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.transport!r}>"

    @overload
    def use(self, step: str, plugin: Plugin) -> Self: ...
    @overload
    def use(self, step: str, plugin: None = None) -> Callable[[P], P]: ...
    def use(self, step: str, plugin: Plugin | None = None) -> Self | Callable[[P], P]:
        """Add middleware; without `plugin`, a decorator.

        Args:
            step: ``"compile"`` (before composing; `mail.data` may be changed) or ``"stream"`` (after it).
            plugin: Called with the mail, plain or ``async``; what it raises ends the send.

        Raises:
            ConfigError: There is no such step.
        """
        if plugin is not None:
            self._pipeline.use(step, plugin)
            return self
        self._pipeline.check_step(step)

        def add(decorated: P) -> P:
            self._pipeline.use(step, decorated)
            return decorated

        return add

    def on(self, event: str, callback: Callable[..., object]) -> Callable[[], None]:
        """Listen for ``idle``, ``clear``, ``error``, ``log``, ``token``, ``sent`` or ``failed``.

        Returns:
            A function that ends the subscription.

        Raises:
            ConfigError: There is no such event, or `callback` cannot be called.
        """
        return self._pipeline.events.on(event, callback)

    def is_idle(self) -> bool:
        """Whether the transport has room for more; one that cannot say always has."""
        ask = getattr(self.transport, "is_idle", None)
        return bool(ask()) if callable(ask) else True

    def stats(self) -> PoolStats:
        """What the transport counts; nothing at all from one that keeps no count."""
        ask = getattr(self.transport, "stats", None)
        counted = ask() if callable(ask) else None
        return PoolStats() if counted is None else cast("PoolStats", counted)

    def _batch(self, runtime: Runtime, pace: Pace) -> Batch:
        pipeline, stream = self._pipeline, getattr(self.transport, "send_stream", None)
        concurrency = pace.concurrency or cast("int", getattr(self.transport, "max_connections", 1))
        if stream is not None:
            return InFlight(concurrency, stream, pipeline, runtime, pace.in_flight, pace.timeout)
        return OneByOne(concurrency, partial(pipeline.send, runtime, fields={}, timeout=pace.timeout))


class Mailer(_Front):
    """Sends messages through a transport, blocking the caller until each is settled."""

    @discreet
    def send_mail(
        self,
        data: AnyMessage | None = None,
        /,
        *,
        timeout: float | timedelta | None = None,
        queue_priority: int = 0,
        **fields: Any,
    ) -> SentMessageInfo:
        """Compose and send one message.

        Args:
            data: A mapping, a `Message`, or an ``email.message.EmailMessage``.
            timeout: Seconds for the whole call, queueing and retries included.
            queue_priority: Lower is served first where messages wait.
            fields: Message fields; they override `data`.

        Returns:
            What became of each recipient.

        Raises:
            MailError: Nobody got the message, or nobody can say; its `outcome` tells which.
        """
        return run(self._pipeline.send(_BLOCKING, data, fields, timeout, queue_priority))

    def send_many(
        self,
        messages: Iterable[AnyMessage],
        /,
        *,
        concurrency: int | None = None,
        in_flight: int = 1,
        timeout: float | timedelta | None = None,
    ) -> Iterator[Delivery]:
        """Send many messages over several connections at once, in the caller's own thread.

        Args:
            messages: What `send_mail` takes, each pulled only when there is room; it may be endless.
            concurrency: How many messages may be under way; the pool's `max_connections` by default.
            in_flight: How many messages one connection may begin before the reply to the first is read.
            timeout: Seconds for each message.

        Yields:
            A `Delivery` for each message as it settles; a message's failure is in its own. Leaving the loop early
            waits for what is under way.

        Raises:
            ConfigError: A number makes no sense.
            Exception: What `messages` itself raises, once everything before that has settled.
        """
        return self._send_many(Source(iter(messages)), Pace(concurrency, in_flight, timeout))

    def _send_many(self, source: Source, pace: Pace) -> Iterator[Delivery]:
        tasks = Multiplexer()
        batch = self._batch(tasks, pace)
        source.feed(batch, tasks)
        try:
            while batch.busy:
                while batch.room:
                    source.pull(batch, tasks)
                if batch.under_way and not batch.settled:
                    tasks.step()
                while batch.settled:
                    yield batch.settled.popleft()
        except GeneratorExit:
            batch.end()
            while batch.under_way:
                tasks.step()
            raise
        finally:
            tasks.close()
        batch.finish()

    @discreet
    def compile(self, data: AnyMessage | None = None, /, **fields: Any) -> CompiledMail:
        """Everything but the sending: plain data that pickles, for a queue to carry.

        Raises:
            MailError: What `send_mail` would raise before the wire.
        """
        return run(self._pipeline.compile(_BLOCKING, data, fields))

    def send_compiled(self, mail: CompiledMail, /, *, timeout: float | timedelta | None = None) -> SentMessageInfo:
        """Send what `compile` gave.

        Raises:
            MailError: As `send_mail`.
        """
        return run(self._pipeline.send(_BLOCKING, mail, {}, timeout))

    def verify(self) -> bool:
        """Connect, upgrade, authenticate and say goodbye.

        Returns:
            ``True``.

        Raises:
            MailError: What a send would raise.
        """
        return run(self._pipeline.verify(_BLOCKING))

    def close(self, *, drain: bool = True, timeout: float | timedelta | None = None) -> CloseReport:
        """Close the transport; a second call is harmless.

        Args:
            drain: Finish what is queued and under way; otherwise fail what is queued.
            timeout: Seconds to wait at most.

        Returns:
            How many were sent while closing, and the messages that were not.
        """
        return run(self._pipeline.close(_BLOCKING, drain=drain, timeout=timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(drain=kind is None)


class AsyncMailer(_Front):
    """Sends messages through a transport, for asyncio code; the same names as `Mailer`, awaited."""

    def __init__(self, transport: Transport, pipeline: Pipeline) -> None:
        from pymailer.runtime.aio import AsyncioRuntime

        super().__init__(transport, pipeline)
        self._runtime = AsyncioRuntime()

    @discreet
    async def send_mail(
        self,
        data: AnyMessage | None = None,
        /,
        *,
        timeout: float | timedelta | None = None,
        queue_priority: int = 0,
        **fields: Any,
    ) -> SentMessageInfo:
        """As `Mailer.send_mail`."""
        return await self._pipeline.send(self._runtime, data, fields, timeout, queue_priority)

    def send_many(
        self,
        messages: Iterable[AnyMessage] | AsyncIterable[AnyMessage],
        /,
        *,
        concurrency: int | None = None,
        in_flight: int = 1,
        timeout: float | timedelta | None = None,
    ) -> AsyncIterator[Delivery]:
        """As `Mailer.send_many`; `messages` may be an asynchronous iterable.

        A loop over an asynchronous generator that is left early ends it only some time later: where it matters, write
        ``async with contextlib.aclosing(mailer.send_many(...)) as deliveries``.
        """
        source = AsyncSource(aiter(messages)) if isinstance(messages, AsyncIterable) else Source(iter(messages))
        return self._send_many(source, Pace(concurrency, in_flight, timeout))

    async def _send_many(self, source: Source | AsyncSource, pace: Pace) -> AsyncIterator[Delivery]:
        from pymailer.runtime.aio import AsyncioTasks

        tasks = AsyncioTasks()
        batch = self._batch(self._runtime, pace)
        source.feed(batch, tasks)
        batch.news = tasks.announce
        try:
            while batch.busy:
                while batch.room and source.ready:
                    source.pull(batch, tasks)
                if not batch.settled and (batch.under_way or not source.ready):
                    await tasks.step()
                while batch.settled:
                    yield batch.settled.popleft()
        except GeneratorExit:
            batch.end()
            while batch.under_way:
                await tasks.step()
            raise
        finally:
            await tasks.close()
        batch.finish()

    @discreet
    async def compile(self, data: AnyMessage | None = None, /, **fields: Any) -> CompiledMail:
        """As `Mailer.compile`."""
        return await self._pipeline.compile(self._runtime, data, fields)

    async def send_compiled(
        self, mail: CompiledMail, /, *, timeout: float | timedelta | None = None
    ) -> SentMessageInfo:
        """As `Mailer.send_compiled`."""
        return await self._pipeline.send(self._runtime, mail, {}, timeout)

    async def verify(self) -> bool:
        """As `Mailer.verify`."""
        return await self._pipeline.verify(self._runtime)

    async def close(self, *, drain: bool = True, timeout: float | timedelta | None = None) -> CloseReport:
        """As `Mailer.close`."""
        return await self._pipeline.close(self._runtime, drain=drain, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(drain=kind is None)
