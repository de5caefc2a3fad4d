"""Several messages under way on one connection: the next is begun before the last one's final reply was read.

With PIPELINING and CHUNKING whole messages go ahead (RFC 2920 3.1, RFC 3030 4.2); with PIPELINING alone the envelope
of the next one travels with the end of the last. Knows the order of things on one connection; who sends what over which
connection is not its business.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import ConnectionLostError, MailError
from pymailer.outcome import Stage
from pymailer.smtp.exchange import Exchange, Line
from pymailer.smtp.report import Report
from pymailer.smtp.script import fits_one_flight

ENVELOPES: Final = 2
"""How many are under way with PIPELINING alone: one message, and the envelope of the next, which cannot get lost."""

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.smtp.connection import Connection
    from pymailer.transport import Mail


@attrs.frozen
class Settled:
    """How one message ended: with `info`, or with `error`."""

    mail: Mail
    info: SentMessageInfo | None = None
    error: MailError | None = None


@attrs.define(eq=False)
class Overlap:
    """The messages under way on a connection that nobody else uses meanwhile.

    Attributes:
        connection: Open, and usable.
        runtime: Waits.
        depth: How many messages may be under way.
        chunks: Whether whole messages go ahead, and not only an envelope.
    """

    connection: Connection
    runtime: Runtime
    depth: int
    chunks: bool = attrs.field(init=False)
    _line: Line = attrs.field(factory=Line)
    _under_way: deque[tuple[Exchange, Report]] = attrs.field(factory=deque[tuple[Exchange, Report]])
    _written_off: MailError | None = None
    _goodbye: bool = False

    def __attrs_post_init__(self) -> None:
        self.chunks = self.connection.chunks
        if not self.chunks:
            self.depth = min(self.depth, ENVELOPES)

    def __len__(self) -> int:
        return len(self._under_way)

    def takes(self, mail: Mail) -> bool:
        """Whether `mail` can be begun now: there is room, and nothing about it needs the connection for itself."""
        if not self.room or self._written_off is not None or self._goodbye:
            return False
        if not self.connection.overlaps(self.runtime) or (self.chunks and not fits_one_flight(mail.message.size)):
            return False
        most = self.connection.capabilities.rcptmax
        return most is None or len(mail.envelope.to) <= most

    @property
    def room(self) -> bool:
        """Whether one more may be under way."""
        return len(self._under_way) < self.depth

    async def begin(self, mail: Mail) -> None:
        """Begin a message that it `takes`; what goes wrong with the connection is told when the message settles.

        Raises:
            MailError: The message cannot be said to this server; nothing of it was written.
        """
        report = Report(mail, self.connection.id)
        exchange = self._exchange(mail, mail.envelope.to)
        self.connection.messages += 1
        await self._start(exchange, report)

    def _exchange(self, mail: Mail, recipients: tuple[str, ...]) -> Exchange:
        # RSET in front: should the server refuse the one before, this one must not become a part of it.
        return self.connection.exchange(self.runtime, mail, recipients, self._line, reset=bool(self._under_way))

    async def _start(self, exchange: Exchange, report: Report) -> None:
        self._under_way.append((exchange, report))
        try:
            if exchange.script.eager:
                await exchange.launch()
            elif len(self._under_way) == 1:
                exchange.queue_envelope()
                await exchange.write(Stage.MAIL)
        except MailError as error:
            self._write_off(error)

    async def settle(self) -> Settled | None:
        """Wait for the oldest message's end; ``None`` if it goes on behind the others, with more of its recipients."""
        exchange, report = self._under_way[0]
        exchange.after_goodbye = self._goodbye
        try:
            await self._conclude(exchange)
        except MailError as error:
            report.fail(exchange.recipients, error)
        except BaseException:
            self.connection.close()
            raise
        else:
            report.add(exchange)
        finally:
            self._leave(exchange)
        if exchange.transaction.refused and await self._goes_on(exchange, report):
            return None
        try:
            return Settled(exchange.mail, info=report.info())
        except MailError as error:
            return Settled(exchange.mail, error=error)

    async def _goes_on(self, exchange: Exchange, report: Report) -> bool:
        """Whether some recipients were only too many for one transaction, and go in another (RFC 5321 4.5.3.1.10)."""
        overflow = exchange.transaction.overflow()
        if not overflow or report.error is not None or self._written_off is not None or self._goodbye:
            return False
        if not exchange.mail.message.replayable:
            return False
        report.forget(overflow)
        await self._start(self._exchange(exchange.mail, overflow), report)
        return True

    async def _conclude(self, exchange: Exchange) -> None:
        try:
            if self._written_off is not None and not isinstance(self._written_off, ConnectionLostError):
                raise self._given_up(exchange, self._written_off)
            if not exchange.script.eager and self._written_off is None:
                await self._send_message(exchange)
            await exchange.read_all()
            if exchange.outgoing.end is None and self._written_off is not None:
                raise self._given_up(exchange, self._written_off)
        except MailError as error:
            self._write_off(error)
            raise await exchange.verdict(error)  # noqa: B904 - the verdict has the cause that belongs to it
        exchange.check()

    async def _send_message(self, exchange: Exchange) -> None:
        """The end of this message, and in the same flight the envelope of the next."""
        await exchange.read_all()
        if exchange.transaction.lost_step:  # nobody knows what the server would take our next words for
            return
        await exchange.queue_message()
        if len(self._under_way) > 1:
            self._under_way[1][0].queue_envelope()
        await exchange.write(Stage.BODY)

    def _given_up(self, exchange: Exchange, why: MailError) -> ConnectionLostError:
        """What happened to another message and ended the connection, as this one sees it: at its own stage."""
        stage = exchange.transaction.awaited or Stage.MAIL
        error = ConnectionLostError(f"the connection to {exchange.wire.peer} was given up: {why}", stage=stage)
        error.__cause__ = why
        return error

    def _write_off(self, error: MailError) -> None:
        """Nothing more can be said on this connection; what was, may still be answered."""
        self._written_off = self._written_off or error

    def _leave(self, exchange: Exchange) -> None:
        self._under_way.popleft()
        self.connection.heard(self.runtime)
        self._goodbye |= exchange.transaction.dismissed
        if not exchange.in_step and not exchange.transaction.dismissed:
            self._write_off(exchange.wire.lost(exchange.transaction.stage))
        if not self._under_way:
            self.connection.rejoin(exchange, in_step=self._written_off is None and exchange.reusable)
