"""The fault matrix for one connection: what is said, what the server holds, and whether the connection goes on.

Each row bears its number in the reference (F01 …). The truth about the message is the server's: `commits`.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pymailer import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeliveryUnknownError,
    Envelope,
    EnvelopeError,
    MailError,
    MailTimeoutError,
    Message,
    MessageError,
    Outcome,
    ProtocolError,
    ReplyError,
    TLSError,
)
from pymailer.message.composed import ComposedMessage
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from pymailer.transport import Mail
from tests.faults import (
    EXTENSIONS,
    at,
    certificates,
    commit,
    drop,
    endless,
    hear,
    on,
    proceed,
    reply,
    reset,
    send,
    silence,
    stall,
    trickle,
)

SOON = 0.3
"""Seconds a test is ready to wait for a deadline to pass."""

CONTENT = b"From: a@example.com\r\nSubject: x\r\n\r\nHello\r\n.dot\r\n"
CHUNKING = (*EXTENSIONS, "CHUNKING")
CLASSIC = ("SIZE 10485760", "8BITMIME")
DIALOGUES = {"pipelined": EXTENSIONS, "one flight": CHUNKING, "classic": CLASSIC, "chunked": (*CLASSIC, "CHUNKING")}


def mail_for(runtime: Any, *recipients: str, content: bytes = CONTENT, **fields: Any) -> Mail:
    envelope = Envelope("a@example.com", recipients or ("b@example.com",))
    message = ComposedMessage.from_bytes(content, "<id@example.com>")
    return Mail(Message(raw=content), runtime, message=message, envelope=envelope, **fields)


async def opened(runtime: Any, server: Any, **options: Any) -> Connection:
    connection = Connection(SMTPOptions(host="localhost", port=server.port, **options))
    await connection.open(runtime)
    return connection


async def failing_open(runtime: Any, server: Any, options: dict[str, Any]) -> Exception:
    connection = Connection(SMTPOptions(host="localhost", port=server.port, **options))
    with pytest.raises(Exception) as caught:
        await connection.open(runtime)
    assert not connection.usable
    return caught.value


@attrs.frozen
class Refused:
    """A connection that does not come about."""

    rules: tuple[Any, ...]
    error: type[Exception]
    stage: str
    outcome: str = "not_sent"
    temporary: bool = False
    options: dict[str, Any] = attrs.field(factory=dict)
    server: dict[str, Any] = attrs.field(factory=dict)


TLS = {"tls": {"ca": certificates.authority_pem()}}
USERS = {"users": {"me": "right"}}
WRONG = {"auth": ("me", "wrong")}
RIGHT = {"auth": ("me", "right")}

OPENINGS = {
    "F07 no greeting": Refused(
        (at("greeting", silence),), MailTimeoutError, "greeting", temporary=True, options={"greeting_timeout": SOON}
    ),
    "F08 closed at once": Refused((at("greeting", drop),), ConnectionLostError, "greeting", temporary=True),
    "F10 greeting 421": Refused((at("greeting", reply("421 busy")),), ReplyError, "greeting", temporary=True),
    "F11 greeting 554": Refused((at("greeting", reply("554 no")),), ReplyError, "greeting", "rejected"),
    "F12 garbage": Refused((at("greeting", send(b"garbage\r\n")),), ProtocolError, "greeting"),
    "F12 TLS bytes": Refused((at("greeting", send(b"\x15\x03\x01\x00\x02\x02\x16")),), ProtocolError, "greeting"),
    "F12 HTTP": Refused((at("greeting", send(b"HTTP/1.1 400 Bad Request\r\n")),), ProtocolError, "greeting"),
    "F15 EHLO 421": Refused((on("EHLO", reply("421 going")),), ReplyError, "ehlo", temporary=True),
    "F15 EHLO 554": Refused((on("EHLO", reply("554 no")),), ReplyError, "ehlo", "rejected"),
    "F15 EHLO drop": Refused((on("EHLO", drop),), ConnectionLostError, "ehlo", temporary=True),
    "F16 mixed codes": Refused((on("EHLO", reply("250-a", "220 b")),), ProtocolError, "ehlo"),
    "F16 endless": Refused((on("EHLO", endless("250-X")),), ProtocolError, "ehlo"),
    "F17 no STARTTLS": Refused((), TLSError, "starttls", options={"require_tls": True}),
    "F18 STARTTLS 454": Refused(
        (on("STARTTLS", reply("454 later")),), TLSError, "starttls", temporary=True, options=TLS, server={"tls": True}
    ),
    "F19 injection": Refused(
        (on("STARTTLS", send(b"220 go\r\n250 injected\r\n")),), TLSError, "starttls", options=TLS, server={"tls": True}
    ),
    "F22 no AUTH": Refused((), AuthError, "auth", options=RIGHT),
    "F23 AUTH 535": Refused((), AuthError, "auth", options=WRONG, server=USERS),
    "F24 AUTH 454": Refused(
        (on("AUTH", reply("454 4.7.0 later")),), AuthError, "auth", temporary=True, options=RIGHT, server=USERS
    ),
    "F26 endless 334": Refused(
        (on("AUTH", *[step for _ in range(40) for step in (reply("334 "), hear)]),),
        ProtocolError,
        "auth",
        options=RIGHT,
        server=USERS,
    ),
    "F26 bad base64": Refused(
        (on("AUTH", reply("334 !!!")),),
        ProtocolError,
        "auth",
        options={**RIGHT, "auth_method": "CRAM-MD5"},
        server=USERS,
    ),
    "F27 drop during AUTH": Refused(
        (on("AUTH", drop),), ConnectionLostError, "auth", temporary=True, options=RIGHT, server=USERS
    ),
}


@pytest.mark.parametrize("row", OPENINGS.values(), ids=OPENINGS.keys())
def test_a_connection_that_does_not_come_about(row, drive, fault_server):
    settings = {**row.server, "tls": certificates.good()} if row.server.get("tls") else row.server
    server = fault_server(*row.rules, strict_client=False, **settings)
    error = drive(failing_open, server, row.options)
    assert type(error) is row.error
    assert (error.stage, error.outcome, error.temporary) == (row.stage, row.outcome, row.temporary)
    assert str(server.port) in str(error)
    assert not server.heard("MAIL")


def test_f09_a_reset_at_once_is_seen_while_connecting_or_while_waiting_for_the_greeting(drive, fault_server):
    error = drive(failing_open, fault_server(at("greeting", reset)), {})
    assert isinstance(error, (ConnectError, ConnectionLostError))
    assert (error.outcome, error.temporary) == ("not_sent", True)


def test_f14_a_server_without_ehlo_is_greeted_with_helo(drive, fault_server):
    server = fault_server(on("EHLO", reply("502 what?")))

    async def go(runtime):
        connection = await opened(runtime, server)
        await connection.send(runtime, mail_for(runtime))
        await connection.quit(runtime)

    drive(go)
    assert len(server.commits) == 1


@pytest.mark.parametrize("needs", [{"require_tls": True}, {"auth": ("me", "right")}], ids=["TLS", "auth"])
def test_f14_helo_is_no_way_around_tls_or_a_login(needs, drive, fault_server):
    server = fault_server(on("EHLO", reply("502 what?")))
    drive(failing_open, server, needs)
    assert not server.heard("HELO")


def test_f13_a_slow_greeting_within_its_deadline_is_waited_for(drive, fault_server):
    server = fault_server(at("greeting", trickle("220-slow", "220 mx.test", pause=0.005)))

    async def go(runtime):
        connection = await opened(runtime, server, greeting_timeout=10)
        await connection.quit(runtime)

    drive(go)
    assert server.heard() == [server.heard("EHLO")[0], "QUIT"]


@attrs.frozen
class Broken:
    """A message that meets trouble: what is raised, what the server holds, whether the connection goes on."""

    rules: tuple[Any, ...]
    error: type[Exception] | None
    stage: str = ""
    outcome: str = "not_sent"
    held: int = 0
    goes_on: bool = False
    temporary: bool = False
    options: dict[str, Any] = attrs.field(factory=dict)


IMPATIENT = {"socket_timeout": SOON, "final_timeout": SOON}

EVERY_DIALOGUE = {
    "F28 MAIL 451": Broken((on("MAIL", reply("451 later")),), ReplyError, "mail", "rejected", 0, True, True),
    "F29 MAIL 550": Broken((on("MAIL", reply("550 no")),), ReplyError, "mail", "rejected", 0, True),
    "F30 MAIL 421": Broken((on("MAIL", reply("421 bye"), drop),), ReplyError, "mail", "not_sent", 0, False, True),
    "F33 MAIL 503": Broken((on("MAIL", reply("503 nested")),), ProtocolError, "mail", temporary=True),
    "F34 MAIL 530": Broken((on("MAIL", reply("530 login")),), AuthError, "mail", goes_on=True),
    "F38 all recipients 550": Broken((on("RCPT", reply("550 no")),), EnvelopeError, "rcpt", "rejected", 0, True),
    "F38 all recipients 451": Broken((on("RCPT", reply("451 no")),), EnvelopeError, "rcpt", "rejected", 0, True, True),
    "F40 RCPT 421": Broken((on("RCPT", reply("421 bye"), drop),), ReplyError, "rcpt", "not_sent", 0, False, True),
    "F52 accepted": Broken((), None, held=1, goes_on=True),
    "F53 final 451": Broken((at("final", reply("451 later")),), ReplyError, "final", "rejected", 0, True, True),
    "F54 final 554": Broken((at("final", reply("554 spam")),), ReplyError, "final", "rejected", 0, True),
    "F55 committed, dropped": Broken((at("final", commit, drop),), DeliveryUnknownError, "final", "unknown", 1),
    "F55 committed, reset": Broken((at("final", commit, reset),), DeliveryUnknownError, "final", "unknown", 1),
    "F56 dropped, not committed": Broken((at("final", drop),), DeliveryUnknownError, "final", "unknown", 0),
    "F57 no final reply": Broken(
        (at("final", commit, silence),), DeliveryUnknownError, "final", "unknown", 1, options=IMPATIENT
    ),
    "F58 trickled final reply": Broken(
        (at("final", commit, trickle("250 " + "x" * 500, pause=0.02)),),
        DeliveryUnknownError,
        "final",
        "unknown",
        1,
        options=IMPATIENT,
    ),
    "F59 final 421": Broken((at("final", reply("421 bye"), drop),), ReplyError, "final", "rejected", 0, False, True),
    "nonsense after the end": Broken(
        (at("final", commit, send(b"what?\r\n")),), DeliveryUnknownError, "final", "unknown", 1
    ),
}


async def send_one(runtime: Any, server: Any, options: dict[str, Any]) -> tuple[Any, Exception | None, bool]:
    connection = await opened(runtime, server, **options)
    info = error = None
    try:
        info = await connection.send(runtime, mail_for(runtime))
    except Exception as caught:
        error = caught
    goes_on = connection.usable
    if goes_on:  # and really does: the next message arrives over it
        server.script()
        before = len(server.commits)
        await connection.send(runtime, mail_for(runtime, "next@example.com"))
        assert len(server.commits) == before + 1
        await connection.quit(runtime)
    return info, error, goes_on


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
@pytest.mark.parametrize("row", EVERY_DIALOGUE.values(), ids=EVERY_DIALOGUE.keys())
def test_a_message_that_meets_trouble(row, dialogue, drive, fault_server):
    server = fault_server(*row.rules, extensions=dialogue, strict_client=False)
    info, error, goes_on = drive(send_one, server, row.options)
    held = [commit for commit in server.commits if "next@example.com" not in commit.recipients]
    assert len(held) == row.held
    assert goes_on is row.goes_on
    if row.error is None:
        assert info.outcome is Outcome.ACCEPTED
        assert held[0].content == CONTENT
    else:
        assert type(error) is row.error
        assert (error.stage, error.outcome, error.temporary) == (row.stage, row.outcome, row.temporary)
        assert (error.outcome is Outcome.UNKNOWN) is (error.__cause__ is not None and row.outcome == "unknown")


async def send_two(runtime: Any, server: Any) -> Exception:
    connection = await opened(runtime, server)
    with pytest.raises(Exception) as caught:
        await connection.send(runtime, mail_for(runtime))
    assert not connection.usable
    return caught.value


@pytest.mark.parametrize("dialogue", [EXTENSIONS, CLASSIC], ids=["pipelined", "classic"])
def test_f32_a_reset_at_mail_means_not_sent(dialogue, drive, fault_server):
    error = drive(send_two, fault_server(on("MAIL", reset), extensions=dialogue))
    assert type(error) is ConnectionLostError
    assert (error.stage, error.outcome) == ("mail", "not_sent")


def test_f32_a_reset_after_everything_went_in_one_flight_proves_nothing(drive, fault_server):
    error = drive(send_two, fault_server(on("MAIL", reset), extensions=CHUNKING, strict_client=False))
    assert isinstance(error, DeliveryUnknownError)


def test_a_server_that_closed_before_the_flight_reached_it_holds_nothing(drive, fault_server):
    server = fault_server(at("idle", drop), extensions=CHUNKING, strict_client=False)

    async def go(runtime):
        connection = await opened(runtime, server)
        await connection.send(runtime, mail_for(runtime))
        await runtime.offload(server.wait_until, lambda: not server.open)
        with pytest.raises(ConnectionLostError) as caught:
            await connection.send(runtime, mail_for(runtime))
        return caught.value

    assert drive(go).outcome is Outcome.NOT_SENT


def test_a_pause_makes_the_envelope_go_first(drive, fault_server, monkeypatch):
    monkeypatch.setattr("pymailer.smtp.connection.FRESH", 0.0)
    error = drive(send_two, fault_server(on("MAIL", reset), extensions=CHUNKING))
    assert (type(error), error.outcome) == (ConnectionLostError, Outcome.NOT_SENT)


CAUSES = {
    "lost": (at("final", drop), {}, ConnectionLostError),
    "late": (at("final", silence), IMPATIENT, MailTimeoutError),
    "nonsense": (at("final", send(b"?\r\n")), {}, ProtocolError),
}


@pytest.mark.parametrize(("rule", "options", "cause"), CAUSES.values(), ids=CAUSES.keys())
def test_an_unknown_outcome_says_why_in_its_cause(rule, options, cause, drive, fault_server):
    _, error, _ = drive(send_one, fault_server(rule, strict_client=False), options)
    assert isinstance(error, DeliveryUnknownError)
    assert type(error.__cause__) is cause


WITH_DATA = {
    "F44 DATA 451": Broken((on("DATA", reply("451 later")),), ReplyError, "data", "rejected", 0, True, True),
    "F44 DATA 554": Broken((on("DATA", reply("554 no")),), ReplyError, "data", "rejected", 0, True),
    "F45 DATA 250": Broken((on("DATA", reply("250 what?")),), ProtocolError, "data"),
    "F46 drop at DATA": Broken((on("DATA", drop),), ConnectionLostError, "data", temporary=True),
    "F46 reset at DATA": Broken((on("DATA", reset),), ConnectionLostError, "data", temporary=True),
}


@pytest.mark.parametrize("dialogue", [EXTENSIONS, CLASSIC], ids=["pipelined", "classic"])
@pytest.mark.parametrize("row", WITH_DATA.values(), ids=WITH_DATA.keys())
def test_trouble_at_data(row, dialogue, drive, fault_server):
    test_a_message_that_meets_trouble(row, dialogue, drive, fault_server)


async def send_to(runtime: Any, server: Any, *recipients: str, **options: Any) -> Any:
    connection = await opened(runtime, server, **options)
    try:
        return await connection.send(runtime, mail_for(runtime, *recipients))
    finally:
        await connection.quit(runtime)


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
@pytest.mark.parametrize("code", [550, 451], ids=["F36", "F37"])
def test_one_of_three_recipients_refused(code, dialogue, drive, fault_server):
    server = fault_server(on("RCPT TO:<b@", reply(f"{code} no")), extensions=dialogue)
    info = drive(send_to, server, "a@x.example", "b@x.example", "c@x.example")
    assert info.outcome is Outcome.PARTIAL
    assert (info.accepted, info.rejected) == (("a@x.example", "c@x.example"), ("b@x.example",))
    assert info.rejected_errors[0].temporary is (code == 451)
    assert server.commits[0].recipients == ("a@x.example", "c@x.example")


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_f39_too_many_recipients_are_split_over_transactions(dialogue, drive, fault_server):
    everybody = tuple(f"r{number}@x.example" for number in range(5))
    server = fault_server(on("RCPT", reply("452 4.5.3 too many recipients"), skip=2, times=3), extensions=dialogue)
    info = drive(send_to, server, *everybody)
    assert info.outcome is Outcome.ACCEPTED
    assert sorted(info.accepted) == sorted(everybody)
    assert sorted(to for commit in server.commits for to in commit.recipients) == sorted(everybody)


def test_the_servers_recipient_limit_is_kept_without_being_told_twice(drive, fault_server):
    server = fault_server(extensions=(*EXTENSIONS, "LIMITS RCPTMAX=2"))
    info = drive(send_to, server, *(f"r{number}@x.example" for number in range(5)))
    assert info.outcome is Outcome.ACCEPTED
    assert [len(commit.recipients) for commit in server.commits] == [2, 2, 1]


def test_f41_a_go_ahead_although_everybody_was_refused_gets_only_a_dot(drive, fault_server):
    server = fault_server(on("RCPT", reply("550 no")), on("DATA", reply("354 go"), hear, reply("554 nobody")))
    _, error, goes_on = drive(send_one, server, {})
    assert isinstance(error, EnvelopeError)
    assert goes_on


def test_f42_replies_cut_into_single_octets_are_the_same(drive, fault_server):
    server = fault_server(at("final", commit, trickle("250-first", "250 ok", pause=0.001)))
    info = drive(send_to, server, "b@x.example")
    assert info.outcome is Outcome.ACCEPTED


class Failing:
    """A message whose source gives out in the middle."""

    size = None
    replayable = False
    needs_8bit = needs_smtputf8 = False
    message_id = "<id@example.com>"

    async def chunks(self, _: Any) -> Any:
        yield b"x" * 70_000
        raise OSError("the disk is gone")


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_f50_a_source_that_fails_midway_never_ends_in_a_truncated_message(dialogue, drive, fault_server):
    server = fault_server(extensions=dialogue, strict_client=False)

    async def go(runtime):
        connection = await opened(runtime, server)
        mail = mail_for(runtime)
        mail.message = Failing()
        with pytest.raises(MessageError, match="disk is gone") as caught:
            await connection.send(runtime, mail)
        connection.close()
        return caught.value

    error = drive(go)
    assert (error.code, error.stage, error.outcome) == ("ESTREAM", "body", "not_sent")
    assert not server.commits


BIG = b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" * 1 + (b"y" * 76 + b"\r\n") * 250_000


def unlimited(extensions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(extension for extension in extensions if not extension.startswith("SIZE"))


async def send_big(runtime: Any, server: Any, **options: Any) -> tuple[Any, bool]:
    connection = await opened(runtime, server, **options)
    try:
        with pytest.raises(Exception) as caught:
            await connection.send(runtime, mail_for(runtime, content=BIG))
        return caught.value, connection.usable
    finally:
        connection.close()


@pytest.mark.parametrize("dialogue", [EXTENSIONS, CHUNKING], ids=["DATA", "BDAT"])
def test_f48_a_server_that_stops_reading_is_given_up_and_holds_nothing(dialogue, drive, fault_server):
    server = fault_server(at("body", stall), extensions=unlimited(dialogue), receive_buffer=4096, strict_client=False)
    error, usable = drive(lambda runtime: send_big(runtime, server, socket_timeout=SOON))
    assert type(error) is MailTimeoutError
    assert (error.stage, error.outcome, usable) == ("body", "not_sent", False)
    assert not server.commits


@pytest.mark.parametrize("code", [552, 451, 421])
def test_f49_a_refusal_in_the_middle_of_the_message_is_heard(code, drive, fault_server):
    server = fault_server(
        at("body", reply(f"{code} no more"), stall, octets=100_000),
        extensions=unlimited(EXTENSIONS),
        receive_buffer=4096,
        strict_client=False,
    )
    error, usable = drive(lambda runtime: send_big(runtime, server, socket_timeout=5))
    assert type(error) is ReplyError
    assert (error.reply.code, error.outcome, usable) == (code, "rejected", False)
    assert not server.commits


class Paced(Failing):
    """A message whose second half waits for something."""

    def __init__(self, before_the_second_half: Any) -> None:
        self.wait = before_the_second_half

    async def chunks(self, runtime: Any) -> Any:
        for _ in range(4):
            yield b"x" * 70_000
        await runtime.offload(self.wait)
        for _ in range(4):
            yield b"y" * 70_000


@pytest.mark.parametrize("end", [drop, reset], ids=["FIN", "RST"])
@pytest.mark.parametrize("dialogue", [EXTENSIONS, CHUNKING], ids=["DATA", "BDAT"])
def test_f47_a_connection_lost_in_the_middle_holds_nothing(end, dialogue, drive, fault_server):
    server = fault_server(at("body", end, octets=100_000), extensions=dialogue, strict_client=False)

    async def go(runtime):
        connection = await opened(runtime, server)
        mail = mail_for(runtime)
        mail.message = Paced(lambda: server.wait_until(lambda: server.closed))
        with pytest.raises(ConnectionLostError) as caught:
            await connection.send(runtime, mail)
        assert not connection.usable
        return caught.value

    error = drive(go)
    assert (error.stage, error.outcome) == ("body", "not_sent")
    assert not server.commits


def test_f62_lmtp_answers_for_each_recipient(drive, fault_server):
    server = fault_server(at("final", commit_some), lmtp=True)
    info = drive(lambda runtime: send_to(runtime, server, "a@x.example", "b@x.example", "c@x.example", lmtp=True))
    assert info.outcome is Outcome.PARTIAL
    assert (info.accepted, info.rejected) == (("a@x.example",), ("b@x.example", "c@x.example"))
    assert [error.temporary for error in info.rejected_errors] == [True, False]


def commit_some(conversation: Any) -> None:
    conversation.commit("a@x.example")
    conversation.reply("250 ok")
    conversation.reply("450 later")
    conversation.reply("550 no")


def test_f63_lmtp_lost_between_its_answers_says_what_is_certain(drive, fault_server):
    def two_of_three(conversation):
        conversation.commit("a@x.example")
        conversation.reply("250 ok")
        conversation.reply("550 no")
        drop(conversation)

    server = fault_server(at("final", two_of_three), lmtp=True, strict_client=False)

    async def go(runtime):
        with pytest.raises(DeliveryUnknownError) as caught:
            await send_to(runtime, server, "a@x.example", "b@x.example", "c@x.example", lmtp=True)
        return caught.value

    error = drive(go)
    assert (error.accepted, error.rejected) == (("a@x.example",), ("b@x.example",))


RESETS = {"250": proceed, "421": reply("421 bye"), "502": reply("502 what?"), "drop": drop}


@pytest.mark.parametrize("answer", RESETS.values(), ids=RESETS.keys())
@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_f65_what_becomes_of_rset_never_touches_the_message_before(answer, dialogue, drive, fault_server):
    server = fault_server(
        on("MAIL", reply("550 no"), times=1), on("RSET", answer), extensions=dialogue, strict_client=False
    )

    async def go(runtime):
        connection = await opened(runtime, server)
        with pytest.raises(ReplyError):
            await connection.send(runtime, mail_for(runtime))
        assert connection.usable
        outcome = "not_sent"
        try:
            info = await connection.send(runtime, mail_for(runtime))
            outcome = info.outcome
        except MailError as error:
            outcome = error.outcome
        assert connection.usable is (answer is proceed)
        connection.close()
        return outcome

    outcome = drive(go)
    assert outcome == ("accepted" if server.commits else "not_sent")


@pytest.mark.parametrize("answer", [drop, silence, reply("500 what?")], ids=["drop", "hang", "500"])
def test_f66_what_becomes_of_quit_is_nobodys_business(answer, drive, fault_server):
    server = fault_server(on("QUIT", answer))

    async def go(runtime):
        connection = await opened(runtime, server)
        info = await connection.send(runtime, mail_for(runtime))
        await connection.quit(runtime, runtime.now() + SOON)
        return info

    assert drive(go).outcome is Outcome.ACCEPTED


IDLE = {
    "F67 FIN": (drop,),
    "F68 421 and FIN": (send(b"421 4.4.2 idle too long\r\n"), drop),
    "F69 stray bytes": (send(b"250 what?\r\n"),),
    "F70 RST": (reset,),
}


@pytest.mark.parametrize("actions", IDLE.values(), ids=IDLE.keys())
def test_an_idle_connection_that_the_server_touched_is_stale(actions, drive, fault_server):
    server = fault_server(at("idle", *actions), strict_client=False)

    async def go(runtime):
        connection = await opened(runtime, server)
        await connection.send(runtime, mail_for(runtime))
        if connection.usable:  # else what came unasked came together with the final reply
            await runtime.wait([(connection._wire.channel._sock, 1)], runtime.now() + 5)
        assert connection.stale()
        connection.close()

    drive(go)


def test_f35_a_message_over_the_servers_limit_is_refused_without_a_byte(drive, fault_server):
    server = fault_server(extensions=("SIZE 20", "PIPELINING"))

    async def go(runtime):
        connection = await opened(runtime, server)
        with pytest.raises(MessageError, match="20"):
            await connection.send(runtime, mail_for(runtime))
        assert connection.usable
        await connection.quit(runtime)

    drive(go)
    assert not server.heard("MAIL")


def test_an_address_that_needs_smtputf8_is_named_where_it_is_not_offered(drive, fault_server):
    server = fault_server(extensions=("PIPELINING",))

    async def go(runtime):
        connection = await opened(runtime, server)
        with pytest.raises(EnvelopeError, match=r"дмитрий@example\.com"):
            await connection.send(runtime, mail_for(runtime, "дмитрий@example.com"))
        await connection.quit(runtime)

    drive(go)
    assert not server.heard("MAIL")


def test_octets_over_127_need_8bitmime(drive, fault_server):
    server = fault_server(extensions=("PIPELINING",))

    async def go(runtime):
        connection = await opened(runtime, server)
        with pytest.raises(MessageError, match="8BITMIME"):
            await connection.send(runtime, mail_for(runtime, content=b"Subject: x\r\n\r\n\xff\r\n"))
        await connection.quit(runtime)

    drive(go)
    assert not server.heard("MAIL")


def test_requiretls_that_cannot_be_had_is_an_error(drive, fault_server):
    server = fault_server()

    async def go(runtime):
        connection = await opened(runtime, server)
        with pytest.raises(TLSError) as caught:
            await connection.send(runtime, mail_for(runtime, require_tls=True))
        await connection.quit(runtime)
        return caught.value

    assert drive(go).code == "EREQUIRETLS"
    assert not server.heard("MAIL")


def test_the_dialogue_is_told_in_the_log_when_debugging(drive, fault_server):
    entries: list[dict[str, str]] = []
    server = fault_server(users={"me": "canary-password"})

    async def go(runtime):
        options = SMTPOptions(host="localhost", port=server.port, auth=("me", "canary-password"), debug=True)
        connection = Connection(options, lambda _, entry: entries.append(entry))
        await connection.open(runtime)
        await connection.send(runtime, mail_for(runtime))
        await connection.quit(runtime)

    drive(go)
    text = "\n".join(f"{entry['type']}: {entry['message']}" for entry in entries)
    assert "client: MAIL FROM:<a@example.com>" in text
    assert "server: 250" in text
    assert "canary" not in text
    assert "Y2FuYXJ5" not in text
    assert {entry["type"] for entry in entries} == {"client", "server", "connection"}
