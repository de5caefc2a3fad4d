"""The message itself on its way out: after DATA with its dots stuffed (RFC 5321 4.5.2), or in BDAT chunks (RFC 3030).

Knows how each form is framed and that a message whose source gives out must never end as if it were whole. Who reads
the replies, and what they mean, is not its business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import MailError, MessageError
from pymailer.outcome import Stage
from pymailer.smtp import commands
from pymailer.smtp.data import DotStuffer
from pymailer.smtp.script import fits_one_flight

if TYPE_CHECKING:
    from pymailer.message.composed import ComposedMessage
    from pymailer.runtime import Runtime
    from pymailer.smtp.transaction import Transaction
    from pymailer.smtp.wire import Wire

FLIGHT: Final = 65_536
"""Octets of the message that are gathered before they are written."""

Flush = Callable[[], Awaitable[bool]]
"""Writes what is queued so far; ``False`` if the server has ended that."""


@attrs.define(eq=False)
class Outgoing:
    """One message being written.

    It does not hold what flushes: that would be a cycle, and keep each message in memory until garbage is collected.

    Attributes:
        message: What is written.
        wire: Where to.
        transaction: Is told which replies will come.
        size: Octets of the message so far, before dot-stuffing.
        end: The wire's count of octets at the end of the message, once that is queued.
    """

    message: ComposedMessage
    wire: Wire
    transaction: Transaction
    size: int = 0
    end: int | None = None

    def put_whole(self, size: int | None, *, chunking: bool) -> bool:
        """Queue all of a message that is in memory and short enough for one flight, as nearly all are; whether it was.

        Args:
            size: The message's octets, if they are known.
            chunking: Whether as BDAT rather than after DATA.
        """
        pieces = self.message.at_hand if fits_one_flight(size) else None
        if size is None or pieces is None:
            return False
        framed = (self._bdat(size, last=True), *pieces) if chunking else self._dotted(pieces)
        # One piece for the kernel where copying it is the least of all costs.
        for piece in (b"".join(framed),) if size <= FLIGHT else framed:
            self.wire.put_body(piece)
        self.size = size
        self._ended()
        return True

    def _dotted(self, pieces: Iterable[bytes]) -> Sequence[bytes]:
        """A whole message as DATA carries it, whose reply is awaited from here on."""
        stuffer = DotStuffer()
        self.transaction.expect(Stage.FINAL)
        return (*map(stuffer.feed, pieces), stuffer.end())

    async def as_data(self, runtime: Runtime, flush: Flush) -> None:
        """Queue the message and the dot that ends it; all but the last part of it is flushed on the way."""
        stuffer, waiting = DotStuffer(), 0
        self.transaction.expect(Stage.FINAL)
        async for chunk in self._chunks(runtime):
            self.wire.put_body(stuffer.feed(chunk))
            waiting += len(chunk)
            if waiting >= FLIGHT:
                waiting = 0
                if not await flush():
                    return
        self.wire.put_body(stuffer.end())
        self._ended()

    async def as_chunks(self, runtime: Runtime, flush: Flush) -> None:
        """Queue the message as BDAT: one chunk where its size is known, else one for each piece."""
        size = self.message.size
        await (self._unsized(runtime, flush) if size is None else self._sized(runtime, flush, size))

    async def _sized(self, runtime: Runtime, flush: Flush, size: int) -> None:
        self.wire.put_body(self._bdat(size, last=True))
        waiting = 0
        async for chunk in self._chunks(runtime):
            if self.size > size:
                break
            self.wire.put_body(chunk)
            waiting += len(chunk)
            if waiting >= FLIGHT and self.size < size:
                waiting = 0
                if not await flush():
                    return
        if self.size != size:
            raise MessageError(
                f"the message turned out to have {self.size} octets, not {size}: its content changed while it was sent",
                code="ESTREAM",
                stage=Stage.BODY,
            )
        self._ended()

    async def _unsized(self, runtime: Runtime, flush: Flush) -> None:
        """Always one piece behind, so that the last one can be said to be the last."""
        held: bytes | None = None
        async for chunk in self._chunks(runtime):
            if held is not None:
                self.wire.put_body(self._bdat(len(held), last=False))
                self.wire.put_body(held)
                if not await flush():
                    return
            held = chunk
        held = held or b""
        self.wire.put_body(self._bdat(len(held), last=True))
        self.wire.put_body(held)
        self._ended()

    def _bdat(self, size: int, *, last: bool) -> bytes:
        """The command before a chunk, whose reply is awaited from here on."""
        line = commands.bdat(size, last=last)
        if self.wire.log.on:
            self.wire.log.command(line)
        self.transaction.expect(Stage.FINAL if last else Stage.BODY)
        return line

    def _ended(self) -> None:
        self.end = self.wire.channel.queued
        if self.wire.log.on:
            self.wire.log.client(f"<message of {self.size} octets>")

    async def _chunks(self, runtime: Runtime) -> AsyncIterator[bytes]:
        """The message's pieces; what its source raises ends the message."""
        try:
            async for chunk in self.message.chunks(runtime):
                self.size += len(chunk)
                yield chunk
        except MailError as error:
            error.stage = error.stage or Stage.BODY
            raise
        except Exception as error:
            raise MessageError(
                f"the message's content could not be read to its end: {error}", code="ESTREAM", stage=Stage.BODY
            ) from error

    @property
    def handed_over(self) -> bool:
        """Whether the kernel was given the message's last octet, so that the server may have all of it."""
        channel = self.wire.channel
        return self.end is not None and channel.queued - channel.unsent >= self.end

    async def came_too_late(self, runtime: Runtime) -> bool:
        """Whether the server had closed before the end of the message reached it; then nobody there has read it."""
        return self.wire.channel.queued == self.end and await self.wire.closed_before_reading(runtime)
