"""One SMTP (or LMTP) connection: opened, used for message after message, and closed.

Knows the life of a connection and when it must not be used again. It holds no lock and belongs to one sender at a
time; who that is, is the pool's business.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import ConnectionLostError, MailError, MailTimeoutError
from pymailer.net.connect import open_channel
from pymailer.outcome import Stage
from pymailer.smtp import commands
from pymailer.smtp.dialogue_log import DialogueLog
from pymailer.smtp.exchange import Exchange, Line, Patience
from pymailer.smtp.extensions import Capabilities
from pymailer.smtp.greeting import greet, introduce
from pymailer.smtp.login import log_in
from pymailer.smtp.report import Report
from pymailer.smtp.script import write_script
from pymailer.smtp.starttls import TLSSessions, encrypt, upgrade, wants_upgrade
from pymailer.smtp.transaction import Transaction
from pymailer.smtp.wire import Wire

if TYPE_CHECKING:
    from pymailer.net.resolver import Resolver
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.smtp.options import SMTPOptions
    from pymailer.transport import Mail

FRESH: Final = 5.0
"""Seconds after which a silent server may have hung up, so that the envelope is answered before a message is risked."""

_numbers: Final = count(1)


def _silent(*_: object) -> None:
    """Nobody listens."""


@attrs.define(eq=False)
class Connection:
    """A connection that is not open yet.

    Args:
        options: How to reach the server, secure the connection and log in.
        emit: Is told events: ``emit("log", entry)``.
        sessions: TLS sessions that connections of one transport share.
        resolver: Who knows the host's addresses, instead of the one that everybody uses.
    """

    options: SMTPOptions
    emit: Callable[..., None] = attrs.field(default=_silent, repr=False)
    sessions: TLSSessions = attrs.field(factory=TLSSessions, repr=False)
    resolver: Resolver | None = attrs.field(default=None, repr=False)
    id: str = attrs.field(factory=lambda: f"c{next(_numbers)}")
    capabilities: Capabilities = attrs.field(factory=Capabilities, repr=False)
    messages: int = 0
    opened_at: float = 0.0
    connect_time: float = 0.0
    usable: bool = False
    _wire: Wire | None = attrs.field(default=None, repr=False)
    needs_reset: bool = False
    _heard_at: float = 0.0
    _log: DialogueLog = attrs.field(init=False, repr=False)
    _patience: Patience = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        options = self.options
        self._log = DialogueLog(options.logger, self.id, options.debug, self.emit)
        self._patience = Patience(options.socket_timeout, options.final_timeout)

    # --- opening -----------------------------------------------------------------------------------------------------

    async def open(self, runtime: Runtime, deadline: float | None = None) -> None:
        """Connect, secure, introduce ourselves and log in; after an error the connection is closed.

        Args:
            runtime: Waits.
            deadline: When to give up all of it; each stage has its own bound besides.

        Raises:
            MailError: With the stage that was not passed; its outcome is never ``unknown``.
        """
        started = runtime.now()
        try:
            await self._open(runtime, deadline)
        except MailError as error:
            self.close()
            if self.options.peer not in str(error):
                error.args = (f"{self.options.peer}: {error}",)
            raise
        except BaseException:
            self.close()
            raise
        self.opened_at = self._heard_at = runtime.now()
        self.connect_time = self.opened_at - started
        self.usable = True

    async def _open(self, runtime: Runtime, deadline: float | None) -> None:
        options = self.options
        self._log.connection(f"connecting to {options.peer}")
        route = options.route if self.resolver is None else attrs.evolve(options.route, resolver=self.resolver)
        channel = await open_channel(runtime, route, deadline)
        wire = self._wire = Wire(channel, options.peer, self._log)

        def by(timeout: float) -> float:
            own = runtime.now() + timeout
            return own if deadline is None else min(own, deadline)

        greeting_deadline = by(options.greeting_timeout)
        if options.secure and not channel.secure:
            await encrypt(wire, runtime, options, greeting_deadline, self.sessions, Stage.CONNECT)
        await greet(wire, runtime, options, greeting_deadline)
        self.capabilities = await introduce(wire, runtime, options, by(options.socket_timeout))
        if wants_upgrade(wire, self.capabilities, options) and await upgrade(
            wire, runtime, options, by(options.socket_timeout), self.sessions
        ):
            # RFC 3207 4.2: what was offered in plain text is forgotten
            self.capabilities = await introduce(wire, runtime, options, by(options.socket_timeout))
        if options.auth is not None:
            await log_in(wire, runtime, options, self.capabilities, by, self.emit)
        self.sessions.keep(channel.tls_session)

    # --- sending -----------------------------------------------------------------------------------------------------

    async def send(self, runtime: Runtime, mail: Mail) -> SentMessageInfo:
        """Send one message, in as many transactions as the server's recipient limit makes necessary.

        Args:
            runtime: Waits.
            mail: The message, composed, with its envelope.

        Returns:
            What became of each recipient.

        Raises:
            MailError: Nobody got it, or nobody can say; `usable` says whether the connection may go on.
        """
        if not self.usable:
            raise ConnectionLostError(f"the connection to {self.options.peer} is closed", stage=Stage.MAIL)
        self.messages += 1
        report = Report(mail, self.id)
        waiting = mail.envelope.to
        while waiting:
            most = self.capabilities.rcptmax or len(waiting)
            batch, rest = waiting[:most], waiting[most:]
            try:
                exchange = await self._transact(runtime, mail, batch)
            except MailError as error:
                report.fail(batch + rest, error)
                break
            report.add(exchange)
            if exchange.transaction.refused and mail.message.replayable:
                overflow = exchange.transaction.overflow()
                report.forget(overflow)
                rest = overflow + rest
            waiting = rest
        return report.info()

    async def _transact(self, runtime: Runtime, mail: Mail, recipients: tuple[str, ...]) -> Exchange:
        exchange = self.exchange(runtime, mail, recipients, Line(), reset=self.needs_reset)
        try:
            await exchange.run()
        finally:
            self.rejoin(exchange, in_step=exchange.reusable)
        return exchange

    def exchange(
        self, runtime: Runtime, mail: Mail, recipients: tuple[str, ...], line: Line, *, reset: bool
    ) -> Exchange:
        """The conversation about one message, not begun yet; until `rejoin`, the connection is good for nothing else.

        Args:
            runtime: Waits.
            mail: The message.
            recipients: Those of its recipients whom it goes to.
            line: The transactions that await replies before this one.
            reset: Whether RSET goes first.

        Raises:
            MailError: The message cannot be said to this server; nothing has happened.
        """
        wire = self._wire
        if wire is None:
            raise ConnectionLostError(f"the connection to {self.options.peer} is closed", stage=Stage.MAIL)
        options = self.options
        script = write_script(
            mail,
            recipients,
            self.capabilities,
            options,
            secure=wire.channel.secure,
            reset=reset,
            fresh=self.fresh(runtime),
        )
        self.usable = False
        return Exchange(wire, runtime, script, mail, Transaction(wire.peer, options.lmtp), self._patience, line)

    def fresh(self, runtime: Runtime) -> bool:
        """Whether the server was heard of a moment ago, and nothing is left over from a refusal."""
        return runtime.now() - self._heard_at < FRESH and not self.needs_reset

    @property
    def chunks(self) -> bool:
        """Whether messages go out as BDAT (RFC 3030)."""
        return self.capabilities.chunking and self.options.chunking is not False

    def overlaps(self, runtime: Runtime) -> bool:
        """Whether a message may be begun before the one before it has ended (see `Overlap`)."""
        options = self.options
        pipelining = self.capabilities.pipelining and options.pipelining is not False
        return pipelining and not options.lmtp and self._wire is not None and self.fresh(runtime)

    def heard(self, runtime: Runtime) -> None:
        """The server has just said something that made sense."""
        self._heard_at = runtime.now()

    def rejoin(self, exchange: Exchange, *, in_step: bool) -> None:
        """The last conversation has ended; if the dialogue is `in_step`, the connection may go on."""
        self.heard(exchange.runtime)
        self.needs_reset = exchange.transaction.refusal() is not None
        self.usable = in_step
        if not in_step:
            self.close()

    # --- ending ------------------------------------------------------------------------------------------------------

    def stale(self) -> bool:
        """Whether the server hung up, or said something unasked, while the connection was idle."""
        return self._wire is None or self._wire.channel.has_input()

    async def quit(self, runtime: Runtime, deadline: float | None = None) -> None:
        """Say goodbye and close; what the server makes of it is nobody's business."""
        wire = self._wire
        try:
            if wire is not None and self.usable:
                wire.put(commands.QUIT)
                await wire.flush(runtime, deadline, Stage.FINAL)
                await wire.reply(runtime, deadline, Stage.FINAL)
        except (MailError, MailTimeoutError):
            self._log.connection("the server did not answer QUIT")
        finally:
            self.close()

    def close(self) -> None:
        """Drop the connection at once; a second call is harmless."""
        self.usable = False
        wire, self._wire = self._wire, None
        if wire is not None:
            self._log.connection("closed")
            wire.channel.close()
