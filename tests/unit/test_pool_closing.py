"""Closing: what is queued is sent or told, what is on its way is finished, and the report says which is which."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pymailer.errors import ConnectionLostError, DeliveryUnknownError, PoolClosedError
from pymailer.outcome import Stage
from pymailer.runtime import Runtime
from tests.unit.crowd import failures, together
from tests.unit.fake_smtp import FakeConnection, FakeServer, Script, crowd, fake_mail, lost, make_pool, refused


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture(params=["sync", "async"])
def colour(request) -> str:
    return request.param


class Hold:
    """Messages stop here until the test lets them go."""

    def __init__(self) -> None:
        self.arrived = 0
        self._open = threading.Event()

    async def __call__(self, connection: FakeConnection) -> None:
        self.arrived += 1
        while not self._open.is_set():
            await connection.runtime.sleep(0.002)

    def release(self) -> None:
        self._open.set()


async def until(runtime: Runtime, condition) -> None:
    for _ in range(2000):
        if condition():
            return
        await runtime.sleep(0.002)
    raise AssertionError("it does not come to that")


def close_when(pool, ready, **how):
    """A coroutine function that closes the pool as soon as `ready()`."""

    async def close(runtime: Runtime):
        await until(runtime, ready)
        return await pool.close(runtime, **how)

    return close


def test_draining_sends_what_is_queued_and_in_flight(colour, server):
    hold = server.sending = Hold()
    pool = make_pool(server, max_connections=2)

    async def release(runtime: Runtime) -> None:
        await until(runtime, lambda: pool._guard.state.closed)
        hold.release()

    everyone = [
        *crowd(pool, 12),
        close_when(pool, lambda: hold.arrived == 2 and pool.stats().waiting == 10),
        release,
    ]
    *results, report, _ = together(colour, everyone)
    assert not failures(results)
    assert report.sent == 12
    assert report.not_sent == report.unknown == ()
    assert server.open == []
    assert all(connection.said_quit for connection in server.connections)


def test_not_draining_tells_what_is_queued_and_finishes_what_is_in_flight(colour, server):
    hold = server.sending = Hold()
    pool = make_pool(server, max_connections=2)

    async def release(runtime: Runtime) -> None:
        await until(runtime, lambda: pool._guard.state.over)
        hold.release()

    everyone = [
        *crowd(pool, 12),
        close_when(pool, lambda: hold.arrived == 2 and pool.stats().waiting == 10, drain=False),
        release,
    ]
    *results, report, _ = together(colour, everyone)
    assert [type(error) for error in failures(results)] == [PoolClosedError] * 10
    assert report.sent == 2
    assert len(report.not_sent) == 10
    assert set(report.not_sent) | set(server.held) == set(range(12))
    assert server.open == []


def test_when_the_time_is_up_the_rest_is_told_and_what_has_begun_is_unknown(colour, server):
    hold = server.sending = Hold()
    pool = make_pool(server, max_connections=1)

    async def close(runtime: Runtime):
        await until(runtime, lambda: hold.arrived == 1 and pool.stats().waiting == 2)
        report = await pool.close(runtime, timeout=0.02)
        hold.release()
        return report

    *results, report = together(colour, [*crowd(pool, 3), close])
    assert len(failures(results)) == 2
    assert report.sent == 0
    assert len(report.not_sent) == 2
    assert len(report.unknown) == 1
    assert server.open == [], "the connection of the message that was left to itself is closed when it is done"


def test_the_report_says_what_failed_and_what_nobody_knows(drive, server):
    hold, failures_to_come = Hold(), [DeliveryUnknownError("?", stage=Stage.FINAL), lost(Stage.BODY)]

    async def sending(connection: FakeConnection) -> None:
        await hold(connection)
        raise failures_to_come.pop(0)

    server.sending = sending
    pool = make_pool(server, max_connections=1, max_requeues=0)

    async def release(runtime: Runtime) -> None:
        await until(runtime, lambda: pool._guard.state.closed)
        hold.release()

    *_, report, _ = together("async", [*crowd(pool, 2), close_when(pool, lambda: hold.arrived == 1), release])
    assert report.unknown == (0,)
    assert report.not_sent == (1,)


def test_a_send_after_closing_is_told_at_once(drive, server):
    pool = make_pool(server)

    async def scenario(runtime: Runtime) -> None:
        await pool.close(runtime)
        with pytest.raises(PoolClosedError):
            await pool.send(fake_mail(runtime))
        with pytest.raises(PoolClosedError):
            await pool.verify(runtime)

    drive(scenario)
    assert server.opened == 0


def test_closing_twice_is_harmless(drive, server):
    pool = make_pool(server)

    async def scenario(runtime: Runtime) -> None:
        await pool.send(fake_mail(runtime))
        await pool.close(runtime)
        report = await pool.close(runtime, drain=False)
        assert (report.sent, report.not_sent, report.unknown) == (0, (), ())

    drive(scenario)


def test_two_who_close_at_once_both_wait(colour, server):
    hold = server.sending = Hold()
    pool = make_pool(server, max_connections=1)

    async def release(runtime: Runtime) -> None:
        await until(runtime, lambda: len(pool._guard.state.closings) == 2)
        hold.release()

    close = close_when(pool, lambda: hold.arrived == 1)
    *_, first, second, _ = together(colour, [*crowd(pool, 1), close, close, release])
    assert first == second
    assert first.sent == 1


@pytest.mark.parametrize("drain", [True, False])
def test_closing_ends_the_waiting_for_another_attempt(colour, server, drain):
    server.opening = Script(*[refused()] * 100)
    pool = make_pool(server, max_requeues=100)
    opened = []

    async def close(runtime: Runtime):
        await until(runtime, lambda: server.opened == 4)
        opened.append(server.opened)
        return await pool.close(runtime, drain=drain, timeout=0.01)

    result, report = together(colour, [*crowd(pool, 1), close])
    assert isinstance(result, PoolClosedError)
    assert "refused" in str(result.__cause__)
    assert report.not_sent == (0,)


def test_closing_ends_the_waiting_for_the_rate(colour, server):
    pool = make_pool(server, rate_limit=1, rate_delta=60)
    ready = lambda: len(server.held) == 1 and pool.stats().busy == 2  # noqa: E731
    *results, report = together(colour, [*crowd(pool, 3), close_when(pool, ready, drain=False)])
    assert [type(error) for error in failures(results)] == [PoolClosedError] * 2
    assert len(report.not_sent) == 2
    assert server.open == []


def test_a_goodbye_that_fails_is_nobody_s_business(drive, server):
    pool = make_pool(server)

    async def scenario(runtime: Runtime) -> None:
        await pool.send(fake_mail(runtime))
        server.leaving = Script(ConnectionLostError("gone", stage=Stage.FINAL))
        await pool.close(runtime)

    drive(scenario)
    assert server.open == []


def test_who_is_cancelled_while_closing_has_closed_all_the_same(server):
    pool = make_pool(server, max_connections=3)

    async def scenario() -> None:
        from pymailer.runtime.aio import AsyncioRuntime

        runtime = AsyncioRuntime()
        server.sending = lambda connection: connection.runtime.sleep(0.01)
        await asyncio.gather(*(pool.send(fake_mail(runtime)) for _ in range(3)))
        server.leaving = lambda connection: runtime.sleep(10)
        closing = asyncio.create_task(pool.close(runtime))
        await asyncio.sleep(0.01)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(scenario())
    assert server.open == []
    assert pool.stats().connections == 0
