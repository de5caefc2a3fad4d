"""A server and its connections without a network, for tests of the pool: what it does at each step is a function.

Knows what the pool expects of a connection (`pymailer_smtp_pool.connection`), and how a pool is put together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Any

import attrs

from pymailer.errors import AuthError, ConnectError, ConnectionLostError, MailError, ReplyError
from pymailer.outcome import Outcome, Reply, Stage
from pymailer.results import Envelope, SentMessageInfo
from pymailer.runtime import Runtime, maybe_await
from pymailer.transport import Mail
from pymailer_smtp_pool.journal import Journal
from pymailer_smtp_pool.options import PoolOptions
from pymailer_smtp_pool.pool import SMTPPool

Step = Callable[["FakeConnection"], Awaitable[None] | None]


@attrs.define
class FakeMessage:
    replayable: bool = True
    message_id: str | None = "<fake@test>"


@attrs.define
class FakeCapabilities:
    mailmax: int | None = None


def fake_mail(runtime: Runtime, data: Any = "mail", **fields: Any) -> Mail:
    """A message that nobody composed."""
    message = fields.pop("message", None) or FakeMessage()
    return Mail(data, runtime, message=message, envelope=Envelope("a@test", ("b@test",)), **fields)


class Script:
    """A step that does one thing after the other: raises an error, or lets it pass; in the end all pass."""

    def __init__(self, *errors: BaseException | None) -> None:
        self._errors = list(errors)

    def __call__(self, connection: FakeConnection) -> None:
        if self._errors and self._errors[0] is None:
            self._errors.pop(0)
        elif self._errors:
            raise self._errors.pop(0)


@attrs.define(eq=False)
class FakeServer:
    """Takes every message, unless `opening` or `sending` raises.

    Attributes:
        opening: Called while a connection is being opened.
        sending: Called while it carries a message.
        leaving: Called when it is told goodbye.
        held: The messages that the server took.
        most_at_once: The most connections that were open at one time.
    """

    opening: Step = lambda connection: None
    sending: Step = lambda connection: None
    leaving: Step = lambda connection: None
    mailmax: int | None = None
    connections: list[FakeConnection] = attrs.field(factory=list)
    held: list[Any] = attrs.field(factory=list)
    most_at_once: int = 0
    _numbers: Any = attrs.field(factory=lambda: count(1))

    def connect(self) -> FakeConnection:
        connection = FakeConnection(self, f"f{next(self._numbers)}", capabilities=FakeCapabilities(self.mailmax))
        self.connections.append(connection)
        return connection

    @property
    def open(self) -> list[FakeConnection]:
        return [connection for connection in self.connections if connection.is_open]

    @property
    def opened(self) -> int:
        return len(self.connections)


@attrs.define(eq=False)
class FakeConnection:
    server: FakeServer
    id: str
    messages: int = 0
    usable: bool = False
    is_open: bool = False
    hung_up: bool = False
    said_quit: bool = False
    answered_quit: bool = False
    runtime: Any = None
    mail: Any = None
    capabilities: FakeCapabilities = attrs.field(factory=FakeCapabilities)

    async def open(self, runtime: Runtime, deadline: float | None = None) -> None:
        self.runtime = runtime
        self.is_open = True
        self.server.most_at_once = max(self.server.most_at_once, len(self.server.open))
        try:
            await maybe_await(self.server.opening(self))
        except BaseException:
            self.close()
            raise
        self.usable = True

    async def send(self, runtime: Runtime, mail: Mail) -> SentMessageInfo:
        self.runtime, self.mail = runtime, mail
        self.messages += 1
        self.usable = False
        try:
            await maybe_await(self.server.sending(self))
        except ReplyError as error:
            self.usable = error.reply is None or error.reply.code != 421
            raise
        except MailError:
            self.close()
            raise
        except BaseException:
            self.close()
            raise
        self.server.held.append(mail.data)
        self.usable = True
        return SentMessageInfo(mail.envelope, mail.message_id, accepted=mail.envelope.to, connection_id=self.id)

    def stale(self) -> bool:
        return self.hung_up

    async def quit(self, runtime: Runtime, deadline: float | None = None) -> None:
        self.said_quit = self.usable
        try:
            await maybe_await(self.server.leaving(self))
            self.answered_quit = True
        finally:
            self.close()

    def close(self) -> None:
        self.usable = self.is_open = False


def make_pool(server: FakeServer, **options: Any) -> SMTPPool:
    """A pool of connections to this server."""
    return SMTPPool(PoolOptions(**options), server.connect, Journal("fake:25"))


def crowd(pool: SMTPPool, size: int, **fields: Any) -> list[Callable[[Runtime], Coroutine[Any, Any, Any]]]:
    """So many messages, numbered from 0, each sent by a coroutine function."""
    return [lambda runtime, number=number: pool.send(fake_mail(runtime, number, **fields)) for number in range(size)]


async def pause(connection: FakeConnection) -> None:
    """A step that takes so long that others come meanwhile."""
    await connection.runtime.sleep(0.005)


# --- errors as the connection raises them ---


def refused(text: str = "connection refused") -> ConnectError:
    return ConnectError(text, stage=Stage.CONNECT)


def wrong_password() -> AuthError:
    return AuthError("535 no", stage=Stage.AUTH, reply=Reply(535, "5.7.8", ("5.7.8 no",)))


def lost(stage: Stage) -> ConnectionLostError:
    return ConnectionLostError("the connection is gone", stage=stage)


def reply_error(code: int, text: str, stage: Stage) -> ReplyError:
    early = stage not in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.FINAL) or code == 421
    kind = AuthError if stage is Stage.AUTH else ReplyError
    return kind(
        f"{code} {text}",
        stage=stage,
        reply=Reply(code, None, (text,)),
        outcome=Outcome.NOT_SENT if early else Outcome.REJECTED,
    )
