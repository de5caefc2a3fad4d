"""Servers in trouble: a password that is refused, a server that is down or busy, and what is tried again."""

from __future__ import annotations

import gc
import weakref
from random import Random

import pytest

from pymailer.errors import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeliveryUnknownError,
    MailTimeoutError,
)
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import Runtime
from tests.simulation.scheduler import Scheduler
from tests.unit.crowd import failures, together
from tests.unit.fake_smtp import (
    FakeConnection,
    FakeMessage,
    FakeServer,
    Script,
    crowd,
    fake_mail,
    lost,
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

    def test_is_not_probed_beyond_a_message_s_time(self, server):
        server.opening = Script(*[refused()] * 10)
        pool, scheduler = make_pool(server), Scheduler(Random(1))
        mail = fake_mail(scheduler, deadline=scheduler.now() + 0.2)
        sent = scheduler.spawn(pool.send(mail))
        scheduler.run()
        assert isinstance(sent.error, MailTimeoutError)
        assert "connection refused" in str(sent.error)
        assert isinstance(sent.error.__cause__, ConnectError)
        assert scheduler.now() < mail.deadline


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

    def test_a_body_is_not_blamed_for_what_would_not_be_tried_again_anyhow(self, drive, server):
        server.sending = Script(DeliveryUnknownError("nobody can say", stage=Stage.FINAL))
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> None:
            with pytest.raises(DeliveryUnknownError, match=r"nobody can say$"):
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


class TestWhatFailed:
    def test_needs_no_garbage_collector_to_be_forgotten(self, drive, server):
        server.sending = Script(lost(Stage.DATA), lost(Stage.BODY))
        pool = make_pool(server, max_requeues=1)

        async def scenario(runtime: Runtime) -> weakref.ref:
            mail = fake_mail(runtime)
            try:
                await pool.send(mail)
            except ConnectionLostError:
                server.connections.clear()
            return weakref.ref(mail)

        gc.disable()
        try:
            assert drive(scenario)() is None
        finally:
            gc.enable()

    def test_is_not_kept_as_the_reason_for_which_others_fail_fast(self, drive, server):
        server.opening = Script(wrong_password())
        pool = make_pool(server)

        async def scenario(runtime: Runtime) -> weakref.ref:
            mail = fake_mail(runtime)
            for each in (mail, fake_mail(runtime)):
                with pytest.raises(AuthError):
                    await pool.send(each)
            return weakref.ref(mail)

        first = drive(scenario)
        gc.collect()
        assert first() is None
        assert pool.stats().breaker == "open"
