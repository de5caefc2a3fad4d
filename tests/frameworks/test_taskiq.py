"""taskiq's own machinery, with its broker in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from taskiq import InMemoryBroker
from taskiq.exceptions import SendTaskError

from pymailer import (
    AsyncMailer,
    ConfigError,
    DeliveryUnknownError,
    EnvelopeError,
    MessageError,
    create_async_transport,
)
from pymailer.integrations.taskiq import TaskiqTransport, mail_task
from tests.faults.actions import commit, drop, reply
from tests.faults.rules import at, on
from tests.faults.server import FaultServer
from tests.frameworks.ledgers import DictLedger

FIELDS = {"from": "a@example.com", "to": "b@example.com", "subject": "Hi", "text": "Hello\n.\n"}


@attrs.frozen
class Queue:
    """A broker with its worker, the mailer that fills it, and what the tests look at."""

    broker: InMemoryBroker
    mailer: AsyncMailer
    task: Any
    ledger: DictLedger
    unknown: list[Any]

    async def result_of(self, **fields: Any) -> Any:
        """Sends a message through queue and worker, and gives the task's result, or raises its error."""
        info = await self.mailer.send_mail(FIELDS, **fields)
        for _ in range(200):
            if await self.broker.result_backend.is_result_ready(info.server_message_id):
                break
            await asyncio.sleep(0.02)
        result = await self.broker.result_backend.get_result(info.server_message_id)
        result.raise_for_error()
        return result.return_value


@asynccontextmanager
async def a_queue(server: FaultServer) -> AsyncIterator[Queue]:
    broker, ledger, unknown = InMemoryBroker(await_inplace=True), DictLedger(), []
    task = mail_task(
        broker,
        {"pool": True, "host": server.host, "port": server.port, "max_requeues": 0},
        ledger=ledger,
        on_unknown=lambda mail, error: unknown.append((mail, error)),
    )
    broker.is_worker_process = True
    await broker.startup()
    try:
        async with create_async_transport(TaskiqTransport(task)) as mailer:
            yield Queue(broker, mailer, task, ledger, unknown)
    finally:
        await broker.shutdown()


@pytest.fixture
def run(smtp: FaultServer) -> Callable[[Callable[[Queue], Awaitable[Any]]], Any]:
    """Runs a coroutine function with a queue."""

    def begin(use: Callable[[Queue], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            async with a_queue(smtp) as queue:
                return await use(queue)

        return asyncio.run(main())

    return begin


def test_a_message_is_sent_by_the_worker(run: Callable[..., Any], smtp: FaultServer) -> None:
    result = run(lambda queue: queue.result_of(subject="In the queue"))
    assert (result["outcome"], result["accepted"]) == ("accepted", ["b@example.com"])
    assert smtp.commits[0].content.endswith(b"Hello\r\n.\r\n")


def test_the_transport_says_that_the_queue_has_it(run: Callable[..., Any]) -> None:
    info = run(lambda queue: queue.mailer.send_mail(FIELDS))
    assert info.response == f"queued by taskiq as {info.server_message_id}"
    assert info.accepted == ("b@example.com",)


def test_content_that_is_still_to_come_is_read_before(run: Callable[..., Any], smtp: FaultServer) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece "
        yield b"by piece"

    run(lambda queue: queue.result_of(attachments=[{"filename": "a.txt", "content": pieces(), "encoding": None}]))
    assert len(smtp.commits) == 1


def test_tasks_share_a_connection_which_ends_with_the_worker(run: Callable[..., Any], smtp: FaultServer) -> None:
    async def two(queue: Queue) -> None:
        await queue.result_of()
        await queue.result_of()

    run(two)
    assert smtp.opened == 1
    assert smtp.heard("QUIT") == ["QUIT"]


def test_a_refusal_is_the_error_of_the_task(run: Callable[..., Any], smtp: FaultServer) -> None:
    smtp.script(on("RCPT", reply("550 5.1.1 no such user")))
    with pytest.raises(EnvelopeError, match="no such user"):
        run(lambda queue: queue.result_of())


def test_unknown_is_set_apart(run: Callable[..., Any], smtp: FaultServer) -> None:
    smtp.script(at("final", commit, drop))

    async def send(queue: Queue) -> list[Any]:
        with pytest.raises(DeliveryUnknownError):
            await queue.result_of()
        return queue.unknown

    ((mail, error),) = run(send)
    assert (mail.envelope.to, error.outcome) == (("b@example.com",), "unknown")
    assert len(smtp.commits) == 1


def test_what_another_worker_had_begun_is_not_sent(run: Callable[..., Any], smtp: FaultServer) -> None:
    async def send(queue: Queue) -> None:
        queue.ledger.begin = lambda key: ""
        await queue.result_of()

    with pytest.raises(DeliveryUnknownError, match="a worker began"):
        run(send)
    assert smtp.opened == 0


def test_what_was_not_sent_goes_back_to_the_queue(
    run: Callable[..., Any], smtp: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymailer.integrations.queues.retries.FIRST_SECONDS", 0.01)
    smtp.script(at("data", drop, times=2))
    assert run(lambda queue: queue.result_of())["outcome"] == "accepted"
    assert len(smtp.commits) == 1


def test_a_wrong_message_is_not_put_into_the_queue(run: Callable[..., Any]) -> None:
    with pytest.raises(EnvelopeError):
        run(lambda queue: queue.mailer.send_mail({**FIELDS, "to": []}))


def test_what_is_no_mail_is_refused(run: Callable[..., Any]) -> None:
    async def send(queue: Queue) -> None:
        task = await queue.task.kiq({"content": "…"})
        (await task.wait_result(timeout=5, check_interval=0.02)).raise_for_error()

    with pytest.raises(MessageError, match="no compiled mail"):
        run(send)


def test_a_broker_that_does_not_confirm_leaves_it_open(run: Callable[..., Any]) -> None:
    async def send(queue: Queue) -> None:
        async def lose(_: object) -> None:
            raise ConnectionError("connection lost")

        queue.broker.kick = lose
        await queue.mailer.send_mail(FIELDS)

    with pytest.raises(DeliveryUnknownError, match="connection lost") as error:
        run(send)
    assert isinstance(error.value.__cause__, SendTaskError)


def test_a_wrong_option_is_told_when_the_task_is_made() -> None:
    with pytest.raises(ConfigError, match="max_connections"):
        mail_task(InMemoryBroker(), {"pool": True, "max_connection": 3}, ledger=DictLedger())
