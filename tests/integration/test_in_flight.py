"""`send_many(..., in_flight=…)`: several messages ahead on each connection, each told what became of it."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from pymailer import MessageError, create_async_transport, create_transport
from pymailer_smtp_pool import smtp_pool
from tests.faults import EXTENSIONS, Gate, at, closes_after, commit, drop, hold, on, proceed, reply
from tests.integration.test_connection_faults import CHUNKING


def message(number: int) -> dict[str, Any]:
    return {"from": "a@example.com", "to": f"r{number}@example.com", "subject": f"{number}", "text": "Hello"}


def deliveries(colour: str, server: Any, messages: Any, in_flight: int = 8, **options: Any) -> list[Any]:
    pool = smtp_pool(host="localhost", port=server.port, **{"max_connections": 3, **options})
    if colour == "sync":
        with create_transport(pool) as mailer:
            return list(mailer.send_many(messages, in_flight=in_flight))

    async def go() -> list[Any]:
        async with create_async_transport(pool) as mailer:
            return [delivery async for delivery in mailer.send_many(messages, in_flight=in_flight)]

    return asyncio.run(go())


both_colours = pytest.mark.parametrize("colour", ["sync", "async"])
both_dialogues = pytest.mark.parametrize("dialogue", [CHUNKING, EXTENSIONS], ids=["BDAT", "DATA"])


@both_colours
@both_dialogues
def test_every_message_arrives_once(colour, dialogue, fault_server):
    server = fault_server(extensions=dialogue)
    found = deliveries(colour, server, [message(number) for number in range(100)])
    assert all(delivery.ok for delivery in found)
    assert sorted(delivery.message["subject"] for delivery in found) == sorted(str(number) for number in range(100))
    assert Counter(commit.recipients for commit in server.commits).most_common(1)[0][1] == 1
    assert len(server.commits) == 100
    assert server.most_at_once <= 3


@both_colours
@both_dialogues
def test_a_message_that_cannot_be_composed_harms_no_other(colour, dialogue, fault_server):
    server = fault_server(extensions=dialogue)
    found = deliveries(colour, server, [message(0), {"from": "a@example.com", "to": "bad\n@x"}, message(2)])
    errors = [delivery.error for delivery in found if not delivery.ok]
    assert len(errors) == 1
    assert isinstance(errors[0], MessageError)
    assert len(server.commits) == 2


@both_colours
@both_dialogues
def test_a_refused_recipient_is_told_and_the_rest_goes_on(colour, dialogue, fault_server):
    server = fault_server(on("RCPT TO:<r3@", reply("550 no")), extensions=dialogue, strict_client=False)
    found = deliveries(colour, server, [message(number) for number in range(10)])
    assert {delivery.message["subject"]: str(delivery.outcome) for delivery in found if not delivery.ok} == {
        "3": "rejected"
    }
    assert len(server.commits) == 9


@both_colours
@both_dialogues
def test_a_connection_that_was_used_up_is_replaced(colour, dialogue, fault_server):
    server = fault_server(extensions=dialogue)
    found = deliveries(colour, server, [message(number) for number in range(40)], max_messages=7)
    assert all(delivery.ok for delivery in found)
    assert len(server.commits) == 40
    assert server.opened >= 6


@both_colours
@both_dialogues
def test_nothing_is_lost_or_sent_twice_when_the_server_hangs_up(colour, dialogue, fault_server):
    server = fault_server(closes_after(10), extensions=dialogue, strict_client=False)
    found = deliveries(colour, server, [message(number) for number in range(60)], in_flight=4)
    assert len(found) == 60
    held = Counter(commit.recipients[0] for commit in server.commits)
    for delivery in found:
        times = held[delivery.message["to"]]
        assert times == 1 if delivery.ok else delivery.outcome == "unknown" and times <= 1


@both_colours
def test_a_delivery_is_told_while_others_are_under_way(colour, fault_server):
    gate = Gate()
    server = fault_server(at("final", hold(gate), proceed, message=2), extensions=CHUNKING)
    pool = smtp_pool(host="localhost", port=server.port, max_connections=1)
    messages = [message(number) for number in range(5)]

    def sync() -> int:
        with create_transport(pool) as mailer:
            return sum(gate.open() is None for _ in mailer.send_many(messages, in_flight=3))

    async def go() -> int:
        async with create_async_transport(pool) as mailer:
            return sum([gate.open() is None async for _ in mailer.send_many(messages, in_flight=3)])

    assert (sync() if colour == "sync" else asyncio.run(go())) == 5


@both_colours
def test_a_lost_connection_leaves_at_most_so_many_unknown(colour, fault_server):
    server = fault_server(at("final", commit, drop, skip=5, times=1), extensions=CHUNKING, strict_client=False)
    found = deliveries(colour, server, [message(number) for number in range(30)], in_flight=4, max_connections=1)
    unknown = [delivery for delivery in found if str(delivery.outcome) == "unknown"]
    assert 1 <= len(unknown) <= 4
    assert all(delivery.ok or delivery in unknown for delivery in found)


@both_colours
def test_a_message_over_the_one_flight_limit_goes_by_itself(colour, fault_server):
    server = fault_server(extensions=CHUNKING)
    big = {**message(1), "attachments": [{"filename": "big", "content": b"x" * 1_500_000}]}
    found = deliveries(colour, server, [message(0), big, message(2)])
    assert all(delivery.ok for delivery in found)
    assert len(server.commits) == 3


@both_colours
def test_the_rate_holds_for_messages_in_flight(colour, fault_server):
    server = fault_server(extensions=CHUNKING)
    found = deliveries(colour, server, [message(number) for number in range(9)], rate_limit=4, rate_delta=0.2)
    assert all(delivery.ok for delivery in found)
    begun = sorted(line.at for line in server.lines if line.text.startswith("MAIL"))
    assert all(later - earlier > 0.15 for earlier, later in zip(begun, begun[4:], strict=False))


@both_colours
def test_what_compile_gave_can_be_sent_in_bulk(colour, fault_server):
    server = fault_server(extensions=CHUNKING)
    with create_transport(smtp_pool(host="localhost", port=server.port)) as mailer:
        compiled = [mailer.compile(message(number)) for number in range(5)]
    found = deliveries(colour, server, compiled)
    assert all(delivery.ok for delivery in found)
    assert sorted(commit.content for commit in server.commits) == sorted(mail.content for mail in compiled)


PATIENCE = 500
"""Messages of a stream that somebody may have to wait for."""


@both_colours
def test_who_waits_for_a_connection_gets_one_while_a_stream_goes_on(colour, fault_server):
    server = fault_server(extensions=CHUNKING)
    pool = smtp_pool(host="localhost", port=server.port, max_connections=1, max_messages=10**6)
    sent = threading.Event()

    def stream() -> Iterator[dict[str, Any]]:
        yield from itertools.takewhile(lambda _: not sent.is_set(), map(message, range(PATIENCE)))

    def sync() -> int:
        with create_transport(pool) as mailer:
            deliveries = mailer.send_many(stream(), in_flight=4)
            first = next(deliveries)
            other = threading.Thread(target=lambda: mailer.send_mail(message(10**6)) and sent.set())
            other.start()
            found = [first, *deliveries]
            other.join()
        return len(found)

    async def go() -> int:
        async with create_async_transport(pool) as mailer:
            deliveries = mailer.send_many(stream(), in_flight=4)
            first = await anext(deliveries)
            other = asyncio.create_task(mailer.send_mail(message(10**6)))
            other.add_done_callback(lambda _: sent.set())
            found = [first, *[delivery async for delivery in deliveries]]
            assert (await other).accepted
        return len(found)

    assert (sync() if colour == "sync" else asyncio.run(go())) < PATIENCE
    assert sent.is_set()


@both_colours
@both_dialogues
def test_what_is_tried_again_does_not_wait_for_the_end_of_the_stream(colour, dialogue, fault_server):
    server = fault_server(at("rcpt", reply("451 4.3.0 later"), times=1), extensions=dialogue)
    options = {"max_connections": 1, "max_messages": 10**6, "retry_temporary": True}
    found = deliveries(colour, server, map(message, range(PATIENCE)), in_flight=4, **options)
    assert all(delivery.ok for delivery in found)
    told = [int(delivery.message["subject"]) for delivery in found]
    assert told.index(0) < PATIENCE / 2


@both_colours
@both_dialogues
@pytest.mark.parametrize("in_flight", [1, 4])
def test_recipients_that_are_too_many_for_one_transaction_go_in_another(in_flight, colour, dialogue, fault_server):
    server = fault_server(on("RCPT", reply("452 4.5.3 too many recipients"), skip=3, times=1), extensions=dialogue)
    three = [f"{name}@example.com" for name in "xyz"]
    messages = [message(0), {**message(1), "to": three}, *map(message, range(2, 6))]
    found = deliveries(colour, server, messages, in_flight, max_connections=1)
    assert {str(delivery.outcome) for delivery in found} == {"accepted"}
    split = [delivery.info for delivery in found if delivery.message["to"] == three]
    assert split[0].accepted == tuple(three)
    assert [commit.recipients for commit in server.commits if set(commit.recipients) & set(three)] == [
        ("x@example.com", "y@example.com"),
        ("z@example.com",),
    ]
    assert len(server.commits) == 7


@both_colours
@pytest.mark.parametrize("in_flight", [1, 2])
def test_with_pipelining_alone_the_next_envelope_travels_with_the_end_of_the_message(in_flight, colour, fault_server):
    waiting: list[bool] = []

    def look(conversation: Any) -> None:
        waiting.append(b"MAIL FROM" in conversation.wire.early())

    server = fault_server(at("final", look, proceed, message=1), extensions=EXTENSIONS)
    found = deliveries(colour, server, map(message, range(3)), in_flight, max_connections=1)
    assert all(delivery.ok for delivery in found)
    assert waiting == [in_flight > 1]
