"""The cases of the corpus that a server's replies decide: what is read or refused, what becomes of a connection."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pymailer.errors import AuthError, MailError, ProtocolError, ReplyError
from pymailer.message.composed import ComposedMessage
from pymailer.message.model import Message
from pymailer.outcome import Outcome, Reply
from pymailer.results import Envelope
from pymailer.smtp.connection import Connection
from pymailer.smtp.extensions import Capabilities
from pymailer.smtp.hints import explain_greeting
from pymailer.smtp.options import SMTPOptions
from pymailer.smtp.replies import ReplyParser
from pymailer.transport import Mail
from tests.corpus.cases import Case, all_cases, cases
from tests.faults import at, commit, on, reply, send, trickle

CONTENT = b"From: a@example.com\r\n\r\nHello\r\n"


def octets(value: Any) -> bytes:
    """What the server sends; text in the corpus stands for Latin-1, as servers of old wrote it."""
    return value if isinstance(value, bytes) else value.encode("latin-1")


def heard(data: bytes) -> list[Reply]:
    parser = ReplyParser()
    parser.feed(data)
    return list(iter(parser.next, None))


async def opened(runtime: Any, server: Any, **options: Any) -> Connection:
    connection = Connection(SMTPOptions(host="localhost", port=server.port, **options))
    await connection.open(runtime)
    return connection


async def send_one(runtime: Any, connection: Connection) -> Any:
    message = ComposedMessage.from_bytes(CONTENT, "<id@example.com>")
    envelope = Envelope("a@example.com", "b@example.com")
    return await connection.send(runtime, Mail(Message(raw=CONTENT), runtime, message=message, envelope=envelope))


WELL_FORMED = {
    "server_reply-001": (220, ("hello", "hello")),
    "server_reply-003": (220, ("caf\ufffd",)),
    "server_reply-004": (220, ("\ufffd\ufffd",)),
    "server_reply-020": (250, (r"ok\x00",)),
    "server_reply-021": (250, (r"ok \x1b]0;pwn\x07\x1b[2J",)),
    "auth-001": (334, ("",)),
}
CAPABILITIES = ["server_reply-025", "server_reply-026", "server_reply-029"]
BANNERS = {
    "server_reply-008": "not an SMTP server",
    "server_reply-009": "secure=True",
    "server_reply-011": "SSH",
    "server_reply-012": "POP3",
}
NONSENSE = ["server_reply-007", *BANNERS, "server_reply-014", "server_reply-017", "server_reply-019"]
UNASKED = ["server_reply-023", "server_reply-031", "server_reply-032"]
LATER = ["server_reply-034", "server_reply-035", "server_reply-036"]
NEVER = ["server_reply-037", "server_reply-038"]


@cases("server_reply", "auth", only=WELL_FORMED)
def test_a_reply_is_read_and_nothing_in_it_is_obeyed(case: Case) -> None:
    (found,) = heard(octets(case.input))
    assert (found.code, found.lines) == WELL_FORMED[case.id]


@cases("server_reply", "auth", only=[*NONSENSE, "server_reply-022", "auth-003"])
def test_nonsense_is_a_protocol_error_that_can_be_printed(case: Case) -> None:
    began = time.process_time()
    with pytest.raises(ProtocolError) as caught:
        heard(octets(case.input))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert time.process_time() - began < 0.5


@cases("server_reply", only=BANNERS)
def test_a_server_of_another_kind_is_named(case: Case) -> None:
    parser = ReplyParser()
    parser.feed(octets(case.input))
    with pytest.raises(ProtocolError) as caught:
        parser.next()
    assert BANNERS[case.id] in str(explain_greeting(caught.value, parser.pending, 587, secure=False))


@cases("server_reply", only=CAPABILITIES)
def test_strange_capabilities_do_no_harm(case: Case) -> None:
    found = Capabilities.parse(Reply(250, None, ("server", *heard(octets(case.input))[0].lines)))
    assert found.max_size == (99999999999999999999 if case.id == "server_reply-026" else None)
    assert not found.starttls


@cases("server_reply", only=["server_reply-016"])
def test_a_trickle_stretches_no_deadline(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(at("greeting", trickle("220 " + "x" * 200, pause=0.05)), strict_client=False)
    began = time.monotonic()
    with pytest.raises(MailError):
        drive(lambda runtime: opened(runtime, server, greeting_timeout=0.2))
    assert time.monotonic() - began < 2


@cases("server_reply", only=UNASKED)
def test_what_was_not_asked_for_makes_a_connection_stale(case: Case, drive: Any, fault_server: Any) -> None:
    answer = () if case.id == "server_reply-023" else (reply("250 ok"),)
    server = fault_server(at("final", commit, *answer, send(octets(case.input))), strict_client=False)

    async def go(runtime: Any) -> tuple[Any, bool]:
        connection = await opened(runtime, server)
        info = await send_one(runtime, connection)
        deadline = runtime.now() + 5
        while not connection.stale() and runtime.now() < deadline:
            await runtime.sleep(0.001)
        stale = connection.stale()
        connection.close()
        return info, stale

    info, stale = drive(go)
    assert info.outcome is Outcome.ACCEPTED
    assert stale


@cases("server_reply", only=LATER)
def test_a_refusal_for_now_is_temporary(case: Case, drive: Any, fault_server: Any) -> None:
    text = case.input.rstrip("\r\n")
    at_login = case.id == "server_reply-034"
    server = fault_server(
        on("AUTH", reply(text)) if at_login else at("final", reply(text)), users={"me": "p"} if at_login else {}
    )

    async def go(runtime: Any) -> None:
        connection = await opened(runtime, server, **({"auth": ("me", "p")} if at_login else {}))
        try:
            await send_one(runtime, connection)
        finally:
            await connection.quit(runtime)

    with pytest.raises(AuthError if at_login else ReplyError) as caught:
        drive(go)
    assert caught.value.temporary
    assert caught.value.reply.code == 454
    assert server.commits == []


@cases("server_reply", only=NEVER)
def test_a_refusal_for_good_is_one_login_and_says_what_helps(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(on("AUTH", reply(case.input.rstrip("\r\n"))), users={"me": "p"})
    with pytest.raises(AuthError) as caught:
        drive(lambda runtime: opened(runtime, server, auth=("me", "p")))
    assert not caught.value.temporary
    assert len(server.heard("AUTH")) == 1
    assert "OAuth2" in str(caught.value)


@cases("server_reply", only=["server_reply-041"])
def test_a_server_that_is_elsewhere_in_the_dialogue_is_left(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(on("MAIL", reply(case.input.rstrip("\r\n"))), strict_client=False)

    async def go(runtime: Any) -> bool:
        connection = await opened(runtime, server)
        with pytest.raises(MailError) as caught:
            await send_one(runtime, connection)
        assert caught.value.outcome is Outcome.NOT_SENT
        assert caught.value.temporary
        return connection.usable

    assert drive(go) is False


@cases("server_reply", only=["server_reply-042"])
def test_a_server_without_rset_is_left_after_a_refusal(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(
        on("RSET", reply(case.input.rstrip("\r\n"))), at("final", reply("554 no"), times=1), strict_client=False
    )

    async def go(runtime: Any) -> tuple[Any, bool]:
        connection = await opened(runtime, server)
        with pytest.raises(ReplyError):
            await send_one(runtime, connection)
        try:
            second = await send_one(runtime, connection)
        except MailError as error:
            second = error
        usable = connection.usable
        connection.close()
        return second, usable

    second, usable = drive(go)
    assert second.outcome in (Outcome.ACCEPTED, Outcome.NOT_SENT)
    assert not usable or second.outcome is Outcome.ACCEPTED


@cases("server_reply", only=["server_reply-043"])
def test_a_recipient_may_be_taken_with_other_words(case: Case, drive: Any, fault_server: Any) -> None:
    def take(conversation: Any) -> None:
        conversation.recipients.append("b@example.com")
        conversation.reply(case.input.rstrip("\r\n"))

    server = fault_server(on("RCPT", take))

    async def go(runtime: Any) -> Any:
        connection = await opened(runtime, server)
        info = await send_one(runtime, connection)
        await connection.quit(runtime)
        return info

    assert drive(go).accepted == ("b@example.com",)


@cases("server_reply", only=["server_reply-044"])
def test_the_queue_id_is_found_in_the_final_reply(case: Case, drive: Any, fault_server: Any) -> None:
    server = fault_server(at("final", commit, reply(case.input.rstrip("\r\n"))))

    async def go(runtime: Any) -> Any:
        connection = await opened(runtime, server)
        info = await send_one(runtime, connection)
        await connection.quit(runtime)
        return info

    assert drive(go).server_message_id == "4F1A2B"


def test_no_case_is_left_out() -> None:
    decided = {*WELL_FORMED, *NONSENSE, *CAPABILITIES, *UNASKED, *LATER, *NEVER, "auth-003"}
    decided |= {f"server_reply-{number:03}" for number in (16, 22, 41, 42, 43, 44)}
    elsewhere = {"server_reply-039"}  # what a provider means by its words is for the pool to know
    assert decided | elsewhere >= {case.id for case in all_cases() if case.area == "server_reply"}
