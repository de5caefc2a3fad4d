"""A server that fails as a seed wants, and knows the truth that its clients cannot see.

Each connection behaves as `pymailer.smtp.connection.Connection` does: the same errors with the same stages and
outcomes. Must not know the pool.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from random import Random
from typing import Any

import attrs

from pymailer.errors import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeliveryUnknownError,
    MailError,
    MailTimeoutError,
    ReplyError,
)
from pymailer.outcome import Outcome, Reply, Stage
from pymailer.results import Envelope, SentMessageInfo
from pymailer.transport import Mail
from tests.simulation.scheduler import Scheduler

TIMEOUT = 10.0
"""Seconds that a client of this world waits for a reply."""


@attrs.frozen
class Nature:
    """How a server fails. Chances are from 0 to 1, for each time that it could.

    Attributes:
        most: Connections that it takes at once; more are greeted with 421.
        outages: Times in which it refuses connections, and at whose beginning it drops those it has.
        locked_out: Times in which it refuses every password.
        hangs_up_after: Messages after which it ends a connection without a word.
        idle_limit: Seconds after which it ends an idle connection.
        latency: Seconds of a reply, at most.
        busy: The chance that AUTH is answered 454.
        rude: The chance that a connection is lost at a step.
        silent: The chance that a step gets no answer.
        fast: The chance that MAIL is answered "too fast".
        refuses: The chance of a 550 or a 451, at MAIL and at the end.
    """

    most: int | None = None
    outages: tuple[tuple[float, float], ...] = ()
    locked_out: tuple[tuple[float, float], ...] = ()
    hangs_up_after: int | None = None
    idle_limit: float | None = None
    latency: float = 0.01
    busy: float = 0.0
    rude: float = 0.0
    silent: float = 0.0
    fast: float = 0.0
    refuses: float = 0.0


def _within(times: tuple[tuple[float, float], ...], now: float) -> bool:
    return any(begin <= now < end for begin, end in times)


@attrs.define(eq=False)
class Server:
    """The truth."""

    nature: Nature
    scheduler: Scheduler
    random: Random
    open: set[Link] = attrs.field(factory=set)
    most_at_once: int = 0
    knocked: list[float] = attrs.field(factory=list)
    logins_refused: list[float] = attrs.field(factory=list)
    begun: list[float] = attrs.field(factory=list)
    held: Counter[Any] = attrs.field(factory=Counter)
    _numbers: Any = attrs.field(factory=lambda: count(1))

    def connect(self) -> Link:
        return Link(self, f"s{next(self._numbers)}")

    def chance(self, of: float) -> bool:
        return of > 0 and self.random.random() < of

    def drop_all(self) -> None:
        for link in self.open:
            link.hung_up = True


@attrs.frozen
class Capabilities:
    mailmax: int | None = None


@attrs.define(eq=False)
class Link:
    """One connection to the server."""

    server: Server
    id: str
    messages: int = 0
    usable: bool = False
    hung_up: bool = False
    idle_since: float = 0.0
    capabilities: Capabilities = Capabilities()

    # --- what the pool uses ---

    async def open(self, runtime: Scheduler, deadline: float | None = None) -> None:
        server = self.server
        server.open.add(self)
        server.knocked.append(runtime.now())
        server.most_at_once = max(server.most_at_once, len(server.open))
        try:
            await self._greet(deadline)
            await self._log_in(deadline)
        except BaseException:
            self.close()
            raise
        self.usable = True
        self.idle_since = runtime.now()

    async def send(self, runtime: Scheduler, mail: Mail) -> SentMessageInfo:
        assert self.usable, "a connection is used that is not usable"
        assert self in self.server.open, "a connection is used that is closed"
        self.messages += 1
        self.usable = False
        mail.outcome = Outcome.NOT_SENT
        self.server.begun.append(runtime.now())
        try:
            await self._mail(mail)
            await self._body(mail)
            reply = await self._final(mail)
        except ReplyError as error:
            self.usable = error.reply is not None and error.reply.code != 421 and not self.hung_up
            self._rest()
            if not self.usable:
                self.close()
            raise
        except BaseException:
            self.close()
            raise
        self.usable = True
        self._rest()
        if self.messages == self.server.nature.hangs_up_after:
            self.hung_up = True
        return SentMessageInfo(mail.envelope, "<m>", reply=reply, connection_id=self.id)

    def stale(self) -> bool:
        limit = self.server.nature.idle_limit
        idle = self.server.scheduler.now() - self.idle_since
        return self.hung_up or (limit is not None and idle >= limit)

    async def quit(self, runtime: Any, deadline: float | None = None) -> None:
        try:
            if deadline and isinstance(runtime, Scheduler):
                await self._step(Stage.FINAL, deadline)
        finally:
            self.close()

    def close(self) -> None:
        self.usable = False
        self.server.open.discard(self)

    # --- steps of the dialogue ---

    async def _greet(self, deadline: float | None) -> None:
        server, nature = self.server, self.server.nature
        await self._step(Stage.CONNECT, deadline)
        if _within(nature.outages, server.scheduler.now()):
            raise ConnectError("connection refused", stage=Stage.CONNECT)
        await self._step(Stage.GREETING, deadline)
        if nature.most is not None and len(server.open) > nature.most:
            raise _reply(MailError, 421, "4.7.0 too many connections", Stage.GREETING)

    async def _log_in(self, deadline: float | None) -> None:
        server, nature = self.server, self.server.nature
        await self._step(Stage.AUTH, deadline)
        if _within(nature.locked_out, server.scheduler.now()):
            server.logins_refused.append(server.scheduler.now())
            raise _reply(AuthError, 535, "5.7.8 wrong password", Stage.AUTH)
        if server.chance(nature.busy):
            raise _reply(AuthError, 454, "4.7.0 cannot check that now", Stage.AUTH)

    async def _mail(self, mail: Mail) -> None:
        server, nature = self.server, self.server.nature
        if self.stale():
            self.hung_up = True
            raise _lost(Stage.MAIL)
        await self._step(Stage.MAIL, mail.deadline)
        if server.chance(nature.fast):
            raise _reply(ReplyError, 451, "4.7.1 you send too fast", Stage.MAIL)
        self._maybe_refuse(Stage.MAIL)
        if server.chance(nature.rude / 2):
            raise _reply(ReplyError, 421, "4.3.2 closing", Stage.MAIL, Outcome.NOT_SENT)

    async def _body(self, mail: Mail) -> None:
        await self._step(Stage.DATA, mail.deadline)
        await self._step(Stage.BODY, mail.deadline)

    async def _final(self, mail: Mail) -> Reply:
        """From here on the kernel has it all, so what happens to the reply decides what the client can know."""
        server, nature = self.server, self.server.nature
        mail.outcome = Outcome.UNKNOWN
        committed = not server.chance(nature.rude)
        self._maybe_refuse(Stage.FINAL)
        if committed:
            server.held[mail.data] += 1
        try:
            await self._step(Stage.FINAL, mail.deadline)
        except MailError as error:
            raise DeliveryUnknownError("nobody can say", stage=Stage.FINAL) from error
        if not committed:
            raise DeliveryUnknownError("nobody can say", stage=Stage.FINAL) from _lost(Stage.FINAL)
        return Reply(250, "2.0.0", ("2.0.0 taken",))

    def _maybe_refuse(self, stage: Stage) -> None:
        if self.server.chance(self.server.nature.refuses):
            code, text = self.server.random.choice([(550, "5.7.1 never"), (451, "4.3.0 not now")])
            raise _reply(ReplyError, code, text, stage)

    async def _step(self, stage: Stage, deadline: float | None) -> None:
        """Wait for a reply, that may never come."""
        server, scheduler = self.server, self.server.scheduler
        wait = TIMEOUT if server.chance(server.nature.silent) else server.random.random() * server.nature.latency
        left = float("inf") if deadline is None else deadline - scheduler.now()
        await scheduler.sleep(max(min(wait, left), 0.0))
        if wait >= TIMEOUT or wait > left:
            raise MailTimeoutError("no reply", stage=stage)
        if self.hung_up or server.chance(server.nature.rude):
            self.hung_up = True
            raise _lost(stage)

    def _rest(self) -> None:
        self.idle_since = self.server.scheduler.now()


def _lost(stage: Stage) -> ConnectionLostError:
    return ConnectionLostError("the connection is gone", stage=stage)


def _reply(kind: type[MailError], code: int, text: str, stage: Stage, outcome: Outcome | None = None) -> MailError:
    reply = Reply(code, text.split(maxsplit=1)[0], (text,))
    return kind(f"{code} {text}", stage=stage, reply=reply, outcome=outcome)


def envelope() -> Envelope:
    return Envelope("a@test", ("b@test",))
