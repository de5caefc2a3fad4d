"""The opening of a session (RFC 5321 3.1): the greeting, and EHLO or what stands in for it.

Knows what each answer means; nothing of TLS, credentials or messages.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from pymailer.errors import ConfigError, ConnectionLostError, MailTimeoutError, ProtocolError, ReplyError
from pymailer.outcome import Outcome, Reply, Stage
from pymailer.smtp import commands
from pymailer.smtp.ehlo import ehlo_name
from pymailer.smtp.extensions import Capabilities
from pymailer.smtp.hints import explain_greeting

if TYPE_CHECKING:
    from pymailer.runtime import Runtime
    from pymailer.smtp.options import SMTPOptions
    from pymailer.smtp.wire import Wire

_UNKNOWN_COMMAND: Final = (500, 502, 504, 550)
"""What servers that only know HELO answer to EHLO (RFC 5321 3.2, RFC 1869 4.4)."""


async def greet(wire: Wire, runtime: Runtime, options: SMTPOptions, deadline: float | None) -> None:
    """Read the server's greeting.

    Raises:
        ReplyError: It does not want us.
        ProtocolError: It is no SMTP server; the message says what it probably is.
        ConnectionLostError: It hung up.
        MailTimeoutError: It said nothing in time.
    """
    try:
        reply = await wire.reply(runtime, deadline, Stage.GREETING)
    except (ProtocolError, ConnectionLostError, MailTimeoutError) as error:
        raise explain_greeting(error, wire.parser.pending, options.port, options.secure) from error
    if not reply.positive:
        raise refused(wire, Stage.GREETING, reply, "us")
    if reply.code != 220:
        raise wire.nonsense(Stage.GREETING, reply, "220")


def refused(wire: Wire, stage: Stage, reply: Reply, what: str) -> ReplyError:
    """The error for a server that refuses the session itself: for now, or for good."""
    return ReplyError(
        f"{wire.peer} refused {what}: {reply}",
        code="ECONNECTION",
        outcome=Outcome.NOT_SENT if reply.temporary else Outcome.REJECTED,
        stage=stage,
        reply=reply,
        command=stage.upper(),
    )


async def introduce(wire: Wire, runtime: Runtime, options: SMTPOptions, deadline: float | None) -> Capabilities:
    """Say EHLO (LHLO, or HELO where nothing else is understood) and learn what the server can do.

    Raises:
        ReplyError: The server refuses the session.
    """
    name = options.name or our_name(wire)
    wire.put(commands.lhlo(name) if options.lmtp else commands.ehlo(name))
    reply = await _answer(wire, runtime, deadline)
    if reply.positive:
        return Capabilities.parse(reply)
    if reply.code not in _UNKNOWN_COMMAND or options.lmtp or options.auth is not None or options.require_tls:
        raise refused(wire, Stage.EHLO, reply, "LHLO" if options.lmtp else "EHLO")
    wire.put(commands.helo(name))
    reply = await _answer(wire, runtime, deadline)
    if not reply.positive:
        raise refused(wire, Stage.EHLO, reply, "HELO")
    return Capabilities()


async def _answer(wire: Wire, runtime: Runtime, deadline: float | None) -> Reply:
    await wire.flush(runtime, deadline, Stage.EHLO)
    reply = await wire.reply(runtime, deadline, Stage.EHLO)
    if 300 <= reply.code < 400:
        raise wire.nonsense(Stage.EHLO, reply, "250")
    return reply


def our_name(wire: Wire) -> str:
    """This machine's full name, else the address that the server sees (RFC 5321 4.1.4)."""
    name = socket.gethostname()
    if "." in name:
        try:
            return ehlo_name(name)
        except ConfigError:
            pass  # a machine's name may be anything; an address always does
    return ehlo_name(f"[{wire.channel.local_address}]")
