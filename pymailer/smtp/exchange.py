"""One transaction over one wire: what is written when, and the answer to "was it sent?".

Which commands go in how many flights is the script's to say; what the replies add up to is the transaction's. Here,
and only here, the outcome of a broken exchange is decided: by whether the kernel was given the message's last octet,
and by the replies that were read.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import ConnectionLostError, DeliveryUnknownError, MailError, MessageError
from pymailer.outcome import Outcome, Reply, Stage
from pymailer.smtp.data import LONE_DOT
from pymailer.smtp.outgoing import Outgoing
from pymailer.smtp.transaction import Transaction

if TYPE_CHECKING:
    from pymailer.runtime import Runtime
    from pymailer.smtp.script import Script
    from pymailer.smtp.wire import Wire
    from pymailer.transport import Mail

GOODBYE: Final = 1.0
"""Seconds for a server to hang up after it said that it will."""

Line = deque[Transaction]
"""The transactions that await replies on one wire, oldest first: replies come in the order of the commands."""


@attrs.frozen
class Patience:
    """How long a server may take, in seconds.

    Attributes:
        step: For one reply, or one write.
        final: For the reply to the end of the message.
    """

    step: float
    final: float


@attrs.define(eq=False)
class Exchange:
    """The conversation about one message.

    Attributes:
        wire: The dialogue it is part of.
        runtime: What it waits through.
        script: What it says.
        mail: The message.
        transaction: What it has heard.
        patience: How long the server may take.
        line: The transactions that await replies before this one, and itself.
        after_goodbye: Whether the server said 421 to one before: it carries out nothing that came later.
    """

    wire: Wire
    runtime: Runtime
    script: Script
    mail: Mail
    transaction: Transaction
    patience: Patience
    line: Line = attrs.field(factory=Line)
    envelope_time: float = 0.0
    message_time: float = 0.0
    after_goodbye: bool = False
    outgoing: Outgoing = attrs.field(init=False)
    _started: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._started = self.runtime.now()
        self.outgoing = Outgoing(self.mail.message, self.wire, self.transaction)
        self.line.append(self.transaction)

    async def run(self) -> None:
        """Carry the message over, or raise what says why not and whether it was sent.

        Raises:
            MailError: With its outcome; the transaction says whether the connection can go on.
        """
        try:
            if self.script.eager:
                await self.launch()
            else:
                await self._envelope()
                await self._message()
            await self.read_all()
        except MailError as error:
            raise await self.verdict(error)  # noqa: B904 - the verdict has the cause that belongs to it
        except BaseException:
            self.mail.outcome = Outcome.UNKNOWN if self._maybe_delivered() else Outcome.NOT_SENT
            raise
        self.check()

    @property
    def recipients(self) -> tuple[str, ...]:
        """Those whom this transaction is for."""
        return tuple([about for stage, about in self.script.expected if stage is Stage.RCPT and about is not None])

    def check(self) -> None:
        """Raise what the replies say, unless it is that somebody got the message.

        Raises:
            MailError: Nobody got it, or the server contradicts itself.
        """
        now = self.runtime.now()
        self._mark_envelope_done(now)
        self.message_time = now - self._started - self.envelope_time
        if self.transaction.contradicted is not None:
            raise self._contradiction()
        refusal = self.transaction.refusal()
        if refusal is not None:
            raise refusal

    # --- writing -----------------------------------------------------------------------------------------------------

    async def launch(self) -> None:
        """Envelope and message in one flight (RFC 3030 4.2)."""
        self.queue_envelope()
        if not self._put_body():
            await self._stream_body()
        await self.write(Stage.BODY)

    def queue_envelope(self) -> None:
        """Everything up to where the server has to say "go ahead"."""
        self.wire.put(*self.script.lines)
        self.transaction.expect_all(self.script.expected)

    def _say(self, line: bytes, stage: Stage, about: str | None = None) -> None:
        self.wire.put(line)
        self.transaction.expect(stage, about)

    async def _envelope(self) -> None:
        """The envelope in one flight, or one command at a time where the server wants that."""
        if self.script.pipelining:
            self.queue_envelope()
            await self.write(Stage.MAIL)
            await self.read_all()
            return
        transaction = self.transaction
        for line, (stage, about) in zip(self.script.lines, self.script.expected, strict=True):
            if transaction.fatal is not None or (stage is Stage.DATA and transaction.hopeless):
                return
            self._say(line, stage, about)
            await self.write(stage)
            await self.read_all()

    async def _message(self) -> None:
        await self.queue_message()
        await self.write(Stage.BODY)

    async def queue_message(self) -> None:
        """The message, if anybody wants it; its last part is not flushed yet."""
        self._mark_envelope_done(self.runtime.now())
        if not self.transaction.hopeless:
            if not self._put_body():
                await self._stream_body()
        elif self.transaction.go_ahead and not self.transaction.dismissed:
            # Nobody wants it, yet the server waits for it: an empty message is refused, and the dialogue goes on.
            self._say(LONE_DOT, Stage.FINAL)

    def _put_body(self) -> bool:
        return self.outgoing.put_whole(self.script.size, chunking=self.script.chunking)

    async def _stream_body(self) -> None:
        write = self.outgoing.as_chunks if self.script.chunking else self.outgoing.as_data
        await write(self.runtime, self._write_part)

    async def write(self, stage: Stage) -> bool:
        """Flush what is queued; ``False`` if the server ended that early by what it said."""
        return await self.wire.flush(self.runtime, self._by(self.patience.step), stage, self._hear) or self._stop(stage)

    async def _write_part(self) -> bool:
        """Flush a part of the message, and look whether the server said something even if the kernel took it all."""
        if not await self.write(Stage.BODY):
            return False
        if not self.wire.channel.has_input():
            return True
        deadline = self._by(self.patience.step)
        return await self.wire.listen(self.runtime, deadline, Stage.BODY, self._hear) or self._stop(Stage.BODY)

    def _stop(self, stage: Stage) -> bool:
        """The writing ended early: by a refusal, or because the server hung up."""
        if self.transaction.refusal() is None:
            raise self.wire.lost(stage)
        return False

    # --- reading -----------------------------------------------------------------------------------------------------

    def _by(self, timeout: float) -> float:
        deadline = self.runtime.now() + timeout
        return deadline if self.mail.deadline is None else min(deadline, self.mail.deadline)

    def _asked(self) -> Transaction | None:
        """Whom the next reply is for."""
        line, own = self.line, self.transaction
        while line and not line[0].expected and line[0] is not own:
            line.popleft()
        return line[0] if line and line[0].expected else None

    def _hear(self, reply: Reply) -> bool:
        """A reply while octets of ours are unsent: is it any use to go on?"""
        asked = self._asked()
        if asked is None:
            raise self.wire.nonsense(Stage.BODY, reply, "silence")
        early = asked is self.transaction and asked.awaited is Stage.FINAL
        if early and reply.positive:
            raise self.wire.nonsense(Stage.BODY, reply, "the end of the message")
        asked.take(reply)
        return early or asked.dismissed

    async def read_all(self) -> None:
        """Read until every reply that this transaction awaits has come."""
        transaction = self.transaction
        while (stage := transaction.awaited) is not None:
            if stage is Stage.FINAL and not self.envelope_time:
                self._mark_envelope_done(self.runtime.now())
            reply = self.wire.heard(stage)
            if reply is None:
                reply = await self.wire.read_reply(self.runtime, self._by(self._patience(stage)), stage)
            (self._asked() or transaction).take(reply)

    def _patience(self, stage: Stage) -> float:
        timeout = self.patience.final if stage is Stage.FINAL else self.patience.step
        # After a 421 the server hangs up; should it say more, we hear it.
        return min(timeout, GOODBYE) if self.transaction.dismissed else timeout

    def _mark_envelope_done(self, now: float) -> None:
        if not self.envelope_time:
            self.envelope_time = now - self._started

    # --- the verdict -------------------------------------------------------------------------------------------------

    def _maybe_delivered(self) -> bool:
        return self.outgoing.handed_over and not self.transaction.hopeless and not self.after_goodbye

    async def verdict(self, error: MailError) -> MailError:
        """What `error` means for this message: a refusal that came before it, not sent, or nobody knows."""
        refusal = self.transaction.refusal()
        if refusal is not None and not isinstance(error, MessageError):
            return refusal
        if not self._maybe_delivered():
            return error
        if isinstance(error, ConnectionLostError) and await self.outgoing.came_too_late(self.runtime):
            return error
        unknown = self._unknown(f"no final reply was read ({error})")
        unknown.__cause__ = error
        return unknown

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
    def in_step(self) -> bool:
        """Whether every command was answered, in a way that fits, and no goodbye was said."""
        transaction = self.transaction
        return not transaction.expected and not transaction.dismissed and not transaction.lost_step

    @property
    def reusable(self) -> bool:
        """Whether the connection can go on after it: in step, with nothing left unsaid or unheard."""
        return self.in_step and not self.wire.channel.unsent and self.wire.parser.empty
