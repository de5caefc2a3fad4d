"""Cancellation at every point: a message that is given up leaves its place to the next."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from pymailer.outcome import Outcome
from pymailer.runtime import run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime
from tests.unit.fake_smtp import FakeConnection, FakeServer, fake_mail, make_pool


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


async def until(condition) -> None:
    """Let the loop turn until it is so."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not come to that")


async def slowly(connection: FakeConnection) -> None:
    await connection.runtime.sleep(0.002)


@pytest.mark.parametrize("turns", range(0, 60, 3))
def test_cancelled_after_so_many_turns_of_the_loop_a_message_leaves_nothing_behind(server, turns):
    server.opening = server.sending = slowly
    pool = make_pool(server, max_connections=1)

    async def scenario() -> None:
        runtime = AsyncioRuntime()
        tasks = [asyncio.create_task(pool.send(fake_mail(runtime, number))) for number in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0.0005 if turns > 10 else 0)
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert 2 in server.held
        assert pool.stats().busy == 0
        assert pool.stats().waiting == 0

    asyncio.run(scenario())


def test_a_thousand_cancelled_messages_cost_no_place(server):
    server.opening = server.sending = slowly
    pool = make_pool(server, max_connections=5)

    async def scenario() -> None:
        runtime = AsyncioRuntime()
        tasks = [asyncio.create_task(pool.send(fake_mail(runtime, number))) for number in range(1000)]
        for task in tasks:
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool.stats().busy == 0
        server.held.clear()
        await asyncio.gather(*(pool.send(fake_mail(runtime, number)) for number in range(20)))
        assert server.most_at_once == 5
        assert len(server.held) == 20

    asyncio.run(scenario())


def test_a_cancelled_message_in_flight_closes_its_connection(server):
    server.sending = lambda connection: connection.runtime.sleep(10)
    pool = make_pool(server)

    async def scenario() -> None:
        task = asyncio.create_task(pool.send(fake_mail(AsyncioRuntime())))
        await until(lambda: server.connections and server.connections[0].messages)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert server.open == []
    assert pool.stats().connections == 0


def test_a_turn_that_comes_as_its_message_is_cancelled_passes_on(server):
    pool = make_pool(server, max_connections=1)

    async def scenario() -> None:
        runtime = AsyncioRuntime()
        gate = asyncio.Event()
        server.sending = lambda connection: gate.wait()
        first, second, third = (asyncio.create_task(pool.send(fake_mail(runtime, number))) for number in range(3))
        await until(lambda: pool.stats().waiting == 2)
        gate.set()
        await until(first.done)
        second.cancel()  # it has its turn by now, and has not run since
        await asyncio.gather(second, return_exceptions=True)
        assert (await third).outcome is Outcome.ACCEPTED

    asyncio.run(scenario())


def test_a_message_whose_loop_was_closed_while_it_waited_is_passed_over(server, caplog):
    pool = make_pool(server, max_connections=1)
    heard = []
    pool.on("error", heard.append)
    loop = asyncio.new_event_loop()
    gate = None

    async def hold() -> None:
        nonlocal gate
        gate = asyncio.Event()
        server.sending = lambda connection: gate.wait() if connection.mail.data == "first" else None
        holder = asyncio.create_task(pool.send(fake_mail(AsyncioRuntime(), "first")))
        await until(lambda: server.open)
        forgotten = abandoned_loop(pool)
        gate.set()
        await holder
        del forgotten

    loop.run_until_complete(hold())
    loop.close()
    assert run(pool.send(fake_mail(BlockingRuntime(), "last"))).outcome is Outcome.ACCEPTED
    assert server.held == ["first", "last"]
    assert "event loop was closed" in str(heard[0])
    gc.collect()


def abandoned_loop(pool):
    """A task that waits in a loop that nobody will ever run again."""
    box = {}

    def work() -> None:
        loop = asyncio.new_event_loop()
        box["task"] = loop.create_task(pool.send(fake_mail(AsyncioRuntime(), "forgotten")))
        loop.call_later(0.02, loop.stop)
        loop.run_forever()
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    box["task"]._log_destroy_pending = False
    return box["task"]


def test_a_message_whose_coroutine_is_thrown_away_gives_its_place_back(server):
    pool = make_pool(server, max_connections=1)
    loop = asyncio.new_event_loop()
    server.sending = lambda connection: asyncio.Event().wait()
    task = loop.create_task(pool.send(fake_mail(AsyncioRuntime())))
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    loop.close()
    assert pool.stats().busy == 1
    task._log_destroy_pending = False
    del task
    gc.collect()
    assert pool.stats().busy == 0
    assert server.open == []
