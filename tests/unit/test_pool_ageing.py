"""Old connections and fast senders: what wears out is replaced, and the rate holds."""

from __future__ import annotations

import pytest

from pymailer.errors import (
    ConnectionLostError,
    PoolError,
    ReplyError,
)
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import Runtime
from tests.unit.crowd import failures, together
from tests.unit.fake_smtp import (
    FakeConnection,
    FakeServer,
    Script,
    crowd,
    fake_mail,
    lost,
    make_pool,
    pause,
    reply_error,
)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture(params=["sync", "async"])
def colour(request) -> str:
    return request.param


class TestOldConnections:
    def test_one_that_the_server_closed_is_not_used(self, drive, server):
        pool = make_pool(server, max_requeues=0)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            server.connections[0].hung_up = True
            info = await pool.send(fake_mail(runtime))
            assert info.attempts == 1

        drive(scenario)
        assert server.opened == 2
        assert not server.connections[0].is_open

    @pytest.mark.parametrize("error", [lost(Stage.MAIL), reply_error(421, "closing", Stage.MAIL)], ids=repr)
    def test_one_that_dies_at_mail_is_replaced_for_free(self, drive, server, error, caplog):
        server.sending = Script(None, error, None)
        pool = make_pool(server, max_requeues=0)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            info = await pool.send(fake_mail(runtime))
            assert info.attempts == 1

        drive(scenario)
        assert server.opened == 2
        assert pool.stats().retried == 0
        assert not caplog.records

    def test_a_new_one_that_dies_at_mail_is_not(self, drive, server):
        server.sending = Script(lost(Stage.MAIL))
        pool = make_pool(server, max_requeues=0)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(ConnectionLostError):
                await pool.send(fake_mail(runtime))

        drive(scenario)

    def test_max_messages_ends_one(self, drive, server):
        pool = make_pool(server, max_messages=2)

        async def scenario(runtime: Runtime) -> None:
            for number in range(6):
                await pool.send(fake_mail(runtime, number))

        drive(scenario)
        assert pool.stats().connections == 0
        assert [connection.messages for connection in server.connections] == [2, 2, 2]
        assert all(connection.said_quit for connection in server.connections)

    def test_the_server_is_waited_for_when_its_place_is_needed(self, drive, server):
        server.leaving = pause
        pool = make_pool(server, max_connections=1, max_messages=1)

        async def scenario(runtime: Runtime) -> None:
            for number in range(3):
                await pool.send(fake_mail(runtime, number))
            await pool.close(runtime)

        drive(scenario)
        assert server.most_at_once == 1
        assert [connection.answered_quit for connection in server.connections] == [True, True, True]

    def test_so_does_what_the_server_says_it_takes(self, drive, server):
        server.mailmax = 3
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            for number in range(6):
                await pool.send(fake_mail(runtime, number))

        drive(scenario)
        assert [connection.messages for connection in server.connections] == [3, 3]

    def test_so_does_what_the_server_taught_us(self, drive, server):
        def hang_up_after_three(connection: FakeConnection) -> None:
            connection.hung_up = connection.messages == 3

        server.sending = hang_up_after_three
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            for number in range(12):
                await pool.send(fake_mail(runtime, number))

        drive(scenario)
        assert pool.stats().connections == 0
        assert [connection.messages for connection in server.connections] == [3, 3, 3, 3]
        assert [connection.said_quit for connection in server.connections] == [False, False, False, True]

    def test_idle_timeout_ends_one_with_a_goodbye(self, drive, server):
        pool = make_pool(server, idle_timeout=0.02)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            await runtime.sleep(0.03)
            assert pool.stats().connections == 0
            assert server.connections[0].said_quit
            await pool.send(fake_mail(runtime))

        drive(scenario)
        assert server.opened == 2

    def test_max_age_ends_one(self, drive, server):
        pool = make_pool(server, max_age=0.02)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            await runtime.sleep(0.03)
            await pool.send(fake_mail(runtime))

        drive(scenario)
        assert server.opened == 2


class TestTheRate:
    def test_holds_over_all_connections(self, colour, server):
        begun = []
        server.sending = lambda connection: begun.append(connection.runtime.now())
        pool = make_pool(server, max_connections=5, rate_limit=2, rate_delta=0.1)
        assert not failures(together(colour, crowd(pool, 8)))
        begun.sort()
        assert all(later - earlier >= 0.1 for earlier, later in zip(begun, begun[2:], strict=False))
        assert begun[-1] - begun[0] < 1.0

    def test_counts_what_fails_too(self, drive, server):
        server.sending = Script(*[reply_error(550, "never", Stage.RCPT)] * 3)
        pool = make_pool(server, rate_limit=1, rate_delta=0.05)

        async def scenario(runtime: Runtime) -> None:
            started = runtime.now()
            for _ in range(3):
                with pytest.raises(ReplyError):
                    await pool.send(fake_mail(runtime))
            assert runtime.now() - started >= 0.1

        drive(scenario)

    def test_slower_than_connections_live_still_makes_progress(self, drive, server):
        pool = make_pool(server, rate_limit=1, rate_delta=0.05, idle_timeout=0.01)

        async def scenario(runtime: Runtime) -> None:
            for number in range(3):
                await pool.send(fake_mail(runtime, number))

        drive(scenario)
        assert server.held == [0, 1, 2]

    def test_may_be_kept_by_somebody_else(self, drive, server):
        class Mine:
            asked = 0

            def reserve(self, now: float) -> float:
                self.asked += 1
                return 0.03

        pool = make_pool(server, rate_limiter=Mine())

        async def scenario(runtime: Runtime) -> None:
            started = runtime.now()
            await pool.send(fake_mail(runtime))
            assert runtime.now() - started >= 0.03

        drive(scenario)
        assert pool.options.rate_limiter.asked == 1

    def test_may_be_kept_by_a_coroutine(self, drive, server):
        class Mine:
            async def reserve(self, now: float) -> float:
                return 0.0

        pool = make_pool(server, rate_limiter=Mine())

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))

        drive(scenario)

    def test_by_somebody_who_fails_is_told(self, drive, server):
        class Mine:
            def reserve(self, now: float) -> float:
                raise OSError("no Redis")

        pool = make_pool(server, rate_limiter=Mine())

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(PoolError, match="no Redis") as caught:
                await pool.send(fake_mail(runtime))
            assert caught.value.outcome is Outcome.NOT_SENT

        drive(scenario)
        assert pool.stats().busy == 0
