"""One pool for threads, event loops and both colours at once; and for a forked child, which starts anew."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from random import Random

import pytest

from pymailer.runtime import Runtime, run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime
from pymailer_smtp_pool.state import PoolState
from tests.simulation.scheduler import Scheduler
from tests.unit.crowd import failures, together
from tests.unit.fake_smtp import FakeConnection, FakeServer, fake_mail, make_pool

MESSAGES = 40


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def test_threads_and_event_loops_share_one_limit(server):
    async def sending(connection: FakeConnection) -> None:
        await connection.runtime.sleep(0.001)

    server.opening = server.sending = sending
    pool = make_pool(server, max_connections=3, max_messages=7)
    threads = [threading.Thread(target=work, args=(pool, number)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(server.held) == sorted((number, each) for number in range(6) for each in range(MESSAGES))
    assert server.most_at_once == 3
    assert pool.stats().sent == 6 * MESSAGES
    run(pool.close(BlockingRuntime()))
    assert server.open == []


def work(pool, number: int) -> None:
    """An even number is a blocking thread, an odd one an event loop of its own."""
    if number % 2:
        asyncio.run(in_a_loop(pool, number))
    else:
        for each in range(MESSAGES):
            run(pool.send(fake_mail(BlockingRuntime(), (number, each))))


async def in_a_loop(pool, number: int) -> None:
    runtime = AsyncioRuntime()
    await asyncio.gather(*(pool.send(fake_mail(runtime, (number, each))) for each in range(MESSAGES)))


def test_a_connection_made_in_one_colour_serves_the_other(server):
    pool = make_pool(server)
    run(pool.send(fake_mail(BlockingRuntime())))

    async def scenario() -> None:
        await pool.send(fake_mail(AsyncioRuntime()))

    asyncio.run(scenario())
    asyncio.run(scenario())
    assert server.opened == 1


def test_a_thousand_who_wait_are_served_in_order_and_in_linear_time(server):
    def seconds_for(size: int) -> float:
        pool = make_pool(FakeServer(sending=lambda connection: connection.runtime.sleep(0)), max_connections=2)
        scheduler = Scheduler(Random(1))
        for number in range(size):
            scheduler.spawn(pool.send(fake_mail(scheduler, number)))
            scheduler.turn()
        started = time.process_time()
        scheduler.run()
        return time.process_time() - started

    short, long = (min(seconds_for(size) for _ in range(3)) for size in (250, 1000))
    assert long < 12 * short + 0.05  # four times as many; quadratic would be sixteen times as long


class TestFork:
    """What a child sees is told by its exit status."""

    @staticmethod
    def child(function) -> int:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                function()
                status = 0
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_a_child_starts_with_an_empty_pool_and_says_nothing(self, server):
        pool = make_pool(server)
        run(pool.send(fake_mail(BlockingRuntime())))

        def child() -> None:
            assert pool.stats().connections == 0
            assert not server.connections[0].is_open
            assert not server.connections[0].said_quit
            run(pool.send(fake_mail(BlockingRuntime())))
            assert server.opened == 2

        assert self.child(child) == 0
        assert server.connections[0].is_open
        run(pool.send(fake_mail(BlockingRuntime())))
        assert server.opened == 1

    def test_a_child_can_send_although_the_lock_was_held(self, server):
        pool = make_pool(server)
        held, release = threading.Event(), threading.Event()

        def hold(state: PoolState) -> None:
            held.set()
            release.wait(10)

        thread = threading.Thread(target=pool._guard, args=(hold,))
        thread.start()
        held.wait(10)
        try:
            assert self.child(lambda: run(pool.send(fake_mail(BlockingRuntime())))) == 0
        finally:
            release.set()
            thread.join()

    def test_a_child_of_a_closed_pool_has_a_closed_pool(self, server):
        pool = make_pool(server)
        run(pool.close(BlockingRuntime()))

        def child() -> None:
            assert "closed" in repr(pool)

        assert self.child(child) == 0

    def test_messages_of_other_threads_are_the_parent_s(self, server):
        gate = threading.Event()

        async def sending(connection: FakeConnection) -> None:
            while not gate.is_set():
                await connection.runtime.sleep(0.001)

        server.sending = sending
        pool = make_pool(server, max_connections=1)
        threads = [threading.Thread(target=lambda: run(pool.send(fake_mail(BlockingRuntime())))) for _ in range(3)]
        for thread in threads:
            thread.start()
        while pool.stats().waiting < 2:
            time.sleep(0.001)

        def child() -> None:
            assert pool.stats().waiting == 0
            gate.set()
            run(pool.send(fake_mail(BlockingRuntime())))

        try:
            assert self.child(child) == 0
        finally:
            gate.set()
            for thread in threads:
                thread.join(10)
        assert len(server.held) == 3


def test_the_same_coroutine_serves_every_runtime(drive_all, server):
    pool = make_pool(server)

    async def scenario(runtime: Runtime) -> None:
        for _ in range(3):
            await pool.send(fake_mail(runtime))
        await pool.close(runtime)

    drive_all(scenario)
    assert len(server.held) == 3


def test_both_colours_wait_in_one_line(server):
    async def sending(connection: FakeConnection) -> None:
        await connection.runtime.sleep(0.001)

    server.sending = sending
    pool = make_pool(server, max_connections=1)
    box = []

    def asynchronous() -> None:
        box.append(together("async", [lambda runtime: pool.send(fake_mail(runtime)) for _ in range(10)]))

    thread = threading.Thread(target=asynchronous)
    thread.start()
    box.append(together("sync", [lambda runtime: pool.send(fake_mail(runtime)) for _ in range(10)]))
    thread.join(20)
    assert not failures([result for results in box for result in results])
    assert server.most_at_once == 1
