"""Making the connection secure: by STARTTLS (RFC 3207), or from the first byte (RFC 8314 3).

Knows when TLS is wanted and that nothing said before it counts; how TLS works is the channel's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymailer.errors import MailTimeoutError, TLSError
from pymailer.net.tls import check_pins, explain_tls
from pymailer.outcome import Stage
from pymailer.smtp import commands

if TYPE_CHECKING:
    import ssl

    from pymailer.runtime import Runtime
    from pymailer.smtp.extensions import Capabilities
    from pymailer.smtp.options import SMTPOptions
    from pymailer.smtp.wire import Wire


class TLSSessions:
    """The session that the next connection to the same server may resume; one for all connections of a transport."""

    def __init__(self) -> None:
        self._latest: ssl.SSLSession | None = None

    def take(self) -> ssl.SSLSession | None:
        """The latest session. Several connections may resume the same one: they are all ours."""
        return self._latest

    def keep(self, session: ssl.SSLSession | None) -> None:
        """Remember `session`, unless there is none."""
        self._latest = session or self._latest


def wants_upgrade(wire: Wire, capabilities: Capabilities, options: SMTPOptions) -> bool:
    """Whether STARTTLS comes next.

    Raises:
        TLSError: TLS is required and not offered.
    """
    if wire.channel.secure or options.ignore_tls:
        return False
    if options.require_tls and not capabilities.starttls:
        raise TLSError(
            f"{wire.peer} does not offer STARTTLS and TLS is required; nothing was sent in plain text "
            f"(another port, such as 465 with secure=True, may do)",
            stage=Stage.STARTTLS,
        )
    return capabilities.starttls


async def upgrade(
    wire: Wire, runtime: Runtime, options: SMTPOptions, deadline: float | None, sessions: TLSSessions
) -> bool:
    """Say STARTTLS; whether the connection is secure now.

    Raises:
        TLSError: The server refused, or what came after its "go ahead" was not TLS.
    """
    wire.put(commands.STARTTLS)
    await wire.flush(runtime, deadline, Stage.STARTTLS)
    reply = await wire.reply(runtime, deadline, Stage.STARTTLS)
    if reply.code != 220:
        if options.opportunistic_tls and not reply.positive:
            return False
        raise TLSError(
            f"{wire.peer} refused STARTTLS: {reply}",
            stage=Stage.STARTTLS,
            reply=reply,
            command="STARTTLS",
            temporary=reply.temporary,
        )
    if not wire.parser.empty:
        # Whoever sits in between put it there, to be read as if it had come encrypted (CVE-2011-0411).
        raise TLSError(f"{wire.peer} sent plain text after its answer to STARTTLS", stage=Stage.STARTTLS)
    await encrypt(wire, runtime, options, deadline, sessions, Stage.STARTTLS)
    return True


async def encrypt(
    wire: Wire,
    runtime: Runtime,
    options: SMTPOptions,
    deadline: float | None,
    sessions: TLSSessions,
    stage: Stage,
) -> None:
    """Speak TLS from here on; everything read before is forgotten (RFC 3207 4.2).

    Raises:
        TLSError: The handshake failed, or the certificate is not the one that was wanted.
        MailTimeoutError: It did not end in time.
    """
    channel, tls = wire.channel, options.tls
    try:
        await channel.start_tls(runtime, tls.context(), tls.name_for(options.host), deadline, sessions.take())
    except TimeoutError as error:
        raise MailTimeoutError(f"{wire.peer} did not finish the TLS handshake in time", stage=stage) from error
    except OSError as error:
        raise explain_tls(error, options.host, options.port, stage) from error
    check_pins(channel.peer_certificate, tls.pins, options.host, options.port)
    wire.reset_parser()
    if wire.log.on:
        wire.log.connection(f"secured with {channel.tls_version}")
