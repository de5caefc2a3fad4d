"""What becomes of a message on its way: defaults, the compile step, composing, the stream step, DKIM, the transport.

Written once for both colours. Knows the order of the steps; nothing of how any transport delivers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize, ref

import attrs

from pymailer.errors import ConfigError, MailTimeoutError, MessageError
from pymailer.events import EVENTS, Emitter
from pymailer.message.composed import ComposedMessage
from pymailer.message.composer import compose
from pymailer.message.merge import merge_message
from pymailer.names import unknown
from pymailer.options import duration
from pymailer.outcome import Outcome, Stage
from pymailer.results import CloseReport, CompiledMail, SentMessageInfo
from pymailer.runtime import Runtime, maybe_await
from pymailer.transport import Mail, Transport, call, deliver

if TYPE_CHECKING:
    from datetime import timedelta

    from pymailer.mailer_options import MailerOptions

Plugin = Callable[[Mail], Any]
"""Middleware: called with the mail, plain or ``async``."""

STEPS: Final = ("compile", "stream")
"""Where middleware may come in: before composing, and after it."""

_logger = logging.getLogger("pymailer.mailer")


@attrs.define(eq=False)
class Pipeline:
    """One mailer's way from a message to a result.

    Attributes:
        transport: Who delivers.
        defaults: What each message inherits.
        options: The mailer's own.
        events: Who is told.
    """

    transport: Transport
    defaults: Mapping[str, Any]
    options: MailerOptions
    events: Emitter = attrs.field(factory=Emitter)
    _steps: dict[str, list[Plugin]] = attrs.field(factory=lambda: {step: [] for step in STEPS})
    _unsubscribe: Callable[[], None] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._unsubscribe = _listen(self.transport, self.events)

    def use(self, step: str, plugin: Plugin) -> None:
        """Add middleware after what is there already.

        Raises:
            ConfigError: There is no such step, or `plugin` cannot be called.
        """
        self.check_step(step)
        if not callable(plugin):
            raise ConfigError(f"middleware is called with the mail; {type(plugin).__name__} cannot be called")
        self._steps[step].append(plugin)

    def check_step(self, step: str) -> None:
        """Whether middleware may come in at `step`.

        Raises:
            ConfigError: There is no such step.
        """
        if step not in STEPS:
            raise ConfigError(f"{unknown('step', step, STEPS)}; the steps are {' and '.join(STEPS)}")

    async def send(
        self,
        runtime: Runtime,
        data: object,
        fields: Mapping[str, Any],
        timeout: float | timedelta | None = None,
        queue_priority: int = 0,
    ) -> SentMessageInfo:
        """Compose one message and deliver it; what `compile` gave is only delivered."""
        mail: Mail | None = None
        try:
            mail = self._begin(runtime, data, fields, timeout)
            mail.queue_priority = queue_priority
            if not mail.composed:
                await self._prepare(mail)
            info = await self._deliver(mail)
        except BaseException as error:
            self.note(mail, None, error)
            raise
        self.note(mail, info, None)
        return info

    async def prepare(
        self,
        runtime: Runtime,
        data: object,
        timeout: float | timedelta | None,
        /,
        fields: Mapping[str, Any] | None = None,
    ) -> Mail:
        """A message ready for the transport."""
        mail = self._begin(runtime, data, fields or {}, timeout)
        if not mail.composed:  # when it was compiled
            await self._prepare(mail)
        return mail

    async def compile(self, runtime: Runtime, data: object, fields: Mapping[str, Any]) -> CompiledMail:
        """Everything but the sending."""
        mail = await self.prepare(runtime, data, None, fields)
        content = await mail.message.read(runtime)
        return CompiledMail(mail.envelope, mail.message_id, content, mail.dsn, mail.require_tls)

    def _begin(
        self, runtime: Runtime, data: object, fields: Mapping[str, Any], timeout: float | timedelta | None
    ) -> Mail:
        deadline = None if timeout is None else runtime.now() + duration("timeout", timeout)
        if not isinstance(data, CompiledMail):
            return Mail(merge_message(data, fields, self.defaults), runtime, deadline)
        if fields:
            raise MessageError(f"a compiled mail takes no more fields, such as {next(iter(fields))!r}")
        return _compiled(runtime, data, deadline)

    async def _prepare(self, mail: Mail) -> None:
        if self._steps["compile"]:
            await self._run_step("compile", mail)
        composed = await compose(mail.runtime, mail.data, self.options.policy, mail.deadline)
        mail.message, mail.envelope = composed.message, composed.envelope
        mail.dsn, mail.require_tls = composed.dsn, composed.require_tls
        if self._steps["stream"]:
            await self._run_step("stream", mail)
        keys = mail.data.dkim if mail.data.dkim is not None else self.options.dkim
        if keys:
            from pymailer.dkim import sign

            await sign(mail.runtime, mail.message, keys)

    async def _run_step(self, step: str, mail: Mail) -> None:
        for plugin in self._steps[step]:
            await maybe_await(plugin(mail))

    async def _deliver(self, mail: Mail) -> SentMessageInfo:
        if mail.deadline is not None and mail.runtime.now() >= mail.deadline:
            raise MailTimeoutError("the time for this message was over before it could be sent", stage=Stage.QUEUE)
        return await deliver(self.transport, mail)

    async def verify(self, runtime: Runtime) -> bool:
        """Ask the transport to prove that it would work; one that cannot is taken at its word."""
        verify = getattr(self.transport, "verify", None)
        if callable(verify):
            await call(runtime, verify, runtime)
        return True

    async def close(self, runtime: Runtime, *, drain: bool, timeout: float | timedelta | None) -> CloseReport:
        """Close the transport, if it can be closed."""
        close = getattr(self.transport, "close", None)
        report: object = None
        if timeout is not None:
            timeout = duration("timeout", timeout)
        if callable(close):
            report = await call(runtime, close, runtime, drain=drain, timeout=timeout)
        self._unsubscribe()
        return report if isinstance(report, CloseReport) else CloseReport()

    def note(self, mail: Mail | None, info: SentMessageInfo | None, error: BaseException | None) -> None:
        """Tell the log and the listeners how a send ended."""
        if error is not None:
            self._note_failure(mail, error)
        elif info is not None:
            if _logger.isEnabledFor(logging.INFO):
                fields = {"message_id": info.message_id, "outcome": str(info.outcome), "attempts": info.attempts}
                _logger.info("sent %s: %s", info.message_id, info.outcome, extra=fields)
            self.events.emit("sent", info)

    def _note_failure(self, mail: Mail | None, error: BaseException) -> None:
        """A cancelled send ends as `CancelledError`, which cannot say what became of the message: the event does."""
        outcome = getattr(error, "outcome", None)
        if outcome is None:
            outcome = mail.outcome if mail is not None else Outcome.NOT_SENT
            setattr(error, "outcome", outcome)  # noqa: B010 - whoever catches it is told, too
        message_id = mail.message_id if mail is not None and mail.composed else None
        fields = {"message_id": message_id, "outcome": str(outcome), "error": type(error).__name__}
        _logger.warning("did not send %s: %s", message_id, outcome, extra=fields)
        self.events.emit("failed", error)


def _compiled(runtime: Runtime, compiled: CompiledMail, deadline: float | None) -> Mail:
    """What `compile` gave, as a mail that only has to be delivered."""
    return Mail(
        compiled,
        runtime,
        deadline,
        message=ComposedMessage.from_bytes(compiled.content, compiled.message_id),
        envelope=compiled.envelope,
        dsn=compiled.dsn,
        require_tls=compiled.require_tls,
    )


def _listen(transport: Transport, events: Emitter) -> Callable[[], None]:
    """Pass the transport's events on, for as long as the mailer lives: many may share one transport that outlives them.

    Returns:
        Ends it; a second call is harmless.
    """
    listen: Callable[..., object] | None = getattr(transport, "on", None)
    ends = [] if listen is None else [listen(event, _forward(ref(events), event)) for event in EVENTS]

    def end() -> None:
        while ends:
            unsubscribe = ends.pop()
            if callable(unsubscribe):  # a plugin may forget to return one; `check_transport` tells its author
                unsubscribe()

    return finalize(events, end)


def _forward(events: ref[Emitter], event: str) -> Callable[..., None]:
    def forward(*arguments: object) -> None:
        living = events()
        if living is not None:
            living.emit(event, *arguments)

    return forward
