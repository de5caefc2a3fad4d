"""The cases of the corpus that the client's lines decide: paths, wishes, credentials, logins, and what is shown."""

from __future__ import annotations

import time
from base64 import b64decode
from typing import Any

import pytest

from pymailer.dsn import parse_dsn
from pymailer.errors import AuthError, ConfigError, MailError, MessageError, ProtocolError
from pymailer.oauth2 import OAuth2
from pymailer.outcome import Reply
from pymailer.smtp import commands
from pymailer.smtp.auth import Auth, parse_auth
from pymailer.smtp.connection import Connection
from pymailer.smtp.data import DotStuffer
from pymailer.smtp.ehlo import ehlo_name
from pymailer.smtp.extensions import Capabilities
from pymailer.smtp.options import SMTPOptions
from pymailer.smtp.replies import ReplyParser
from pymailer.smtp.sasl import Plain
from tests.corpus.cases import Case, all_cases, cases
from tests.faults import hear, on, reply
from tests.secrecy import shown


@cases("envelope", verdict="reject_local")
def test_a_path_that_is_not_one_address_is_never_written(case: Case) -> None:
    with pytest.raises(MailError):
        commands.rcpt(case.input, smtputf8=True)
    if case.input != "":  # the null sender is one
        with pytest.raises(MailError):
            commands.mail(case.input, smtputf8=True)


@cases("envelope", verdict="accept")
def test_a_path_that_is_one_address_is_written_as_it_is(case: Case) -> None:
    assert commands.rcpt(case.input) == f"RCPT TO:<{case.input}>\r\n".encode()


ENCODED = {
    "command-009": b"MAIL FROM:<a@b.example> ENVID=a+3Db+2Bc+20d\r\n",
    "command-010": b"RCPT TO:<a@b.example> ORCPT=rfc822;a@b.example+20NOTIFY+3DNEVER\r\n",
}
PASSWORDS = {"command-014": b"p\r\nMAIL FROM:<x>", "command-015": "ü".encode()}


@cases("command", only=["command-001", "command-002"])
def test_a_name_that_could_not_be_said_is_refused_at_once(case: Case) -> None:
    with pytest.raises(ConfigError):
        SMTPOptions(name=case.input)


@cases("command", only=["command-004"])
def test_an_international_name_is_said_in_ascii(case: Case) -> None:
    assert commands.ehlo(ehlo_name(case.input)) == b"EHLO xn--bcher-kva\r\n"


@cases("command", only=["command-006", "command-007"])
def test_a_size_is_a_number(case: Case) -> None:
    with pytest.raises(MailError):
        commands.mail("a@b.example", size=case.input)


@cases("command", only=["command-008", "command-011"])
def test_a_wish_that_cannot_be_said_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        parse_dsn(case.input)


@cases("command", only=ENCODED)
def test_a_wish_stays_within_its_parameter(case: Case) -> None:
    dsn = parse_dsn(case.input)
    lines = {commands.mail("a@b.example", dsn=dsn), commands.rcpt("a@b.example", dsn=dsn)}
    assert ENCODED[case.id] in lines


@cases("command", only=["command-013", "command-018"])
def test_credentials_that_would_become_others_are_refused_unseen(case: Case) -> None:
    fields = {"access_token" if key == "token" else key: value for key, value in case.input.items()}
    with pytest.raises(ConfigError) as caught:
        parse_auth(fields)
    assert fields.get("access_token", "\0") not in str(caught.value)
    assert "access_token" in str(caught.value) or "user name" in str(caught.value)


@cases("command", only=PASSWORDS)
def test_any_other_password_is_said_as_it_is_in_one_line(case: Case) -> None:
    auth = parse_auth(case.input)
    line = commands.auth("PLAIN", Plain(auth.user, auth.password).initial())
    assert line.count(b"\n") == 1
    assert b64decode(line.split()[2]) == b"\0u\0" + PASSWORDS[case.id]


@cases("command", only=["command-016"])
def test_credentials_too_long_for_a_line_are_a_typed_error(case: Case) -> None:
    auth = parse_auth(case.input)
    with pytest.raises(ConfigError) as caught:
        commands.auth_response(Plain(auth.user, auth.password).initial())
    assert "xxxx" not in shown(caught.value)


# --- logging in ------------------------------------------------------------------------------------------------------


async def log_in(
    runtime: Any, server: Any, auth: Any = ("me", "p"), told: list[Any] | None = None, **options: Any
) -> None:
    connection = Connection(
        SMTPOptions(host="localhost", port=server.port, auth=auth, **options),
        lambda _, entry: None if told is None else told.append(entry["message"]),
    )
    await connection.open(runtime)
    await connection.quit(runtime)


@cases("auth", only=["auth-004"])
def test_an_exchange_without_end_is_broken_off(case: Case, drive: Any, fault_server: Any) -> None:
    rounds = [step for _ in range(40) for step in (reply("334 "), hear)]
    server = fault_server(on("AUTH", *rounds), users={"me": "p"}, mechanisms=("LOGIN",))
    with pytest.raises(ProtocolError):
        drive(log_in, server)
    assert len(server.lines) < 15


@cases("auth", only=["auth-005", "auth-007"])
def test_no_login_is_weaker_than_was_asked_for(case: Case, drive: Any, fault_server: Any) -> None:
    offered = tuple(case.input["caps"].split()[1:])
    server = fault_server(users={"me": "p"} if offered else {}, mechanisms=offered or ("PLAIN",))
    method = case.input.get("methods", [None])[0]
    with pytest.raises(AuthError) as caught:
        drive(lambda runtime: log_in(runtime, server, auth_method=method))
    assert caught.value.code == ("EAUTH" if offered else "ENOAUTH")
    assert not server.heard("AUTH")
    assert not server.heard("MAIL")


@cases("auth", only=["auth-008"])
def test_a_refused_token_is_renewed_once(case: Case, drive: Any, fault_server: Any) -> None:
    asked: list[bool] = []
    complaint = on("AUTH", reply(f"334 {case.input['xoauth2_334']}"), hear, reply("535 5.7.8 no"))
    server = fault_server(complaint, users={"me": "t"}, mechanisms=("XOAUTH2",))
    auth = OAuth2("me", token_provider=lambda renew: asked.append(renew) or f"token-{renew}")
    with pytest.raises(AuthError, match="401") as caught:
        drive(log_in, server, auth)
    assert [line.text for line in server.lines if not line.text.startswith(("EHLO", "AUTH"))] == ["", ""]
    assert asked == [False, True]
    assert "token-" not in shown(caught.value)


@cases("auth", only=["auth-009", "auth-011"])
def test_scram_is_broken_off_before_our_proof(case: Case, drive: Any, fault_server: Any) -> None:
    def challenge(conversation: Any) -> None:
        nonce = b64decode(conversation.heard.split()[2]).decode().rpartition("r=")[2]
        first = "r=other,s=c2FsdA==,i=4096" if case.id == "auth-009" else f"r={nonce}srv,s=c2FsdA==,i=1"
        conversation.challenge(first.encode())

    server = fault_server(on("AUTH", challenge), users={"me": "p"}, mechanisms=("SCRAM-SHA-256",), strict_client=False)
    with pytest.raises(AuthError):
        drive(log_in, server)
    assert [line.text.split()[0] for line in server.lines] == ["EHLO", "AUTH"]


# --- secrets ---------------------------------------------------------------------------------------------------------


@cases("secrets", only=["secrets-002", "secrets-003"])
def test_the_log_shows_that_something_was_said_and_not_what(case: Case, drive: Any, fault_server: Any) -> None:
    told: list[Any] = []
    method = "PLAIN" if case.id == "secrets-002" else "LOGIN"
    server = fault_server(users={"u": "S3cr3t!"}, mechanisms=(method,))

    drive(lambda runtime: log_in(runtime, server, ("u", "S3cr3t!"), told, debug=True))
    assert server.logins[0].accepted
    assert f"AUTH {method}" in " ".join(told)
    assert "***" in " ".join(told)
    assert not any(secret in " ".join(told) for secret in (case.input.split()[-1], "S3cr3t!", "UzNjcjN0IQ"))


@cases("secrets", only=["secrets-005"])
def test_a_url_shows_no_password_in_what_it_becomes_or_why_it_does_not(case: Case) -> None:
    options = SMTPOptions(case.input)
    assert options.auth == Auth("u", "S3cr3t!")
    assert "S3cr3t!" not in repr(options)
    with pytest.raises(ConfigError) as caught:
        SMTPOptions(f"{case.input}:port/")
    assert "S3cr3t!" not in str(caught.value)


@cases("secrets", only=["secrets-006"])
def test_a_token_is_never_shown(case: Case, drive: Any, fault_server: Any) -> None:
    token = case.input["token"]
    server = fault_server(users={"me": "other"}, mechanisms=("XOAUTH2",))
    with pytest.raises(AuthError) as caught:
        drive(log_in, server, OAuth2("me", access_token=token))
    assert token not in shown(caught.value)


# --- time and memory -------------------------------------------------------------------------------------------------


@cases("dos", only=["dos-013"])
def test_a_message_of_bare_cr_is_stuffed_in_linear_time(case: Case) -> None:
    began = time.process_time()
    assert DotStuffer().feed(case.input.encode()) == case.input.encode()
    assert time.process_time() - began < 0.5


def heard(data: bytes) -> list[Reply]:
    parser = ReplyParser()
    parser.feed(data)
    return list(iter(parser.next, None))


@cases("dos")
def test_no_input_takes_a_parser_of_ours_long(case: Case) -> None:
    began = time.process_time()
    for read in (
        lambda: heard(b"250 " + case.input.encode() + b"\r\n"),
        lambda: Capabilities.parse(Reply(250, None, ("x", case.input))),
        lambda: commands.rcpt(case.input, smtputf8=True),
        lambda: ehlo_name(case.input),
        lambda: parse_dsn({"recipient": case.input}),
    ):
        try:
            read()
        except MailError:
            continue
    assert time.process_time() - began < 0.5


def test_no_case_is_left_out() -> None:
    decided = {*ENCODED, *PASSWORDS, "auth-001", "auth-003"}
    decided |= {f"command-{number:03}" for number in (1, 2, 4, 6, 7, 8, 11, 13, 16, 18)}
    decided |= {f"auth-{number:03}" for number in (4, 5, 7, 8, 9, 11)}
    decided |= {f"secrets-{number:03}" for number in (2, 3, 5, 6)}
    elsewhere = {"secrets-007"}  # DKIM
    assert decided | elsewhere == {case.id for case in all_cases() if case.area in {"command", "auth", "secrets"}}
