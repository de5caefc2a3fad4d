"""Several messages under way on one connection: the next is begun before the last one's final reply was read.

With PIPELINING and CHUNKING whole messages go ahead (RFC 2920 3.1, RFC 3030 4.2); with PIPELINING alone the envelope
of the next one travels with the end of the last. Knows the order of things on one connection; who sends what over which
connection is not its business.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

from pymailer.errors import ConnectionLostError, MailError
from pymailer.outcome import Stage
from pymailer.smtp.exchange import Exchange, Line
from pymailer.smtp.report import Report
from pymailer.smtp.script import fits_one_flight

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
    """

    connection: Connection
    runtime: Runtime
    depth: int
    _line: Line = attrs.field(factory=Line)
    _under_way: deque[Exchange] = attrs.field(factory=deque[Exchange])
    _written_off: MailError | None = None
    _goodbye: bool = False

    def __len__(self) -> int:
        return len(self._under_way)

    def takes(self, mail: Mail) -> bool:
        """Whether `mail` can be begun now: there is room, and nothing about it needs the connection for itself."""
        connection, capabilities = self.connection, self.connection.capabilities
        if self._written_off is not None or self._goodbye or not connection.overlaps(self.runtime):
            return False
        if connection.chunks and not fits_one_flight(mail.message.size):
            return False
        room = self.depth if connection.chunks else min(self.depth, 2)
        most = capabilities.rcptmax or len(mail.envelope.to)
        return len(self._under_way) < room and len(mail.envelope.to) <= most

    async def begin(self, mail: Mail) -> None:
        """Begin a message that it `takes`; what goes wrong with the connection is told when the message settles.

        Raises:
            MailError: The message cannot be said to this server; nothing of it was written.
        """
        # RSET in front: should the server refuse the one before, this one must not become a part of it.
        exchange = self.connection.exchange(
            self.runtime, mail, mail.envelope.to, self._line, reset=bool(self._under_way)
        )
        self.connection.messages += 1
        self._under_way.append(exchange)
        try:
            if exchange.script.eager:
                await exchange.launch()
            elif len(self._under_way) == 1:
                exchange.queue_envelope()
                await exchange.write(Stage.MAIL)
        except MailError as error:
            self._write_off(error)

    async def settle(self) -> Settled:
        """Wait for the oldest message's end."""
        exchange = self._under_way[0]
        exchange.after_goodbye = self._goodbye
        try:
            await self._conclude(exchange)
        except MailError as error:
            return Settled(exchange.mail, error=error)
        except BaseException:
            self.connection.close()
            raise
        finally:
            self._leave(exchange)
        report = Report(exchange.mail, self.connection.id)
        report.add(exchange)
        return Settled(exchange.mail, info=report.info())

    async def _conclude(self, exchange: Exchange) -> None:
        try:
            if self._written_off is not None and not isinstance(self._written_off, ConnectionLostError):
                raise self._written_off
            if not exchange.script.eager and self._written_off is None:
                await self._send_message(exchange)
            await exchange.read_all()
            if exchange.outgoing.end is None and self._written_off is not None:
                raise self._written_off
        except MailError as error:
            self._write_off(error)
            raise await exchange.verdict(error)  # noqa: B904 - the verdict has the cause that belongs to it
        exchange.check()

    async def _send_message(self, exchange: Exchange) -> None:
        """The end of this message, and in the same flight the envelope of the next."""
        await exchange.read_all()
        await exchange.queue_message()
        if len(self._under_way) > 1:
            self._under_way[1].queue_envelope()
        await exchange.write(Stage.BODY)

    def _write_off(self, error: MailError) -> None:
        """Nothing more can be said on this connection; what was, may still be answered."""
        self._written_off = self._written_off or error

    def _leave(self, exchange: Exchange) -> None:
        self._under_way.popleft()
        self._goodbye |= exchange.transaction.dismissed
        if not exchange.in_step and not exchange.transaction.dismissed:
            self._write_off(exchange.wire.lost(exchange.transaction.stage))
        if not self._under_way:
            self.connection.rejoin(exchange, in_step=self._written_off is None and exchange.reusable)
