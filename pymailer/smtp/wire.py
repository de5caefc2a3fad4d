"""One end of an SMTP dialogue: lines out, replies in, each by its deadline, each in the log with no secret in it.

Turns what sockets and parsers raise into typed errors that name the peer and the stage. Knows nothing of what the
lines mean.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import ConnectionLostError, MailTimeoutError, ProtocolError, TLSError
from pymailer.net.tls_failures import alert_reason
from pymailer.outcome import Reply, Stage
from pymailer.secret import Secret
from pymailer.smtp.replies import ReplyParser

if TYPE_CHECKING:
    from pymailer.net.channel import Channel
    from pymailer.runtime import Runtime
    from pymailer.smtp.dialogue_log import DialogueLog

Heard = Callable[[Reply], bool]
"""Told each reply that comes while we are still writing; ``True`` means: stop writing."""

_RESET_PATIENCE: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds between looks for a reset, which comes a round trip after the octets that it answers."""

_SHORTEST_SECRET: Final = 4
"""Characters of base64 that can stand for anything worth hiding; shorter ones are part of ordinary words."""

_FIRST_STAGES: Final = (Stage.GREETING, Stage.EHLO)
"""Where the server's verdict on our certificate is read."""

_WAITING_FOR: Final = {
    Stage.GREETING: "greet us",
    Stage.EHLO: "answer EHLO",
    Stage.STARTTLS: "answer STARTTLS",
    Stage.AUTH: "answer AUTH",
    Stage.MAIL: "answer MAIL",
    Stage.RCPT: "answer RCPT",
    Stage.DATA: "answer DATA",
    Stage.BODY: "take the message",
    Stage.FINAL: "confirm the message",
}


class Wire:
    """A channel with a reply parser behind it and a log beside it."""

    def __init__(self, channel: Channel, peer: str, log: DialogueLog) -> None:
        self.channel = channel
        self.peer = peer
        self.log = log
        self.parser: ReplyParser = ReplyParser()
        self.put_body: Callable[[bytes], None] = channel.queue
        """Adds a piece of the message to the next flight."""
        self._ended = False
        self._broken_by = 0
        self._unsaid: Secret[str] | None = None  # what the last line has hidden

    def put(self, *lines: bytes) -> None:
        """Add lines to the next flight, none of which holds a secret."""
        if self.log.on:
            for line in lines:
                self.log.command(line)
        self._unsaid = None
        self.channel.queue(b"".join(lines))

    def put_secret(self, line: bytes, shown: str) -> None:
        """Add a line that holds a secret to the next flight; `shown` stands for it in the log."""
        if self.log.on:
            self.log.client(shown)
        self.channel.queue(line)
        if line.strip():  # an answer may be empty; what was hidden before it stays so
            self._unsaid = Secret(line.split()[-1].decode())

    async def flush(self, runtime: Runtime, deadline: float | None, stage: Stage, heard: Heard | None = None) -> bool:
        """Hand everything queued to the kernel; replies that come meanwhile go to `heard`.

        Returns:
            ``False`` if the server's words ended the writing early.

        Raises:
            ConnectionLostError: The connection broke; what the server said before was given to `heard`.
            MailTimeoutError: `deadline` passed with octets unsent.
            ProtocolError: The server sent what is no reply.
        """
        try:
            told = None if heard is None else partial(self._hear, heard, stage)
            return await self.channel.flush(runtime, deadline, told)
        except TimeoutError as error:
            raise self._timeout(stage) from error
        except OSError as error:
            self._ended = True
            raise self._broken(error, stage) from error

    async def listen(self, runtime: Runtime, deadline: float | None, stage: Stage, heard: Heard) -> bool:
        """Tell `heard` what the server says now; ``False`` if that, or its hanging up, ends the writing."""
        try:
            return not self._hear(heard, stage, await self.channel.read(runtime, deadline))
        except OSError as error:
            self._ended = True
            raise self.lost(stage) from error

    def _hear(self, heard: Heard, stage: Stage, data: bytes) -> bool:
        """Tell `heard` what the server says while we write; whether to stop."""
        if not data:
            self._ended = True
            return True
        self._feed(data, stage)
        return self._tell(heard, stage)

    def _feed(self, data: bytes, stage: Stage) -> None:
        try:
            self.parser.feed(data)
        except ProtocolError as error:
            raise ProtocolError(f"{self.peer}: {error}", stage=stage) from error

    def _tell(self, heard: Heard, stage: Stage) -> bool:
        stop = False
        while (reply := self.heard(stage)) is not None:
            stop = heard(reply) or stop
        return stop

    async def reply(self, runtime: Runtime, deadline: float | None, stage: Stage) -> Reply:
        """The server's next reply.

        Raises: as `read_reply`.
        """
        return self.heard(stage) or await self.read_reply(runtime, deadline, stage)

    async def read_reply(self, runtime: Runtime, deadline: float | None, stage: Stage) -> Reply:
        """The server's next reply, when nothing of it was `heard`.

        Raises:
            ConnectionLostError: It hung up instead.
            TLSError: It hung up because of our certificate, or for want of one.
            MailTimeoutError: No complete reply came by `deadline`.
            ProtocolError: What came is no reply.
        """
        while not self._ended:
            try:
                data = await self.channel.read(runtime, deadline)
            except TimeoutError as error:
                raise self._timeout(stage) from error
            except OSError as error:
                self._broken_by = error.errno or 0
                raise self._broken(error, stage) from error
            self._ended = not data
            self._feed(data, stage)
            if (reply := self.heard(stage)) is not None:
                return reply
        raise self.lost(stage)

    async def closed_before_reading(self, runtime: Runtime) -> bool:
        """Whether the last octets we sent found the server's side closed, so that nobody there has read them.

        A server that closes (FIN) and is sent more answers with a reset; Linux reports that order, and only that order,
        as EPIPE. Other systems do not tell, and then nothing is proved.
        """
        for pause in _RESET_PATIENCE:
            error = self._broken_by or self.channel.pending_error()
            if error:
                return error == errno.EPIPE
            await runtime.sleep(pause)
        return False

    def heard(self, stage: Stage) -> Reply | None:
        """The next reply, if all of it was read already.

        Raises:
            ProtocolError: What was read is no reply.
        """
        try:
            reply = self.parser.next()
        except ProtocolError as error:
            raise ProtocolError(f"{self.peer}: {error}", stage=stage) from error
        if reply is None:
            return None
        if self._unsaid is not None:
            reply = _without(reply, self._unsaid)
        if self.log.on:
            self.log.server(reply)
        return reply

    def reset_parser(self) -> None:
        """Forget everything read so far: what follows comes from another layer (RFC 3207 4.2)."""
        self.parser = ReplyParser()

    def lost(self, stage: Stage) -> ConnectionLostError:
        """The error for a peer that hung up at `stage`."""
        wanted = _WAITING_FOR.get(stage, "answer")
        return ConnectionLostError(f"{self.peer} closed the connection when it was to {wanted}", stage=stage)

    def _broken(self, error: OSError, stage: Stage) -> ConnectionLostError | TLSError:
        why = alert_reason(error) if stage in _FIRST_STAGES else None
        if why is None:
            return self.lost(stage)
        return TLSError(f"{self.peer} ended the connection: {why}", stage=stage)

    def nonsense(self, stage: Stage, reply: Reply, expected: str) -> ProtocolError:
        """The error for a well-formed reply that makes no sense at `stage`."""
        return ProtocolError(
            f"{self.peer} answered {str(reply)[:200]!r} where {expected} was expected", stage=stage, reply=reply
        )

    def _timeout(self, stage: Stage) -> MailTimeoutError:
        wanted = _WAITING_FOR.get(stage, "answer")
        return MailTimeoutError(f"{self.peer} did not {wanted} in time", stage=stage)


def _without(reply: Reply, secret: Secret[str]) -> Reply:
    """The reply without the secret, should the server quote what it did not understand."""
    if len(secret.reveal()) < _SHORTEST_SECRET or not any(secret.reveal() in line for line in reply.lines):
        return reply
    return attrs.evolve(reply, lines=tuple(line.replace(secret.reveal(), "***") for line in reply.lines))
