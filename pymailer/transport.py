"""The plugin contract: what a transport is given, what it must be able to do, and how it is called.

Knows the message and its results; nothing of any particular transport.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import CO_COROUTINE, iscoroutinefunction
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import attrs

from pymailer.outcome import Outcome
from pymailer.results import CompiledMail
from pymailer.runtime import maybe_await

if TYPE_CHECKING:
    from pymailer.message.composed import ComposedMessage
    from pymailer.message.model import Message
    from pymailer.results import Envelope, SentMessageInfo
    from pymailer.runtime import Runtime


@attrs.define(eq=False)
class Mail:
    """One message on its way: what middleware may change and a transport delivers.

    Attributes:
        data: The message as given, defaults merged in; one that was compiled has its content as `raw`.
        runtime: What a coroutine may wait through; then it serves both colours.
        deadline: When the whole send has to be over, as a time on ``runtime.now()``, or ``None``.
        queue_priority: Lower is served first.
        message: The composed message; present from the ``"stream"`` step on.
        envelope: Sender and recipients; present from the ``"stream"`` step on.
        dsn: The delivery status notification wishes (RFC 3461), or ``None``.
        require_tls: REQUIRETLS (RFC 8689) for this message.
        outcome: Whether the message may have been sent, for a send that is cut short by a cancellation.
    """

    _data: Message | CompiledMail
    runtime: Runtime = attrs.field(repr=False)
    deadline: float | None = None
    queue_priority: int = 0
    message: ComposedMessage = attrs.field(default=None, repr=False)
    envelope: Envelope = attrs.field(default=None)
    dsn: Any = None
    require_tls: bool = False
    outcome: Outcome = Outcome.NOT_SENT

    @property
    def data(self) -> Message:  # noqa: D102 - see above
        if isinstance(self._data, CompiledMail):  # few ask
            from pymailer.message.model import Message

            self._data = Message(raw=self._data.content, envelope=self._data.envelope)
        return self._data

    @data.setter
    def data(self, message: Message) -> None:
        self._data = message

    @property
    def composed(self) -> bool:
        """Whether `message` and `envelope` are there."""
        return cast("ComposedMessage | None", self.message) is not None

    @property
    def message_id(self) -> str | None:
        """With angle brackets; ``None`` for a raw message that has none."""
        return self.message.message_id

    @property
    def timeout(self) -> float | None:
        """Seconds left for this send, or ``None`` if nobody set a limit."""
        return None if self.deadline is None else max(self.deadline - self.runtime.now(), 0.0)


@runtime_checkable
class Transport(Protocol):
    """Anything that delivers. Optional: ``verify``, ``close``, ``is_idle``, ``stats``, ``on``."""

    name: str
    version: str

    def send(self, mail: Mail) -> SentMessageInfo | Awaitable[SentMessageInfo]:
        """Deliver one message: a plain function, or a coroutine function that waits only through ``mail.runtime``."""
        ...


async def call(runtime: Runtime, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
    """The result of a transport's method: a coroutine function is awaited, a plain one is called where it may block."""
    if iscoroutinefunction(function):
        return await function(*arguments, **keywords)
    return await maybe_await(await runtime.offload(lambda: function(*arguments, **keywords)))


async def deliver(transport: Transport, mail: Mail) -> SentMessageInfo:
    """Have `transport` send one message, whatever its colour."""
    send: Any = transport.send
    if _waits(send):
        info: SentMessageInfo = await send(mail)
    else:
        await mail.message.materialize(mail.runtime)  # a plain function cannot wait for what is still to come
        info = await call(mail.runtime, send, mail)
    return info


def _waits(function: Callable[..., Any]) -> bool:
    """As `iscoroutinefunction`, with a look at the code of a plain method first, which costs a tenth."""
    code = getattr(function, "__code__", None)
    return (code is not None and bool(code.co_flags & CO_COROUTINE)) or iscoroutinefunction(function)
