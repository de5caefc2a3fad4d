"""A real SMTP server on loopback for the demo: aiosmtpd with STARTTLS and AUTH, which keeps what it takes.

It also misbehaves on request: for some addresses it refuses, for others it drops the connection.
"""

# aiosmtpd and trustme are typed in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import logging
import socket
import ssl
from email.parser import BytesHeaderParser
from email.policy import SMTP as CRLF
from typing import Any, Final, Self, cast

import attrs
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's, which tells of its own deprecations

HOST: Final = "localhost"
USER: Final = "demo"
PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - of a server that lives for seconds on loopback


@attrs.define(eq=False)
class Mailbox:
    """What the server was told, and what it holds.

    Attributes:
        held: The content of each message it took, by Message-ID.
        connections: How many connections it saw.
        logins: How many logins it was asked for.
        dropped: The addresses for which it has dropped a connection already.
    """

    held: dict[str, bytes] = attrs.field(factory=dict[str, bytes])
    connections: int = 0
    logins: int = 0
    dropped: set[str] = attrs.field(factory=set[str])

    def authenticate(self, _: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
        """Aiosmtpd's authenticator."""
        self.logins += 1
        good = isinstance(given, LoginPassword) and (given.login, given.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=good, handled=False)  # the refusal is for aiosmtpd to send

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, server: SMTP, _: Session, envelope: Envelope, address: str, __: list[str]
    ) -> str:
        """Refuse ``refused@``; drop the connection, once, for ``dropped@``."""
        if address.startswith("refused@"):
            return "550 5.1.1 No such user here"
        if address.startswith("dropped@") and address not in self.dropped:
            self.dropped.add(address)
            _drop(server)
            return "451 too late"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        """Hold the message; for ``vanished@``, drop the connection instead of saying so."""
        content = bytes(envelope.original_content or b"")
        self.held[BytesHeaderParser(policy=CRLF).parsebytes(content)["Message-ID"]] = content
        if envelope.rcpt_tos[0].startswith("vanished@"):
            _drop(server)
        return "250 2.0.0 OK: queued"


def _drop(server: SMTP) -> None:
    cast("Any", server.transport).abort()


class CountingServer(SMTP):
    """aiosmtpd's protocol, which tells the mailbox of each connection."""

    def connection_made(self, transport: Any) -> None:
        """Count a connection."""
        if self.session is None:  # it is called again after STARTTLS
            self.event_handler.connections += 1
        super().connection_made(transport)


class DemoServer(Controller):
    """The server in a thread of its own; use it as a context manager."""

    def __init__(self) -> None:
        self.mailbox: Mailbox = Mailbox()
        self.authority: trustme.CA = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(HOST).configure_cert(context)
        super().__init__(
            self.mailbox,
            hostname="127.0.0.1",
            port=_free_port(),
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=self.mailbox.authenticate,
        )

    def factory(self) -> SMTP:
        """The protocol of one connection."""
        return CountingServer(self.handler, **self.SMTP_kwargs)

    @property
    def trust(self) -> bytes:
        """The certificate of the authority that a client of this server trusts, as PEM."""
        return self.authority.cert_pem.bytes()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
