"""A stream of messages that is cut short: the pool is whole afterwards, wherever it was."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from pymailer.runtime.aio import AsyncioRuntime
from pymailer_smtp_pool import SMTPPool, smtp_pool
from tests.faults import EXTENSIONS
from tests.integration.test_connection_faults import mail_for

CHUNKING = (*EXTENSIONS, "CHUNKING")


def stream(pool: SMTPPool, take: Any, told: asyncio.Queue[Any]) -> Any:
    return pool.send_stream(AsyncioRuntime(), take, lambda mail, info, error: told.put_nowait(info or error), 8)


@pytest.mark.parametrize("dialogue", [CHUNKING, EXTENSIONS], ids=["whole messages ahead", "the next envelope"])
def test_cancelled_while_a_message_waits_for_its_turn_the_pool_can_be_closed(dialogue, fault_server):
    pool = smtp_pool(host="localhost", port=fault_server(extensions=dialogue).port, rate_limit=3, rate_delta=3600)

    async def endless() -> Any:
        return mail_for(AsyncioRuntime())

    async def scenario() -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()
        task = asyncio.create_task(stream(pool, endless, told))
        for _ in range(3):  # and then it waits for its turn
            await told.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        report = await asyncio.wait_for(pool.close(AsyncioRuntime()), 5)
        assert not report.not_sent

    asyncio.run(scenario())


def test_thrown_away_while_the_pool_is_in_the_middle_of_a_change_it_gives_its_connection_back(fault_server):
    pool = smtp_pool(host="localhost", port=fault_server(extensions=CHUNKING).port)
    loop, told = asyncio.new_event_loop(), asyncio.Queue()
    mails = [mail_for(AsyncioRuntime()), None]

    async def take() -> Any:
        return mails.pop(0) if mails else await asyncio.Event().wait()

    task = loop.create_task(stream(pool, take, told))
    loop.run_until_complete(told.get())
    loop.close()
    assert pool.stats().busy == 1
    task._log_destroy_pending = False

    def change(_: object) -> None:
        nonlocal task
        del task
        gc.collect()

    pool._guard(change)
    assert pool.stats().busy == 0
    assert not pool._guard.state.tickets
