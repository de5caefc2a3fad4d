"""Scenarios that other clients fail, each against a real server on loopback, in both colours; named by their rows.

The truth about a message is the server's: `commits`.
"""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from pymailer import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeliveryUnknownError,
    Outcome,
    PoolClosedError,
    create_transport,
)
from pymailer_smtp_pool import smtp_pool
from tests.faults import (
    EXTENSIONS,
    Gate,
    at,
    closes_after,
    commit,
    drop,
    hold,
    on,
    proceed,
    reply,
    send,
    trickle,
)
from tests.integration.batches import message, send_batch, send_in_turn

CHUNKING = (*EXTENSIONS, "CHUNKING")
USERS = {"users": {"me": "right"}}
RIGHT = {"auth": ("me", "right")}
BUSY = "432 4.3.2 Concurrent connections limit exceeded"


@pytest.fixture(params=["sync", "async", "sync stream", "async stream"])
def colour(request) -> str:
    return request.param


def test_s1b_a_server_that_hangs_up_after_each_message(colour, fault_server):
    server = fault_server(closes_after(1))
    started = time.monotonic()
    batch = send_in_turn(colour, server, 30)
    assert batch.all_accepted()
    assert len(server.commits) == 30
    assert time.monotonic() - started < 2


def test_s2_committed_but_never_said_so(colour, fault_server):
    server = fault_server(at("final", commit, drop))
    batch = send_batch(colour, server, 1)
    assert isinstance(batch.results[0], DeliveryUnknownError)
    assert isinstance(batch.results[0].__cause__, ConnectionLostError)
    assert len(server.commits) == 1


def test_s3_dropped_at_data_is_told_apart_and_tried_again(colour, fault_server):
    server = fault_server(on("DATA", drop, times=2))
    batch = send_batch(colour, server, 1)
    assert batch.all_accepted()
    assert batch.results[0].attempts == 3
    assert len(server.commits) == 1


def test_s4_421_at_mail_on_a_connection_that_was_used(colour, fault_server):
    server = fault_server(on("MAIL", reply("421 4.3.2 closing"), drop, message=2))
    batch = send_in_turn(colour, server, 3, max_requeues=0)
    assert batch.all_accepted()
    assert len(server.commits) == 3
    assert {result.attempts for result in batch.results} == {1}


def test_s5_a_server_that_takes_three_connections(colour, fault_server):
    server = fault_server(limit=3)
    batch = send_batch(colour, server, 30)
    assert batch.all_accepted()
    assert batch.stats.limit == 3
    assert "421" in batch.stats.limit_reason
    assert server.most_at_once <= 5


def test_s6_a_server_that_says_432_at_auth_beyond_three(colour, fault_server):
    def three_at_once(conversation) -> None:
        if conversation.at_once > 3:
            conversation.reply(BUSY)
            drop(conversation)
        conversation.proceed()

    server = fault_server(at("login", three_at_once), **USERS)
    batch = send_batch(colour, server, 30, **RIGHT)
    assert batch.all_accepted()


def test_s7_a_wrong_password_makes_one_login(colour, fault_server):
    server = fault_server(**USERS)
    batch = send_batch(colour, server, 50, auth=("me", "wrong"))
    assert [type(error) for error in batch.errors] == [AuthError] * 50
    assert len(server.logins) == 1


def test_s8_a_login_that_is_refused_for_now_twice(colour, fault_server):
    server = fault_server(at("login", reply("454 4.7.0 Temporary authentication failure"), times=2), **USERS)
    batch = send_batch(colour, server, 5, **RIGHT)
    assert batch.all_accepted()


def test_s9_a_server_that_always_closes_before_its_greeting(colour, fault_server):
    server = fault_server(at("greeting", drop))
    batch = send_batch(colour, server, 5)
    assert {type(error) for error in batch.errors} == {ConnectionLostError}
    assert batch.outcomes == {"not_sent": 5}
    assert server.opened == 6
    assert server.most_at_once == 1


def test_s10_a_refused_recipient_costs_no_connection(colour, fault_server):
    odd = tuple(f"RCPT TO:<b{number}@" for number in range(1, 20, 2))
    server = fault_server(*(on(line, reply("550 5.1.1 no such user")) for line in odd))
    batch = send_in_turn(colour, server, 20)
    assert batch.outcomes == {"accepted": 10, "rejected": 10}
    assert server.opened == 1


def test_s11_the_rate_holds_in_every_window(colour, fault_server):
    times: list[float] = []

    def note(conversation) -> None:
        times.append(time.monotonic())
        conversation.proceed()

    server = fault_server(on("MAIL", note))
    batch = send_batch(colour, server, 8, rate_limit=2, rate_delta=0.4)
    assert batch.all_accepted()
    times.sort()
    assert all(later - earlier >= 0.39 for earlier, later in zip(times, times[2:], strict=False))


def test_s12_a_reply_that_trickles_does_not_outlast_its_time(colour, fault_server):
    server = fault_server(at("final", commit, trickle("250 2.0.0 " + "x" * 100, pause=0.05)))
    started = time.monotonic()
    batch = send_batch(colour, server, 1, final_timeout=0.3)
    assert isinstance(batch.results[0], DeliveryUnknownError)
    assert time.monotonic() - started < 2


def test_s13_closing_says_what_was_not_sent(fault_server):
    gate = Gate()
    server = fault_server(at("final", hold(gate), proceed))
    pool = smtp_pool(host=server.host, port=server.port, max_connections=2)
    mailer = create_transport(pool)
    with ThreadPoolExecutor(13) as threads:
        sends = [threads.submit(mailer.send_mail, message(number)) for number in range(12)]
        server.wait_until(lambda: len(server.bodies) == 2)
        until(lambda: pool.stats().waiting == 10)
        closing = threads.submit(mailer.close, drain=False)
        errors = [send.exception() for send in sends if not still_begun(send)]
        gate.open()
        report = closing.result()
    assert sum(isinstance(error, PoolClosedError) for error in errors) == 10
    assert (report.sent, len(report.not_sent), report.unknown) == (2, 10, ())
    assert {data.subject for data in report.not_sent} < {f"message {number}" for number in range(12)}
    assert len(server.commits) == 2


def still_begun(send) -> bool:
    """Whether this one is held by the server; the others are told within a moment."""
    try:
        send.exception(timeout=0.5)
    except TimeoutError:
        return True
    return False


def until(condition, patience: float = 5.0) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.001)


def test_s15_a_send_after_closing_fails_at_once(fault_server):
    server = fault_server()
    mailer = create_transport(smtp_pool(host=server.host, port=server.port))
    mailer.close()
    with pytest.raises(PoolClosedError):
        mailer.send_mail(message(1))
    assert server.opened == 0


def test_s16_a_server_that_hangs_up_after_twenty_messages(colour, fault_server):
    server = fault_server(closes_after(20))
    batch = send_batch(colour, server, 100)
    assert batch.all_accepted()
    assert len(server.commits) == 100


def test_s16_a_message_in_one_flight_that_crosses_the_hanging_up_is_at_worst_unknown(colour, fault_server):
    server = fault_server(closes_after(20), extensions=CHUNKING)
    batch = send_batch(colour, server, 100)
    assert set(batch.outcomes) <= {"accepted", "unknown"}
    assert batch.outcomes["accepted"] <= len(server.commits) <= 100


def test_s16_one_connection_for_as_many_messages_as_the_server_takes(colour, fault_server):
    server = fault_server(closes_after(5))
    batch = send_in_turn(colour, server, 30)
    assert batch.all_accepted()
    assert server.opened == 6


def test_the_server_never_sees_more_connections_than_are_allowed(colour, fault_server):
    server = fault_server()
    batch = send_batch(colour, server, 40, max_connections=2, max_messages=2)
    assert batch.all_accepted()
    assert server.most_at_once == 2


def test_s17_a_server_that_pushes_451_and_hangs_up_while_idle(colour, fault_server):
    push = send(b"451 4.4.2 Timeout waiting for data from client\r\n")
    server = fault_server(at("idle", push, drop))
    batch = send_in_turn(colour, server, 5, max_requeues=0)
    assert batch.all_accepted()
    assert len(server.commits) == 5


@pytest.mark.parametrize("colour", ["sync", "async"])  # all at once: a stream asks again for those who come later
def test_s19_a_port_where_nobody_listens(colour):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        host, port = unused.getsockname()

    started = time.monotonic()
    batch = send_batch(colour, SimpleNamespace(host=host, port=port), 20)
    assert {type(error) for error in batch.errors} == {ConnectError}
    assert batch.outcomes == {Outcome.NOT_SENT: 20}
    assert time.monotonic() - started < 6
