"""What is seen of a pool from outside: statistics, its repr, and events."""

from __future__ import annotations

import pytest

from pymailer.errors import (
    ReplyError,
)
from pymailer.outcome import Stage
from pymailer.runtime import Runtime
from tests.unit.crowd import together
from tests.unit.fake_smtp import (
    FakeServer,
    Script,
    crowd,
    fake_mail,
    make_pool,
    reply_error,
)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture(params=["sync", "async"])
def colour(request) -> str:
    return request.param


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
