"""The rows of the fault matrix that are the pool's: what it does about a fault, in both colours, against a real server.

What a connection says about each fault is in `test_connection_faults`; here is what becomes of the message.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from pymailer import (
    AuthError,
    ConnectError,
    DeliveryUnknownError,
    DNSError,
    MailTimeoutError,
    ProtocolError,
    ReplyError,
    TLSError,
    create_async_transport,
    create_transport,
)
from pymailer_smtp_pool import smtp_pool
from tests.faults import at, certificates, commit, drop, on, reply, reset, send, silence
from tests.integration.batches import message, send_batch, send_in_turn

USERS = {"users": {"me": "right"}}
RIGHT = {"auth": ("me", "right")}


@pytest.fixture(params=["sync", "async", "sync stream", "async stream"])
def colour(request) -> str:
    return request.param


@attrs.frozen
class Recovers:
    """A fault that is over after a while; nobody is told of it.

    Attributes:
        rules: What the server does.
        attempts: How often the message was begun.
        opened: How many connections that took.
    """

    rules: tuple[Any, ...]
    attempts: int = 2
    opened: int = 2
    options: dict[str, Any] = attrs.field(factory=dict)
    server: dict[str, Any] = attrs.field(factory=dict)


RECOVERS = {
    "F08 closed at once": Recovers((at("greeting", drop, times=1),), attempts=1),
    "F09 reset before the greeting": Recovers((at("greeting", reset, times=1),), attempts=1),
    "F10 greeting 421": Recovers((at("greeting", reply("421 4.3.2 busy"), drop, times=1),), attempts=1),
    "F15 EHLO 421": Recovers((on("EHLO", reply("421 4.3.2 busy"), drop, times=1),), attempts=1),
    "F15 EHLO drop": Recovers((on("EHLO", drop, times=1),), attempts=1),
    "F18 STARTTLS 454": Recovers(
        (on("STARTTLS", reply("454 4.7.0 later"), times=1),),
        attempts=1,
        options={"tls": {"ca": certificates.authority_pem()}},
        server={"tls": certificates.good()},
    ),
    "F24 AUTH 421": Recovers(
        (at("login", reply("421 4.7.0 busy"), drop, times=1),), attempts=1, options=RIGHT, server=USERS
    ),
    "F24 AUTH 454": Recovers(
        (at("login", reply("454 4.7.0 later"), times=1),), attempts=1, options=RIGHT, server=USERS
    ),
    "F27 drop during AUTH": Recovers((at("login", drop, times=1),), attempts=1, options=RIGHT, server=USERS),
    "F28 MAIL 451 by policy": Recovers(
        (on("MAIL", reply("451 4.3.0 later"), times=1),), opened=1, options={"retry_temporary": True}
    ),
    "F30 MAIL 421 on a new connection": Recovers((on("MAIL", reply("421 4.3.2 bye"), drop, times=1),)),
    "F33 MAIL 503 out of step": Recovers((on("DATA", reply("250 what?"), times=1),)),
    "F40 RCPT 421": Recovers((on("RCPT", reply("421 4.3.2 bye"), drop, times=1),)),
    "F43 closed after the first reply": Recovers((on("RCPT", drop, times=1),)),
    "F44 DATA 451 by policy": Recovers(
        (on("DATA", reply("451 4.3.0 later"), times=1),), opened=1, options={"retry_temporary": True}
    ),
    "F46 drop before 354": Recovers((on("DATA", drop, times=1),)),
    "F46 reset before 354": Recovers((on("DATA", reset, times=1),)),
    "F53 final 451 by policy": Recovers(
        (at("final", reply("451 4.3.0 later"), times=1),), opened=1, options={"retry_temporary": True}
    ),
    "F59 final 421 by policy": Recovers(
        (at("final", reply("421 4.3.0 later"), drop, times=1),), options={"retry_temporary": True}
    ),
    "too fast at MAIL": Recovers((on("MAIL", reply("451 4.7.1 too fast"), times=2),), attempts=3, opened=1),
    "F21 handshake fails once": Recovers(
        (at("handshake", reset, times=1),),
        attempts=1,
        options={"tls": {"ca": certificates.authority_pem()}},
        server={"tls": certificates.good()},
    ),
}


@pytest.mark.parametrize("row", RECOVERS.values(), ids=RECOVERS)
def test_a_fault_that_passes_is_nobody_s_business(row, colour, fault_server):
    server = fault_server(*row.rules, **row.server)
    batch = _send(colour, server, row)
    assert batch.all_accepted(), batch.results
    assert batch.results[0].attempts == row.attempts
    assert server.opened == row.opened
    assert len(server.commits) == 1


def _send(colour, server, row, count: int = 1):
    """By the name that the certificates are for."""
    return send_batch(colour, SimpleNamespace(host="localhost", port=server.port), count, **row.options)


@attrs.frozen
class TwoHalves:
    """Content that can be read again; the second half comes when the server has hung up on somebody."""

    server: Any

    def __iter__(self):
        yield bytes(200_000)
        self.server.wait_until(lambda: self.server.closed)
        yield bytes(200_000)


@pytest.mark.parametrize("end", [drop, reset], ids=["drop", "reset"])
def test_f47_lost_in_the_middle_of_a_body(end, fault_server):
    server = fault_server(at("body", end, times=1))
    content = {"filename": "zeros.bin", "content": TwoHalves(server)}
    with create_transport(smtp_pool(host=server.host, port=server.port)) as mailer:
        info = mailer.send_mail(message(1), attachments=[content])
    assert info.attempts == 2
    assert len(server.commits) == 1


@attrs.frozen
class Fails:
    """A fault that is told at once: trying again would not help, or could deliver twice."""

    rules: tuple[Any, ...]
    error: type[Exception]
    outcome: str = "not_sent"
    opened: int = 1
    commits: int = 0
    options: dict[str, Any] = attrs.field(factory=dict)
    server: dict[str, Any] = attrs.field(factory=dict)


FAILS = {
    "F11 greeting 554": Fails((at("greeting", reply("554 no")),), ReplyError, "rejected"),
    "F12 garbage": Fails((at("greeting", send(b"garbage\r\n")),), ProtocolError),
    "F17 no STARTTLS": Fails((), TLSError, options={"require_tls": True}),
    "F20 bad certificate": Fails((), TLSError, server={"tls": certificates.unknown_issuer()}),
    "F23 AUTH 535": Fails((), AuthError, options={"auth": ("me", "wrong")}, server=USERS),
    "F28 MAIL 451": Fails((on("MAIL", reply("451 4.3.0 later")),), ReplyError, "rejected"),
    "F29 MAIL 550": Fails((on("MAIL", reply("550 5.1.0 no")),), ReplyError, "rejected"),
    "F34 MAIL 530": Fails((on("MAIL", reply("530 5.7.0 log in first")),), ReplyError, "not_sent"),
    "F54 final 554": Fails((at("final", reply("554 5.7.1 spam")),), ReplyError, "rejected"),
    "F55 lost, and committed": Fails((at("final", commit, drop),), DeliveryUnknownError, "unknown", commits=1),
    "F56 lost, and not committed": Fails((at("final", drop),), DeliveryUnknownError, "unknown"),
    "F57 no final reply in time": Fails(
        (at("final", commit, silence),), DeliveryUnknownError, "unknown", commits=1, options={"final_timeout": 0.2}
    ),
}


@pytest.mark.parametrize("row", FAILS.values(), ids=FAILS)
def test_a_fault_that_does_not_pass_is_told_at_once_and_once(row, colour, fault_server):
    server = fault_server(*row.rules, **row.server)
    batch = _send(colour, server, row)
    assert isinstance(batch.results[0], row.error), batch.results
    assert batch.results[0].outcome == row.outcome
    assert server.opened == row.opened
    assert len(server.commits) == row.commits


@pytest.mark.parametrize(
    "row", [FAILS["F11 greeting 554"], FAILS["F20 bad certificate"], FAILS["F12 garbage"]], ids=["F11", "F20", "F12"]
)
def test_what_is_final_about_the_server_is_told_to_the_whole_queue_once(row, colour, fault_server):
    server = fault_server(*row.rules, **row.server)
    batch = _send(colour, server, row, 20)
    assert {type(error) for error in batch.errors} == {row.error}
    assert len(batch.errors) == 20
    assert server.opened == 1


def test_f01_a_name_that_does_not_exist(colour):
    batch = send_batch(colour, SimpleNamespace(host="no-such-host.invalid", port=25), 3)
    assert {type(error) for error in batch.errors} == {DNSError}
    assert "no-such-host.invalid" in str(batch.errors[0])


def test_f05_a_port_that_refuses_is_tried_a_few_times_and_no_more(colour):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    started = time.monotonic()
    batch = send_batch(colour, SimpleNamespace(host="127.0.0.1", port=port), 5, max_requeues=2)
    assert {type(error) for error in batch.errors} == {ConnectError}
    assert time.monotonic() - started < 3


def test_f31_a_connection_whose_end_was_seen_is_not_used(colour, fault_server):
    server = fault_server(at("idle", drop))
    batch = send_in_turn(colour, server, 5, max_requeues=0)
    assert batch.all_accepted()
    assert batch.stats.retried == 0


@pytest.mark.parametrize(
    "actions",
    [(drop,), (send(b"421 4.4.2 idle\r\n"), drop), (send(b"250 stray\r\n"),), (reset,)],
    ids=["F67 FIN", "F68 421 and FIN", "F69 stray bytes", "F70 RST"],
)
def test_what_a_server_does_to_an_idle_connection_touches_no_message(actions, colour, fault_server):
    server = fault_server(at("idle", *actions), strict_client=False)
    batch = send_in_turn(colour, server, 4)
    assert batch.all_accepted(), batch.results
    assert len(server.commits) == 4


def test_f74_421_for_everybody_for_a_while(colour, fault_server):
    server = fault_server(at("greeting", reply("421 4.3.2 busy"), drop, times=4))
    batch = send_batch(colour, server, 20)
    assert batch.all_accepted()
    assert batch.stats.throttled == 4
    assert server.most_at_once <= 5


def test_f74_421_for_ever_ends_with_the_message_s_time(colour, fault_server):
    server = fault_server(at("greeting", reply("421 4.3.2 busy"), drop))
    started = time.monotonic()
    batch = send_batch(colour, server, 5, timeout=0.7)
    assert {type(error) for error in batch.errors} == {MailTimeoutError}
    assert batch.outcomes == {"not_sent": 5}
    assert time.monotonic() - started < 1.5
    assert server.opened < 8


def test_f75_a_server_that_restarts_loses_nothing_that_it_acknowledged(colour, fault_server):
    server = fault_server()
    stop = threading.Event()

    def restart() -> None:
        for _ in range(5):
            server.wait_until(lambda: len(server.commits) > 5)
            server.hang_up()
            if stop.wait(0.02):
                return

    restarting = threading.Thread(target=restart)
    restarting.start()
    batch = send_batch(colour, server, 100)
    stop.set()
    restarting.join()
    accepted = sum(getattr(result, "outcome", "") == "accepted" for result in batch.results)
    assert set(batch.outcomes) <= {"accepted", "unknown"}
    assert accepted <= len(server.commits) <= 100


def test_f82_after_the_machine_slept_idle_connections_are_not_used(colour, fault_server, monkeypatch):
    server = fault_server()
    pool = smtp_pool(host=server.host, port=server.port, idle_timeout=0.02)
    with create_transport(pool) as mailer:
        mailer.send_mail(message(1))
        time.sleep(0.03)
        mailer.send_mail(message(2))
    assert server.opened == 2


def test_f83_no_descriptor_left_is_a_temporary_fault(fault_server):
    server = fault_server()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with create_transport(smtp_pool(host=server.host, port=server.port, max_requeues=0)) as mailer:
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            with pytest.raises(ConnectError) as caught:
                mailer.send_mail(message(1))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert caught.value.temporary
        mailer.send_mail(message(2))


def test_f84_a_thousand_cancelled_messages_cost_no_place(fault_server):
    server = fault_server()

    async def scenario() -> None:
        pool = smtp_pool(host=server.host, port=server.port)
        async with create_async_transport(pool) as mailer:
            sends = [asyncio.create_task(mailer.send_mail(message(number))) for number in range(1000)]
            await asyncio.sleep(0.005)
            for send in sends:
                send.cancel()
            await asyncio.gather(*sends, return_exceptions=True)
            assert pool.stats().busy == 0
            infos = await asyncio.gather(*(mailer.send_mail(message(number)) for number in range(20)))
            assert {info.outcome for info in infos} == {"accepted"}

    asyncio.run(scenario())
    assert server.most_at_once <= 5


def test_f86_closing_races_with_everything_and_leaves_no_socket(fault_server):
    server = fault_server(at("greeting", reply("421 busy"), drop, times=3))

    async def scenario(moment: float) -> None:
        pool = smtp_pool(host=server.host, port=server.port, rate_limit=5, rate_delta=0.05)
        mailer = create_async_transport(pool)
        sends = [asyncio.create_task(mailer.send_mail(message(number))) for number in range(20)]
        await asyncio.sleep(moment)
        await mailer.close(drain=False)
        results = await asyncio.gather(*sends, return_exceptions=True)
        assert all(getattr(result, "outcome", None) in ("accepted", "not_sent") for result in results)
        assert pool.stats().connections == 0

    for moment in (0, 0.001, 0.005, 0.02, 0.05):
        asyncio.run(scenario(moment))
    server.wait_until(lambda: server.open == 0)


def test_f87_a_connection_that_gets_too_old_while_it_is_used_is_closed_after(colour, fault_server):
    server = fault_server()
    batch = send_in_turn(colour, server, 3, max_age=0)
    assert batch.all_accepted()
    assert server.opened == 3
    server.wait_for("QUIT", 3)


def test_f88_two_messages_with_one_id_are_two_messages(colour, fault_server):
    server = fault_server()
    pool = smtp_pool(host=server.host, port=server.port)
    with create_transport(pool) as mailer:
        for _ in range(2):
            mailer.send_mail(message(1))
    assert len(server.commits) == 2
