"""SMTP with one connection per message: no state, nothing to close. For a batch, the pool does it faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.__about__ import __version__
from pymailer.events import Emitter
from pymailer.front_door import discreet
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from pymailer.smtp.starttls import TLSSessions

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail

QUIT_TIMEOUT: Final = 1.0
"""Seconds given to a server to say goodbye; the message is settled by then."""


class SMTPTransport:
    """One connection per message.

    Args:
        options: How to reach the server, secure the connection and log in.
    """

    name = "SMTP"
    version: str = __version__

    def __init__(self, options: SMTPOptions) -> None:
        self.options = options
        self._events = Emitter()
        self._sessions = TLSSessions()

    def __repr__(self) -> str:
        return f"<SMTPTransport {self.options.peer}>"

    def on(self, event: str, callback: Callable[..., object]) -> Callable[[], None]:
        """Listen for an event; the returned function ends that."""
        return self._events.on(event, callback)

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Connect, send one message, say goodbye.

        Raises:
            MailError: Nobody got it, or nobody can say; nothing is tried twice.
        """
        return await send_once(self._connection(), mail)

    async def verify(self, runtime: Runtime) -> bool:
        """Connect, upgrade, authenticate, say goodbye.

        Raises:
            MailError: What a send would raise.
        """
        connection = self._connection()
        await connection.open(runtime)
        await _goodbye(connection, runtime)
        return True

    def _connection(self) -> Connection:
        return Connection(self.options, self._events.emit, self._sessions)


async def send_once(connection: Connection, mail: Mail) -> SentMessageInfo:
    """Open `connection`, send one message over it, and close it, whatever happens.

    Raises:
        MailError: Nobody got the message, or nobody can say.
    """
    await connection.open(mail.runtime, mail.deadline)
    try:
        info = await connection.send(mail.runtime, mail)
    except BaseException:
        connection.close()
        raise
    await _goodbye(connection, mail.runtime)
    return attrs.evolve(info, connect_time=connection.connect_time)


async def _goodbye(connection: Connection, runtime: Runtime) -> None:
    await connection.quit(runtime, runtime.now() + QUIT_TIMEOUT)


@discreet
def smtp(options: object = None, /, **keywords: Any) -> SMTPTransport:
    """A transport that makes one connection per message.

    Args:
        options: `SMTPOptions`, a mapping in either spelling, or a URL.
        keywords: The same options one by one; they win.

    Raises:
        ConfigError: An option is unknown, of the wrong type, or at odds with another.
    """
    return SMTPTransport(SMTPOptions(options, **keywords))
