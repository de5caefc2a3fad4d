"""The fault server, judged by a client that nobody here wrote: smtplib."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time

import pytest

from tests.faults import (
    FaultServer,
    Gate,
    at,
    certificates,
    closes_after,
    commit,
    delay,
    drop,
    half_close,
    hold,
    on,
    proceed,
    reply,
    reset,
    send,
    stall,
    trickle,
    upgrade,
)
from tests.faults.transcript import transcript

MESSAGE = b"Subject: hi\r\n\r\n.a dot\r\n..two\r\nplain\r\n"


def connect(server, **options):
    return smtplib.SMTP(server.host, server.port, timeout=5, **options)


def deliver(client, to=("b@example.com",), message=MESSAGE):
    return client.sendmail("a@example.com", list(to), message)


def test_without_a_script_it_is_a_correct_server(fault_server):
    server = fault_server()
    with connect(server) as client:
        deliver(client)
    assert [commit.content for commit in server.commits] == [MESSAGE]
    assert server.commits[0].recipients == ("b@example.com",)
    assert server.heard("EHLO")
    assert server.heard("QUIT")


def test_a_refused_recipient(fault_server):
    server = fault_server(on("RCPT TO:<b@", reply("550 5.1.1 no such user")))
    with connect(server) as client:
        refused = deliver(client, ["b@example.com", "c@example.com"])
    assert refused == {"b@example.com": (550, b"5.1.1 no such user")}
    assert server.commits[0].recipients == ("c@example.com",)


def test_counted_rules_have_their_turn(fault_server):
    server = fault_server(on("MAIL", reply("451 4.3.0 later"), skip=1, times=1))
    with connect(server) as client:
        deliver(client)
        with pytest.raises(smtplib.SMTPSenderRefused):
            deliver(client)
        deliver(client)
    assert len(server.commits) == 2


def test_commit_and_drop_is_what_the_client_cannot_tell_from_drop_alone(fault_server):
    server = fault_server(at("final", commit, drop, times=1), at("final", drop))
    for _ in range(2):
        client = connect(server)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            deliver(client)
        client.close()
    assert len(server.commits) == 1


def test_reset_is_seen_as_a_reset(fault_server):
    server = fault_server(at("greeting", reset))
    with socket.create_connection((server.host, server.port)) as sock, pytest.raises(ConnectionResetError):
        sock.recv(1)


def test_drop_is_seen_as_an_end(fault_server):
    server = fault_server(at("greeting", drop))
    with socket.create_connection((server.host, server.port)) as sock:
        assert sock.recv(1) == b""


def test_a_gate_holds_the_reply_until_it_is_opened(fault_server):
    gate = Gate()
    server = fault_server(at("greeting", hold(gate), proceed))
    with socket.create_connection((server.host, server.port)) as sock:
        gate.wait_for_arrival()
        gate.open()
        assert sock.recv(3) == b"220"


def test_a_trickled_reply_comes_octet_by_octet(fault_server):
    server = fault_server(at("greeting", trickle("220 slow", pause=0.001)))
    with connect(server) as client:
        deliver(client)


def test_closing_wakes_what_is_delayed_stalled_or_held(fault_server):
    server = fault_server(
        at("greeting", delay(60), connection=1),
        at("greeting", stall, connection=2),
        at("greeting", hold(Gate()), connection=3),
    )
    clients = [socket.create_connection((server.host, server.port)) for _ in range(3)]
    server.wait_until(lambda: server.opened == 3)
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 5
    for client in clients:
        client.close()


def test_a_stalled_body_fills_the_window(fault_server):
    server = fault_server(at("body", stall), receive_buffer=4096)
    client = smtplib.SMTP(server.host, server.port, timeout=0.3)
    with pytest.raises((TimeoutError, smtplib.SMTPException)):
        deliver(client, message=b"x" * 70 * 100_000)
    client.close()
    assert not server.commits


def test_an_answer_in_the_middle_of_the_body(fault_server):
    server = fault_server(at("body", reply("552 5.3.4 full"), half_close, octets=100_000))
    client = connect(server)
    with pytest.raises(smtplib.SMTPDataError):
        deliver(client, message=b"x" * 500_000)
    client.close()
    assert not server.commits


def test_bytes_pushed_to_an_idle_connection(fault_server):
    server = fault_server(at("idle", send(b"421 4.4.2 idle too long\r\n"), drop))
    client = connect(server)
    deliver(client)
    assert client.noop()[0] == 421
    client.close()


def test_a_connection_that_carries_only_so_many_messages(fault_server):
    server = fault_server(closes_after(2))
    client = connect(server)
    deliver(client)
    deliver(client)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        deliver(client)
    client.close()


def test_beyond_its_limit_it_greets_with_421(fault_server):
    server = fault_server(limit=1)
    with connect(server):
        with pytest.raises(smtplib.SMTPConnectError, match="421"):
            connect(server)
        assert server.open == 1
    with connect(server):
        pass
    assert server.most_at_once == 2


def test_starttls_and_a_login(fault_server):
    server = fault_server(tls=certificates.good(), users={"u": "secret"}, require_auth=True)
    with connect(server) as client:
        client.starttls(context=certificates.client_context())
        client.login("u", "secret")
        deliver(client)
    assert [(login.mechanism, login.user, login.accepted) for login in server.logins] == [("CRAM-MD5", "u", True)]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_wrong_password_is_refused(fault_server, mechanism):
    server = fault_server(users={"u": "secret"}, mechanisms=[mechanism])
    with connect(server) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("u", "wrong")
    assert not any(login.accepted for login in server.logins)


def test_a_verdict_on_a_login_can_be_scripted(fault_server):
    server = fault_server(at("login", reply("454 4.7.0 try later")), users={"u": "secret"})
    with connect(server) as client, pytest.raises(smtplib.SMTPAuthenticationError, match="454"):
        client.login("u", "secret")


def test_implicit_tls_with_an_expired_certificate(fault_server):
    server = fault_server(at("handshake", upgrade(certificates.expired())), implicit_tls=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        smtplib.SMTP_SSL("localhost", server.port, timeout=5, context=certificates.client_context())


def test_an_lmtp_server_answers_for_each_recipient(fault_server):
    server = fault_server(lmtp=True)
    with smtplib.LMTP(server.host, server.port) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("a@example.com")
        client.rcpt("b@example.com")
        client.rcpt("c@example.com")
        assert client.data(MESSAGE)[0] == 250
        assert client.getreply()[0] == 250
    assert server.commits[0].recipients == ("b@example.com", "c@example.com")


def test_a_message_in_chunks(fault_server):
    server = fault_server(extensions=["PIPELINING", "CHUNKING"])
    with socket.create_connection((server.host, server.port)) as sock:
        sock.makefile("rb").readline()
        sock.sendall(b"EHLO me\r\n")
        sock.recv(1000)
        sock.sendall(b"MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 6\r\n.abc\r\nBDAT 4 LAST\r\n.d\r\n")
        server.wait_until(lambda: server.commits)
    assert server.commits[0].content == b".abc\r\n.d\r\n"


def test_talking_before_the_reply_without_pipelining_is_a_violation(fault_server):
    server = fault_server(extensions=[], strict_client=False)
    with socket.create_connection((server.host, server.port)) as sock:
        sock.sendall(b"EHLO me\r\nMAIL FROM:<a@b.c>\r\n")
        server.wait_for("MAIL")
    assert "EHLO" in server.violations[0]


def test_a_script_that_fails_itself_fails_the_test(fault_server):
    server = FaultServer(at("greeting", lambda _: 1 / 0))
    with socket.create_connection((server.host, server.port)) as sock:
        assert sock.recv(1) == b""
    with pytest.raises(BaseExceptionGroup, match="the script of a fault server failed"):
        server.close()


@pytest.mark.parametrize("name", ["classic", "helo"])
def test_a_transcript_is_a_server(fault_server, name):
    server = fault_server(dialogue=transcript(name).play)
    with connect(server) as client:
        client.sendmail("a@example.com", ["b@example.com"], MESSAGE)
    assert [commit.content for commit in server.commits] == [MESSAGE]


def test_a_client_that_leaves_the_transcript_fails_the_test():
    server = FaultServer(dialogue=transcript("classic").play)
    client = connect(server)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.mail("a@example.com")
    client.close()
    with pytest.raises(BaseExceptionGroup) as failure:
        server.close()
    assert "not 'EHLO *'" in str(failure.value.exceptions[0])
