"""The pool as its mailer sees it: who waits, who is served, what is tried again, and what is told."""

from __future__ import annotations

import pytest

from pymailer.errors import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeliveryUnknownError,
    MailTimeoutError,
    PoolError,
    PoolTimeoutError,
    QueueFullError,
    ReplyError,
)
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import Runtime
from tests.unit.crowd import failures, together
from tests.unit.fake_smtp import (
    FakeConnection,
    FakeMessage,
    FakeServer,
    Script,
    fake_mail,
    lost,
    make_pool,
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


def crowd(pool, size: int, **fields):
    return [lambda runtime, number=number: pool.send(fake_mail(runtime, number, **fields)) for number in range(size)]


async def pause(connection: FakeConnection) -> None:
    """Long enough that others come meanwhile."""
    await connection.runtime.sleep(0.005)


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


class TestRefusedCredentials:
    def test_one_login_tells_all(self, colour, server):
        async def opening(connection: FakeConnection) -> None:
            await pause(connection)
            raise wrong_password()

        server.opening = opening
        pool = make_pool(server)
        results = together(colour, crowd(pool, 50))
        assert {type(result) for result in results} == {AuthError}
        assert len({id(result) for result in results}) == 50
        assert server.opened == 1
        assert pool.stats().breaker == "open"

    def test_the_pool_fails_fast_then_probes_once(self, drive, server):
        server.opening = Script(wrong_password(), wrong_password(), None)
        pool = make_pool(server, breaker_timeout=0.05)

        async def scenario(runtime: Runtime) -> None:
            for _ in range(3):
                with pytest.raises(AuthError):
                    await pool.send(fake_mail(runtime))
            assert server.opened == 1
            await runtime.sleep(0.06)
            for _ in range(3):
                with pytest.raises(AuthError):
                    await pool.send(fake_mail(runtime))
            assert server.opened == 2
            await runtime.sleep(0.06)
            await pool.send(fake_mail(runtime))

        drive(scenario)
        assert pool.stats().breaker == "closed"


class TestAServerThatIsDown:
    def test_gets_one_probe_at_a_time_and_all_are_told_in_the_end(self, colour, server):
        async def opening(connection: FakeConnection) -> None:
            await pause(connection)
            raise refused()

        server.opening = opening
        pool = make_pool(server, max_requeues=2)
        results = together(colour, crowd(pool, 20))
        assert {type(result) for result in results} == {ConnectError}
        assert server.opened == 3
        assert server.most_at_once == 1

    def test_that_comes_back_gets_all_messages(self, colour, server):
        server.opening = Script(refused(), refused(), None)
        pool = make_pool(server)
        assert not failures(together(colour, crowd(pool, 20)))
        assert len(server.held) == 20

    def test_is_not_probed_beyond_a_message_s_time(self, drive, server):
        server.opening = Script(*[refused()] * 10)
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(MailTimeoutError, match="connection refused") as caught:
                await pool.send(fake_mail(runtime, deadline=runtime.now() + 0.2))
            assert isinstance(caught.value.__cause__, ConnectError)

        drive(scenario)


class TestABusyServer:
    def test_that_takes_three_connections_gets_three(self, colour, server):
        async def opening(connection: FakeConnection) -> None:
            await pause(connection)
            if len(server.open) > 3:
                raise reply_error(421, "too many connections", Stage.GREETING)

        server.opening, server.sending = opening, pause
        pool = make_pool(server, max_connections=5)
        assert not failures(together(colour, crowd(pool, 30)))
        assert pool.stats().throttled >= 1
        assert "too many connections" in (pool.stats().limit_reason or "")

    def test_that_cannot_check_passwords_for_a_while_is_waited_for(self, drive, server):
        later = reply_error(454, "temporary failure", Stage.AUTH)
        server.opening = Script(later, later, None)
        pool = make_pool(server, max_requeues=0)

        async def scenario(runtime: Runtime) -> None:
            assert (await pool.send(fake_mail(runtime))).outcome is Outcome.ACCEPTED

        drive(scenario)
        assert pool.stats().throttled == 2

    def test_that_says_too_fast_is_given_a_pause(self, drive, server):
        slow_down = reply_error(451, "you send too fast", Stage.MAIL)
        server.sending = Script(slow_down, slow_down, None)
        pool = make_pool(server, max_requeues=0)

        async def scenario(runtime: Runtime) -> None:
            started = runtime.now()
            info = await pool.send(fake_mail(runtime))
            assert info.attempts == 3
            assert runtime.now() - started > 0.1

        drive(scenario)
        assert server.opened == 1


class TestTryingAgain:
    def test_what_is_proved_not_sent(self, drive, server):
        server.sending = Script(lost(Stage.DATA), None)
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            info = await pool.send(fake_mail(runtime))
            assert info.attempts == 2

        drive(scenario)
        assert pool.stats().retried == 1

    def test_ends_with_max_requeues(self, drive, server):
        server.sending = Script(*[lost(Stage.DATA)] * 10)
        pool = make_pool(server, max_requeues=2)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(ConnectionLostError):
                await pool.send(fake_mail(runtime))

        drive(scenario)
        assert server.opened == 3

    def test_is_not_begun_when_the_time_would_be_over(self, drive, server):
        server.sending = Script(*[lost(Stage.DATA)] * 10)
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            started = runtime.now()
            with pytest.raises(ConnectionLostError):
                await pool.send(fake_mail(runtime, deadline=started + 0.04))
            assert runtime.now() - started < 0.04

        drive(scenario)

    def test_never_what_may_have_been_delivered(self, drive, server):
        server.sending = Script(DeliveryUnknownError("nobody can say", stage=Stage.FINAL))
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(DeliveryUnknownError):
                await pool.send(fake_mail(runtime))

        drive(scenario)
        assert server.opened == 1

    def test_what_may_have_been_delivered_where_that_is_asked_for(self, drive, server):
        server.sending = Script(DeliveryUnknownError("nobody can say", stage=Stage.FINAL), None)
        pool = make_pool(server, retry_unknown=True)

        async def scenario(runtime: Runtime) -> None:
            assert (await pool.send(fake_mail(runtime))).attempts == 2

        drive(scenario)

    def test_a_4xx_where_that_is_asked_for(self, drive, server):
        server.sending = Script(reply_error(451, "not now", Stage.RCPT), None)
        pool = make_pool(server, retry_temporary=True)

        async def scenario(runtime: Runtime) -> None:
            assert (await pool.send(fake_mail(runtime))).attempts == 2

        drive(scenario)
        assert server.opened == 1

    @pytest.mark.parametrize("stage", [Stage.BODY, Stage.FINAL])
    def test_never_a_body_that_can_be_read_only_once(self, drive, server, stage):
        server.sending = Script(lost(stage), None)
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(ConnectionLostError, match="can be read only once"):
                await pool.send(fake_mail(runtime, message=FakeMessage(replayable=False)))

        drive(scenario)

    def test_such_a_body_of_which_nothing_was_read(self, drive, server):
        server.sending = Script(lost(Stage.RCPT), None)
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime, message=FakeMessage(replayable=False)))

        drive(scenario)

    def test_is_logged_and_announced_with_its_cause(self, drive, server, caplog):
        server.sending = Script(lost(Stage.DATA), None)
        pool, heard = make_pool(server), []
        pool.on("error", heard.append)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))

        drive(scenario)
        (record,) = caplog.records
        assert "trying again" in record.message
        assert "the connection is gone" in record.message
        assert record.stage == "data"
        assert [type(error) for error in heard] == [ConnectionLostError]


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
        assert [connection.messages for connection in server.connections] == [2, 2, 2]
        assert all(connection.said_quit for connection in server.connections)
        assert pool.stats().connections == 0

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
        assert [connection.messages for connection in server.connections] == [3, 3, 3, 3]
        assert [connection.said_quit for connection in server.connections] == [False, False, True, True]

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


class TestSeeing:
    def test_stats(self, drive, server):
        server.sending = Script(None, reply_error(550, "never", Stage.RCPT))
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            with pytest.raises(ReplyError):
                await pool.send(fake_mail(runtime))

        drive(scenario)
        stats = pool.stats()
        assert (stats.sent, stats.failed, stats.opened, stats.connections, stats.idle) == (1, 1, 1, 1, 1)

    def test_the_repr_can_be_asserted(self, drive, server):
        pool = make_pool(server)
        assert repr(pool) == "<SMTPPool fake:25 connections=0 idle=0 waiting=0 limit=5>"

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            assert repr(pool) == "<SMTPPool fake:25 connections=1 idle=1 waiting=0 limit=5>"
            await pool.close(runtime)

        drive(scenario)
        assert repr(pool) == "<SMTPPool fake:25 connections=0 idle=0 waiting=0 limit=5 closed>"

    def test_is_idle_says_whether_there_is_room(self, drive, server):
        pool = make_pool(server, max_connections=1)
        seen = []
        server.sending = lambda connection: seen.append(pool.is_idle())

        async def scenario(runtime: Runtime) -> None:
            assert pool.is_idle()
            await pool.send(fake_mail(runtime))
            assert pool.is_idle()

        drive(scenario)
        assert seen == [False]

    def test_events(self, drive, server):
        pool, heard = make_pool(server, max_connections=1), []
        pool.on("idle", lambda: heard.append("idle"))
        pool.on("clear", lambda: heard.append("clear"))

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))
            await pool.close(runtime)

        drive(scenario)
        assert heard == ["idle", "clear"]

    def test_a_listener_that_fails_changes_nothing(self, drive, server, caplog):
        pool = make_pool(server, max_connections=1)
        pool.on("idle", lambda: 1 / 0)

        async def scenario(runtime: Runtime) -> None:
            await pool.send(fake_mail(runtime))

        drive(scenario)
        assert server.held == ["mail"]
        assert caplog.records

    def test_a_listener_may_use_the_pool(self, server):
        pool, left = make_pool(server, max_connections=1), [3]

        def more() -> None:
            if left[0]:
                left[0] -= 1
                together("sync", crowd(pool, 1))

        pool.on("idle", more)
        together("sync", crowd(pool, 1))
        assert len(server.held) == 4
