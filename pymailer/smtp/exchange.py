"""One transaction over one wire: what is written when, and the answer to "was it sent?".

The plan (which commands, in how many flights) follows from the server's capabilities; what the replies add up to is
`Transaction`'s business. Here, and only here, the outcome of a broken exchange is decided: by whether the kernel was
given the message's last octet, and by the replies that were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import DeliveryUnknownError, MailError, MessageError
from pymailer.outcome import Outcome, Reply, Stage
from pymailer.smtp import commands
from pymailer.smtp.data import LONE_DOT, DotStuffer
from pymailer.smtp.transaction import RSET, Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pymailer.runtime import Runtime
    from pymailer.smtp.wire import Wire
    from pymailer.transport import Mail

FLIGHT: Final = 65_536
"""Octets of the message that are gathered before they are written."""
GOODBYE: Final = 1.0
"""Seconds for a server to hang up after it said that it will."""
ONE_FLIGHT_LIMIT: Final = 1_048_576
"""Octets up to which a message is sent before its recipients are known to be good: a round trip against the octets."""


@attrs.frozen
class Script:
    """The command lines of one transaction, and how they may be grouped.

    Attributes:
        mail: The MAIL line.
        recipients: Each recipient with its RCPT line.
        reset: Whether RSET goes first, after a transaction that did not end well.
        pipelining: Whether commands may go together (RFC 2920).
        chunking: Whether the message goes in BDAT chunks (RFC 3030).
        eager: Whether envelope and message may go together: the server was heard of a moment ago.
    """

    mail: bytes
    recipients: tuple[tuple[str, bytes], ...]
    reset: bool
    pipelining: bool
    chunking: bool
    eager: bool


@attrs.define(eq=False)
class Exchange:
    """The conversation about one message.

    Attributes:
        wire: The dialogue it is part of.
        runtime: What it waits through.
        script: What it says.
        mail: The message.
        transaction: What it has heard.
        step_timeout: Seconds for one reply or one write.
        final_timeout: Seconds for the reply to the end of the message.
    """

    wire: Wire
    runtime: Runtime
    script: Script
    mail: Mail
    transaction: Transaction
    step_timeout: float
    final_timeout: float
    size: int = 0
    envelope_time: float = 0.0
    message_time: float = 0.0
    _started: float = 0.0
    _end: int | None = None

    async def run(self) -> None:
        """Carry the message over, or raise what says why not and whether it was sent.

        Raises:
            MailError: With its outcome; the transaction says whether the connection can go on.
        """
        self._started = self.runtime.now()
        try:
            await self._converse()
        except MailError as error:
            verdict = await self._verdict(error)
            raise verdict from (error if verdict is not error else error.__cause__)
        except BaseException:
            self.mail.outcome = Outcome.UNKNOWN if self._maybe_delivered() else Outcome.NOT_SENT
            raise
        if self.transaction.contradicted is not None:
            raise self._contradiction()
        refusal = self.transaction.refusal()
        if refusal is not None:
            raise refusal

    async def _converse(self) -> None:
        if self.script.eager and self._fits_one_flight():
            self._queue_envelope()
            await self._write_chunks()
        else:
            await self._envelope()
            await self._message()
        await self._read_all()
        now = self.runtime.now()
        self._mark_envelope_done(now)
        self.message_time = now - self._started - self.envelope_time

    def _fits_one_flight(self) -> bool:
        size = self.mail.message.size
        return size is not None and size <= ONE_FLIGHT_LIMIT

    # --- the envelope ------------------------------------------------------------------------------------------------

    def _queue_envelope(self) -> None:
        if self.script.reset:
            self._say(commands.RSET, Stage.MAIL, RSET)
        self._say(self.script.mail, Stage.MAIL)
        for recipient, line in self.script.recipients:
            self._say(line, Stage.RCPT, recipient)

    def _say(self, line: bytes, stage: Stage, about: str | None = None) -> None:
        self.wire.put(line)
        self.transaction.expect(stage, about)

    async def _envelope(self) -> None:
        """Everything up to the server's "go ahead"; several flights where the server takes one command at a time."""
        if self.script.pipelining:
            self._queue_envelope()
            if not self.script.chunking:
                self._say(commands.DATA, Stage.DATA)
            await self._write(Stage.MAIL)
            await self._read_all()
            return
        if self.script.reset:
            await self._ask(commands.RSET, Stage.MAIL, RSET)
        await self._ask(self.script.mail, Stage.MAIL)
        for recipient, line in self.script.recipients:
            if self.transaction.fatal is None:
                await self._ask(line, Stage.RCPT, recipient)
        if not self.transaction.hopeless and not self.script.chunking:
            await self._ask(commands.DATA, Stage.DATA)

    async def _ask(self, line: bytes, stage: Stage, about: str | None = None) -> None:
        if self.transaction.fatal is None:
            self._say(line, stage, about)
            await self._write(stage)
            await self._read_all()

    # --- the message -------------------------------------------------------------------------------------------------

    async def _message(self) -> None:
        self._mark_envelope_done(self.runtime.now())
        if not self.transaction.hopeless:
            await (self._write_chunks() if self.script.chunking else self._write_data())
        elif self.transaction.go_ahead and not self.transaction.dismissed:
            # Nobody wants it, yet the server waits for it: an empty message is refused, and the dialogue goes on.
            self._say(LONE_DOT, Stage.FINAL)
            await self._write(Stage.FINAL)

    async def _write_data(self) -> None:
        """The message after DATA: dots stuffed, ended by a dot (RFC 5321 4.1.1.4)."""
        stuffer = DotStuffer()
        self.transaction.expect(Stage.FINAL)
        waiting = 0
        async for chunk in self._chunks():
            self.wire.put_body(stuffer.feed(chunk))
            waiting += len(chunk)
            if waiting >= FLIGHT:
                waiting = 0
                if not await self._write_part():
                    return
        self.wire.put_body(stuffer.end())
        await self._complete_message()

    async def _write_chunks(self) -> None:
        """The message as BDAT: one chunk where its size is known, else one for each piece (RFC 3030 2)."""
        size = self.mail.message.size
        if size is None:
            await self._write_unsized()
            return
        self._say(commands.bdat(size, last=True), Stage.FINAL)
        waiting = 0
        async for chunk in self._chunks():
            if self.size > size:
                break
            self.wire.put_body(chunk)
            waiting += len(chunk)
            if waiting >= FLIGHT and self.size < size:
                waiting = 0
                if not await self._write(Stage.BODY):
                    return None
        if self.size != size:
            raise MessageError(
                f"the message turned out to have {self.size} octets, not {size}: its content changed while it was sent",
                code="ESTREAM",
                stage=Stage.BODY,
            )
        await self._complete_message()

    async def _write_unsized(self) -> None:
        """Always one piece behind, so that the last one can be said to be the last."""
        held: bytes | None = None
        async for chunk in self._chunks():
            if held is not None:
                self._say(commands.bdat(len(held), last=False), Stage.BODY)
                self.wire.put_body(held)
                if not await self._write_part():
                    return
            held = chunk
        held = held or b""
        self._say(commands.bdat(len(held), last=True), Stage.FINAL)
        self.wire.put_body(held)
        await self._complete_message()

    async def _complete_message(self) -> None:
        """Hand over what is left; from here on the message may be delivered."""
        self._end = self.wire.channel.queued
        if self.wire.log.on:
            self.wire.log.client(f"<message of {self.size} octets>")
        await self._write(Stage.BODY)

    async def _chunks(self) -> AsyncIterator[bytes]:
        """The message's pieces; what its source raises ends the message, never with an end that looks regular."""
        try:
            async for chunk in self.mail.message.chunks(self.runtime):
                self.size += len(chunk)
                yield chunk
        except MailError as error:
            error.stage = error.stage or Stage.BODY
            raise
        except Exception as error:
            raise MessageError(
                f"the message's content could not be read to its end: {error}", code="ESTREAM", stage=Stage.BODY
            ) from error

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _by(self, timeout: float) -> float:
        deadline = self.runtime.now() + timeout
        return deadline if self.mail.deadline is None else min(deadline, self.mail.deadline)

    async def _write(self, stage: Stage) -> bool:
        """Flush what is queued; ``False`` if the server ended that early by what it said."""
        return await self.wire.flush(self.runtime, self._by(self.step_timeout), stage, self._hear) or self._stop(stage)

    async def _write_part(self) -> bool:
        """Flush a part of the message, and look whether the server said something even if the kernel took it all."""
        if not await self._write(Stage.BODY):
            return False
        if not self.wire.channel.has_input():
            return True
        deadline = self._by(self.step_timeout)
        return await self.wire.listen(self.runtime, deadline, Stage.BODY, self._hear) or self._stop(Stage.BODY)

    def _stop(self, stage: Stage) -> bool:
        """The writing ended early: by a refusal, or because the server hung up."""
        if self.transaction.refusal() is None:
            raise self.wire.lost(stage)
        return False

    def _hear(self, reply: Reply) -> bool:
        """A reply while octets of ours are unsent: is it any use to go on?"""
        transaction = self.transaction
        if transaction.awaited is None:
            raise self.wire.nonsense(Stage.BODY, reply, "silence")
        early = transaction.awaited is Stage.FINAL
        if early and reply.positive:
            raise self.wire.nonsense(Stage.BODY, reply, "the end of the message")
        transaction.take(reply)
        return early or transaction.dismissed

    async def _read_all(self) -> None:
        """Read until every reply that is awaited has come."""
        transaction = self.transaction
        while (stage := transaction.awaited) is not None:
            if stage is Stage.FINAL:
                self._mark_envelope_done(self.runtime.now())
            timeout = self.final_timeout if stage is Stage.FINAL else self.step_timeout
            if transaction.dismissed:  # after a 421 the server hangs up; should it say more, we hear it
                timeout = min(timeout, GOODBYE)
            transaction.take(await self.wire.reply(self.runtime, self._by(timeout), stage))

    def _mark_envelope_done(self, now: float) -> None:
        if not self.envelope_time:
            self.envelope_time = now - self._started

    # --- the verdict -------------------------------------------------------------------------------------------------

    def _maybe_delivered(self) -> bool:
        """Whether the server may have the whole message: the kernel was given its last octet."""
        return self._end is not None and self.wire.channel.unsent == 0 and not self.transaction.hopeless

    async def _verdict(self, error: MailError) -> MailError:
        refusal = self.transaction.refusal()
        if refusal is not None and not isinstance(error, MessageError):
            return refusal
        if not self._maybe_delivered() or await self._came_too_late():
            return error
        return self._unknown(f"no final reply was read ({error})")

    async def _came_too_late(self) -> bool:
        """Whether the server had closed before the end of the message reached it; then nobody there has read it."""
        return self.wire.channel.queued == self._end and await self.wire.closed_before_reading(self.runtime)

    def _unknown(self, why: str) -> DeliveryUnknownError:
        unknown = DeliveryUnknownError(
            f"{self.wire.peer} was given the whole message and {why}; it may or may not be delivered",
            stage=Stage.FINAL,
        )
        unknown.accepted = tuple(self.transaction.confirmed)
        unknown.rejected = tuple(e.recipient for e in self.transaction.refused if e.recipient)
        return unknown

    def _contradiction(self) -> DeliveryUnknownError:
        unknown = self._unknown(f"took it ({self.transaction.contradicted}) after it had refused the envelope")
        unknown.__cause__ = self.transaction.fatal
        return unknown

    @property
    def reusable(self) -> bool:
        """Whether the dialogue is in step: every command was answered, nothing more, and no goodbye was said."""
        transaction, wire = self.transaction, self.wire
        whole = transaction.awaited is None and not wire.channel.unsent and not wire.parser.pending
        return whole and not transaction.dismissed and not transaction.lost_step
