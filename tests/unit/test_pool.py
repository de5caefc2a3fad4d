"""The pool as its mailer sees it, over connections that are not there: who waits, who is served, what is tried again."""

from __future__ import annotations

from typing import Any

import pytest

from pymailer.errors import AuthError, ConnectError, ConnectionLostError, PoolClosedError
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import Runtime
from pymailer_smtp_pool.journal import Journal
from pymailer_smtp_pool.options import PoolOptions
from pymailer_smtp_pool.pool import SMTPPool
from tests.unit.fake_smtp import FakeConnection, FakeServer, fake_mail, lost, refused, reply_error, wrong_password


def make(server: FakeServer, **options: Any) -> SMTPPool:
    return SMTPPool(PoolOptions(**options), server.connect, Journal("fake:25"))


def test_a_message_is_sent(drive):
    server = FakeServer()
    pool = make(server)

    async def scenario(runtime: Runtime) -> None:
        info = await pool.send(fake_mail(runtime, "one"))
        assert info.outcome is Outcome.ACCEPTED
        assert info.attempts == 1
        await pool.send(fake_mail(runtime, "two"))
        await pool.close(runtime)

    drive(scenario)
    assert server.held == ["one", "two"]
    assert server.opened == 1
    assert server.connections[0].said_quit
    assert server.open == []
