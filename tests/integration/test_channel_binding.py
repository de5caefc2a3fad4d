"""SCRAM tied to its TLS connection, so that nobody can pass a login on (RFC 5802 6, RFC 5929)."""

from __future__ import annotations

import base64
import hashlib
import ssl

import pytest

from pymailer.errors import AuthError
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from tests.faults import certificates, on
from tests.faults.conversation import decoded
from tests.faults.scram import scram

USERS = {"me": "p"}
PLUS = "SCRAM-SHA-256-PLUS"


def tls(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.authority().issue_cert(*certificates.NAMES).configure_cert(context)
    context.minimum_version = context.maximum_version = version
    return context


class Server:
    """Runs SCRAM-SHA-256-PLUS, and keeps what the server's own end of TLS is bound to."""

    def __init__(self) -> None:
        self.unique: bytes | None = None

    def __call__(self, conversation) -> None:
        self.unique = conversation.wire._socket.get_channel_binding("tls-unique")
        verdict = scram(conversation, decoded(conversation.heard.split()[2]), "sha256")
        conversation.reply("235 2.7.0 in" if verdict and verdict[1] else "535 5.7.8 no")


async def log_in(runtime, server, **options):
    connection = Connection(
        SMTPOptions(
            host="localhost",
            port=server.port,
            auth=("me", "p"),
            require_tls=True,
            tls={"ca": certificates.authority_pem()},
            **options,
        )
    )
    await connection.open(runtime)
    certificate = connection._wire.channel.peer_certificate
    await connection.quit(runtime)
    return certificate


def bound(server) -> bytes:
    """What the client's proof says that it is bound to."""
    texts = [line.text for line in server.lines]
    (auth,) = (number for number, text in enumerate(texts) if text.startswith("AUTH"))
    return base64.b64decode(base64.b64decode(texts[auth + 1]).split(b",")[0][2:])


def test_tls_1_2_has_a_binding_of_its_own(drive, fault_server):
    scripted = Server()
    server = fault_server(
        on(f"AUTH {PLUS}", scripted),
        users=USERS,
        mechanisms=("SCRAM-SHA-256", PLUS),
        tls=tls(ssl.TLSVersion.TLSv1_2),
    )
    drive(log_in, server)
    assert scripted.unique
    assert bound(server) == b"p=tls-unique,," + scripted.unique


def test_tls_1_3_is_not_bound_unless_asked_for(drive, fault_server):
    server = fault_server(users=USERS, mechanisms=("SCRAM-SHA-256", PLUS), tls=tls(ssl.TLSVersion.TLSv1_3))
    drive(log_in, server)
    assert server.logins[0].mechanism == "SCRAM-SHA-256"
    assert bound(server) == b"n,,"


def test_tls_1_3_can_be_bound_to_the_certificate(drive, fault_server):
    server = fault_server(
        on(f"AUTH {PLUS}", Server()), users=USERS, mechanisms=(PLUS,), tls=tls(ssl.TLSVersion.TLSv1_3)
    )
    certificate = drive(lambda runtime: log_in(runtime, server, auth_method=PLUS))
    assert bound(server) == b"p=tls-server-end-point,," + hashlib.sha256(certificate).digest()


def test_a_server_that_could_bind_is_told_when_nobody_showed_us_its_offer(drive, fault_server):
    server = fault_server(users=USERS, mechanisms=("SCRAM-SHA-256",), tls=tls(ssl.TLSVersion.TLSv1_2))
    drive(log_in, server)
    assert bound(server) == b"y,,"


def test_without_tls_there_is_nothing_to_bind_to(drive, fault_server):
    server = fault_server(users=USERS, mechanisms=(PLUS,))

    async def go(runtime):
        await Connection(SMTPOptions(host="localhost", port=server.port, auth=("me", "p"))).open(runtime)

    with pytest.raises(AuthError, match="none fits"):
        drive(go)
