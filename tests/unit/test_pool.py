"""Lending and waiting: who gets a connection, who waits for it, and for how long."""

from __future__ import annotations

import pytest

from pymailer.errors import (
    AuthError,
    ConnectError,
    MailTimeoutError,
    PoolTimeoutError,
    QueueFullError,
    ReplyError,
)
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import Runtime
from tests.unit.crowd import failures, together
from tests.unit.fake_smtp import (
    FakeServer,
    Script,
    crowd,
    fake_mail,
    make_pool,
    pause,
    refused,
    reply_error,
    wrong_password,
)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture(params=["sync", "async"])
def colour(request) -> str:
    return request.param


class TestLending:
    def test_one_connection_carries_message_after_message(self, drive, server):
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            for number in range(3):
                info = await pool.send(fake_mail(runtime, number))
                assert info.outcome is Outcome.ACCEPTED
            await pool.close(runtime)

        drive(scenario)
        assert server.held == [0, 1, 2]
        assert server.opened == 1
        assert server.connections[0].said_quit

    def test_there_are_never_more_connections_than_allowed(self, colour, server):
        server.opening = server.sending = pause
        pool = make_pool(server, max_connections=3)
        assert not failures(together(colour, crowd(pool, 20)))
        assert sorted(server.held) == list(range(20))
        assert server.most_at_once == 3
        assert pool.stats().idle == 3

    def test_first_come_first_served(self, server):
        server.sending = pause
        pool = make_pool(server, max_connections=1)
        together("async", crowd(pool, 20))
        assert server.held == list(range(20))

    def test_a_lower_priority_number_is_served_first(self, server):
        server.sending = pause
        pool = make_pool(server, max_connections=1)
        newsletter = crowd(pool, 5, queue_priority=10)
        together("async", [*newsletter, lambda runtime: pool.send(fake_mail(runtime, "password reset"))])
        assert server.held[:2] == [0, "password reset"]

    def test_a_refused_message_leaves_its_connection_to_the_next(self, drive, server):
        server.sending = Script(reply_error(550, "never", Stage.RCPT))
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(ReplyError):
                await pool.send(fake_mail(runtime))
            await pool.send(fake_mail(runtime))

        drive(scenario)
        assert server.opened == 1

    def test_an_unexpected_error_passes_and_leaves_nothing_behind(self, drive, server):
        server.sending = Script(ZeroDivisionError())
        pool = make_pool(server, max_connections=1)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(ZeroDivisionError):
                await pool.send(fake_mail(runtime))
            assert pool.stats().connections == 0
            await pool.send(fake_mail(runtime))

        drive(scenario)


class TestWaiting:
    def test_is_bounded_by_queue_timeout(self, colour, server):
        server.sending = lambda connection: connection.runtime.sleep(0.3)
        pool = make_pool(server, max_connections=1, queue_timeout=0.05)
        errors = failures(together(colour, crowd(pool, 3)))
        assert [type(error) for error in errors] == [PoolTimeoutError] * 2
        assert errors[0].outcome is Outcome.NOT_SENT
        assert "queue_timeout" in str(errors[0])

    def test_is_bounded_by_the_message_s_own_deadline(self, colour, server):
        server.sending = lambda connection: connection.runtime.sleep(0.3)
        pool = make_pool(server, max_connections=1)

        def hurried(runtime: Runtime):
            return pool.send(fake_mail(runtime, deadline=runtime.now() + 0.05))

        errors = failures(together(colour, [*crowd(pool, 1), hurried, hurried]))
        assert {type(error) for error in errors} == {MailTimeoutError}
        assert {error.stage for error in errors} == {Stage.QUEUE}

    def test_is_for_no_more_than_max_queue(self, server):
        server.sending = pause
        pool = make_pool(server, max_connections=1, max_queue=2)
        errors = failures(together("async", crowd(pool, 6)))
        assert [type(error) for error in errors] == [QueueFullError] * 3

    def test_is_part_of_the_result(self, colour, server):
        server.sending = lambda connection: connection.runtime.sleep(0.05)
        server.opening = lambda connection: connection.runtime.sleep(0.02)
        pool = make_pool(server, max_connections=1)
        infos = sorted(together(colour, crowd(pool, 2)), key=lambda info: info.queue_time)
        assert infos[0].connect_time >= 0.02
        assert infos[0].queue_time == 0
        assert infos[1].connect_time == 0
        assert infos[1].queue_time >= 0.04


class TestVerifying:
    def test_connects_and_says_goodbye(self, drive, server):
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            assert await pool.verify(runtime) is True

        drive(scenario)
        assert server.opened == 1
        assert server.connections[0].said_quit
        assert pool.stats().connections == 0

    def test_raises_what_a_send_would_at_once(self, drive, server):
        server.opening = Script(refused())
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(ConnectError):
                await pool.verify(runtime)

        drive(scenario)
        assert pool.stats().connections == 0

    def test_stays_within_the_limit(self, drive, server):
        pool = make_pool(server, max_connections=1)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            await pool.verify(runtime)
            await pool.send(fake_mail(runtime))

        drive(scenario)
        assert server.most_at_once == 1
        assert server.opened == 3

    def test_does_not_log_in_again_with_a_password_that_was_refused(self, drive, server):
        server.opening = Script(wrong_password())
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            for _ in range(3):
                with pytest.raises(AuthError):
                    await pool.verify(runtime)

        drive(scenario)
        assert server.opened == 1
