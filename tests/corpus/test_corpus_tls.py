"""The cases of the corpus about making a connection secure: what is refused, what is not believed, what is waited for.

Each goes through a whole SMTP connection; the server's record says what it was told in plain text.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

import pytest

from pymailer.errors import AuthError, ConfigError, MailError, MailTimeoutError, TLSError
from pymailer.message.composed import ComposedMessage
from pymailer.message.model import Message
from pymailer.outcome import Outcome
from pymailer.results import Envelope
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from pymailer.transport import Mail
from tests.corpus.cases import Case, all_cases, cases
from tests.faults import EXTENSIONS, Conversation, at, certificates, commit, drop, on, reply, send, stall

CONTENT = b"From: a@example.com\r\n\r\nHello\r\n"
TRUSTING = {"ca": certificates.authority_pem()}
SOON = 0.2
PASSWORD = "correct horse"

INJECTED = ["tls-001", "tls-002"]
CERTIFICATES = ["tls-006", "tls-009"]
COVERED = {
    *INJECTED,
    *CERTIFICATES,
    *("tls-003", "tls-004", "tls-012", "tls-014", "tls-015", "tls-016", "tls-017", "tls-018"),
}


def test_no_case_is_forgotten() -> None:
    assert {case.id for case in all_cases() if case.area == "tls"} == COVERED


async def opened(runtime: Any, server: Any, **options: Any) -> Connection:
    connection = Connection(SMTPOptions(**{"host": "localhost", "port": server.port, **options}))
    await connection.open(runtime)
    return connection


def refusal(drive: Any, server: Any, **options: Any) -> MailError:
    async def scenario(runtime: Any) -> MailError:
        with pytest.raises(MailError) as caught:
            (await opened(runtime, server, **options)).close()
        return caught.value

    return drive(scenario)


async def send_one(runtime: Any, connection: Connection) -> Any:
    message = ComposedMessage.from_bytes(CONTENT, "<id@example.com>")
    envelope = Envelope("a@example.com", "b@example.com")
    return await connection.send(runtime, Mail(Message(raw=CONTENT), runtime, message=message, envelope=envelope))


def said_nothing_after_starttls(server: Any) -> bool:
    return not server.heard("MAIL") and not server.heard("AUTH")


@cases("tls", only=INJECTED)
def test_plain_text_behind_the_answer_to_starttls_ends_the_connection(
    case: Case, drive: Any, fault_server: Any
) -> None:
    injected = case.input.encode()
    server = fault_server(on("STARTTLS", send(injected)), tls=certificates.good())
    error = refusal(drive, server, tls=TRUSTING, require_tls=True)
    assert isinstance(error, TLSError)
    assert "plain text" in str(error)
    assert error.outcome is Outcome.NOT_SENT
    assert said_nothing_after_starttls(server)


@cases("tls", only=["tls-003"])
def test_tls_that_is_not_available_just_now_is_a_temporary_error(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(on("STARTTLS", reply(case.input.strip())), tls=certificates.good())
    error = refusal(drive, server, tls=TRUSTING, require_tls=True)
    assert isinstance(error, TLSError)
    assert (error.temporary, error.reply.code) == (True, 454)
    assert said_nothing_after_starttls(server)


@cases("tls", only=["tls-004"])
def test_a_password_is_never_said_where_starttls_was_stripped(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(at("ehlo", send(case.input.replace("host", "fault.test").encode())), users={"user": PASSWORD})
    error = refusal(drive, server, require_tls=True, auth=("user", PASSWORD))
    assert isinstance(error, TLSError)
    assert said_nothing_after_starttls(server)


def test_a_password_is_not_said_in_plain_text_over_a_network_even_if_tls_was_not_required(
    drive: Any, fault_server: Any
) -> None:
    server = fault_server(users={"user": PASSWORD}, mechanisms=("PLAIN", "LOGIN"))
    sockets = {"host": "mx.test", "socket": lambda: _connect(server)}
    error = refusal(drive, server, auth=("user", PASSWORD), **sockets)
    assert isinstance(error, (AuthError, TLSError))
    assert said_nothing_after_starttls(server)


def _connect(server: Any) -> Any:
    import socket

    return socket.create_connection(("127.0.0.1", server.port))


@cases("tls", only=CERTIFICATES)
def test_a_certificate_that_proves_nothing_is_refused(case: Case, drive: Any, fault_server: Any) -> None:
    context, host = {
        "tls-006": (certificates.unknown_issuer(), "localhost"),
        "tls-009": (wildcard(), "a.b.example.test"),
    }[case.id]
    server = fault_server(tls=context, implicit_tls=True)
    error = refusal(drive, server, secure=True, tls={**TRUSTING, "servername": host})
    assert isinstance(error, TLSError)
    assert (error.temporary, error.outcome) == (False, Outcome.NOT_SENT)
    assert server.lines == []


def wildcard() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.authority().issue_cert("*.example.test").configure_cert(context)
    return context


@cases("tls", only=["tls-012"])
def test_a_version_before_1_2_is_refused(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(tls=certificates.old_protocol(), implicit_tls=True)
    error = refusal(drive, server, secure=True, tls=TRUSTING)
    assert isinstance(error, TLSError)
    assert "TLS 1.2" in str(error)


@cases("tls", only=["tls-014"])
def test_a_server_that_hangs_up_during_the_handshake_is_tried_again_later_and_never_in_plain_text(
    case: Case, drive: Any, fault_server: Any
) -> None:
    server = fault_server(at("handshake", drop), tls=certificates.good())
    error = refusal(drive, server, tls=TRUSTING)
    assert isinstance(error, TLSError)
    assert (error.temporary, error.outcome) == (True, Outcome.NOT_SENT)
    assert said_nothing_after_starttls(server)
    assert server.opened == 1


@cases("tls", only=["tls-015"])
def test_a_handshake_that_does_not_end_is_given_up(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(at("handshake", stall), tls=certificates.good())
    started = time.monotonic()
    error = refusal(drive, server, tls=TRUSTING, socket_timeout=SOON)
    assert isinstance(error, MailTimeoutError)
    assert time.monotonic() - started < 20 * SOON


@cases("tls", only=["tls-016"])
def test_a_server_that_hangs_up_without_close_notify_has_taken_the_message(
    case: Case, drive: Any, fault_server: Any
) -> None:
    server = fault_server(at("final", commit, reply("250 2.0.0 ok"), drop), tls=certificates.good())

    async def scenario(runtime: Any) -> Any:
        connection = await opened(runtime, server, tls=TRUSTING, require_tls=True)
        try:
            return await send_one(runtime, connection)
        finally:
            connection.close()

    assert drive(scenario).outcome is Outcome.ACCEPTED
    assert len(server.commits) == 1


@cases("tls", only=["tls-017"])
def test_only_what_is_offered_inside_tls_counts(case: Case, drive: Any, fault_server: Any) -> None:
    def offer(conversation: Conversation) -> None:
        secure = len(server.heard("EHLO")) > 1
        words = ("SIZE 1000",) if secure else ("STARTTLS", "SMTPUTF8", "SIZE 5", "AUTH PLAIN")
        lines = ("fault.test", *words)
        text = "".join(f"250{' ' if word is lines[-1] else '-'}{word}\r\n" for word in lines)
        send(text.encode())(conversation)

    server = fault_server(at("ehlo", offer), tls=certificates.good(), extensions=EXTENSIONS)

    async def scenario(runtime: Any) -> Any:
        connection = await opened(runtime, server, tls=TRUSTING)
        connection.close()
        return connection.capabilities

    offered = drive(scenario)
    assert (offered.max_size, offered.smtputf8, offered.auth) == (1000, False, ())


@cases("tls", only=["tls-018"])
def test_a_socket_of_the_user_is_secured_like_any_other(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(tls=certificates.good(), implicit_tls=True)

    async def scenario(runtime: Any) -> Any:
        way = {"secure": True, "tls": {**TRUSTING, "servername": "localhost"}, "socket": lambda: _connect(server)}
        connection = await opened(runtime, server, **way)
        try:
            return await send_one(runtime, connection)
        finally:
            connection.close()

    assert drive(scenario).outcome is Outcome.ACCEPTED


@cases("tls", only=["tls-018"])
def test_a_socket_that_speaks_tls_already_is_refused(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(tls=certificates.good(), implicit_tls=True)
    context = certificates.client_context()
    with context.wrap_socket(_connect(server), server_hostname="localhost") as secured:
        error = refusal(drive, server, secure=True, socket=secured)
    assert isinstance(error, ConfigError)
