"""Mail through Celery and taskiq over real brokers, by several workers, one of which is killed in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import amqp
import attrs
import pytest
import redis
import redis.asyncio
from taskiq_redis import RedisAsyncResultBackend

from pymailer import DeliveryUnknownError
from pymailer.integrations.queues import RedisLedger
from tests.faults.actions import Gate, hold, proceed
from tests.faults.fixtures import fault_server
from tests.faults.rules import at
from tests.faults.server import FaultServer
from tests.frameworks.programs import Program
from tests.interop.cache import NotToBeHad
from tests.interop.instance import Instance
from tests.interop.rabbit_server import RabbitServer
from tests.interop.redis_server import RedisServer

__all__ = ["fault_server"]

T = TypeVar("T", bound=Instance)

CUSTOMERS = [f"{number}@example.org" for number in range(8)]
HANDED_OVER_AFTER = 1
"""Seconds until a broker takes a worker for dead; less than the next one needs to start, and to look for its tasks."""
PATIENCE = 180.0
"""Seconds for all tasks to be settled."""
LOOK_AGAIN = 15.0
"""Seconds after which another Celery worker comes: over Redis each looks for the tasks of dead workers at its start,
and then only every hundred seconds."""


@contextlib.contextmanager
def running(kind: type[T]) -> Iterator[T]:
    try:
        with kind() as server:
            yield server
    except NotToBeHad as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def broker() -> Iterator[RedisServer]:
    with running(RedisServer) as server:
        yield server


@pytest.fixture(scope="module")
def rabbit() -> Iterator[RabbitServer]:
    with running(RabbitServer) as server:
        yield server


@pytest.fixture(autouse=True)
def _each_test_begins_with_an_empty_broker(broker: RedisServer) -> None:
    with redis.Redis.from_url(broker.url) as client:
        client.flushall()


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def begin(*command: str, **options: str) -> Program:
        started.append(Program(*command, **options))
        return started[-1]

    yield begin
    for program in started:
        program.kill()


@attrs.frozen
class Shop:
    """One of the shops under `examples/`: its workers, its customers, and what became of their mail.

    Attributes:
        kind: ``"celery"`` or ``"taskiq"``.
        smtp: Where its workers send to.
        broker: Where its results and its ledger are.
        start: Starts a program.
        queue: Where its queue is, if it is elsewhere.
    """

    kind: str
    smtp: FaultServer
    broker: RedisServer
    start: Callable[..., Program]
    queue: str | None = None

    def program(self, *command: str) -> Program:
        return self.start(
            *command,
            SMTP_URL=f"smtp://{self.smtp.host}:{self.smtp.port}",
            REDIS_URL=self.broker.url,
            BROKER_URL=self.queue or self.broker.url,
            VISIBILITY_TIMEOUT=str(HANDED_OVER_AFTER),
            IDLE_TIMEOUT=str(HANDED_OVER_AFTER * 1000),
        )

    def worker(self, name: str) -> Program:
        """A worker with two processes (Celery) or one (taskiq), ready for work."""
        if self.kind == "celery":
            options = (
                "--concurrency",
                "2",
                "--hostname",
                name,
                "--without-gossip",
                "--without-mingle",
                "--loglevel",
                "INFO",
            )
            worker = self.program(
                "-m", "celery", "--workdir", "examples/celery_app", "--app", "shop", "worker", *options
            )
            worker.wait_for(f"{name}")
            worker.wait_for("ready.")
        else:
            worker = self.program(
                "-m", "taskiq", "worker", "--workers", "1", "--app-dir", "examples", "taskiq_app:broker"
            )
            worker.wait_for("Listening started.")
        return worker

    def order(self, *customers: str) -> dict[str, str]:
        """Task ids by customer."""
        script = "examples/celery_app/place_order.py" if self.kind == "celery" else "examples/taskiq_app.py"
        orders = self.program(script, *customers)
        assert orders.wait() == 0, orders.output
        return dict(zip(customers, orders.output.split(), strict=True))

    def outcomes(self, orders: dict[str, str]) -> dict[str, str]:
        """What each task says became of its message, once all are settled."""
        wait = self._celery_outcome if self.kind == "celery" else self._taskiq_outcome
        deadline = time.monotonic() + PATIENCE
        return {customer: wait(task, deadline) for customer, task in orders.items()}

    def _celery_outcome(self, task: str, deadline: float) -> str:
        look_again = time.monotonic() + LOOK_AGAIN
        with redis.Redis.from_url(self.broker.url) as client:
            while not (stored := json.loads(client.get(f"celery-task-meta-{task}") or "{}")).get("date_done"):
                assert time.monotonic() < deadline, f"task {task} is not settled"
                if time.monotonic() > look_again:
                    self.worker(f"after{deadline - time.monotonic():.0f}")
                    look_again = time.monotonic() + LOOK_AGAIN
                time.sleep(0.05)  # Celery's own client would leave its subscription open
        if stored["status"] == "FAILURE" and stored["result"]["exc_type"] == DeliveryUnknownError.__name__:
            return "unknown"
        assert stored["status"] == "SUCCESS", stored
        return stored["result"]["outcome"]

    def _taskiq_outcome(self, task: str, deadline: float) -> str:
        return asyncio.run(self._await_taskiq_outcome(task, deadline))

    async def _await_taskiq_outcome(self, task: str, deadline: float) -> str:
        backend = RedisAsyncResultBackend(self.broker.url)
        try:
            while not await backend.is_result_ready(task):
                assert time.monotonic() < deadline, f"task {task} is not settled"
                # taskiq looks for the tasks of dead workers whenever a new one comes
                await asyncio.to_thread(self.order, "nobody@example.org")
            result = await backend.get_result(task)
        finally:
            await backend.shutdown()
        if isinstance(result.error, DeliveryUnknownError):
            return "unknown"
        result.raise_for_error()
        return result.return_value["outcome"]

    def held(self) -> Counter[str]:
        """How many messages the server holds for each customer."""
        return Counter(recipient for commit in self.smtp.commits for recipient in commit.recipients)


@pytest.fixture(params=["celery over Redis", "celery over RabbitMQ", "taskiq over Redis"])
def shop(
    request: pytest.FixtureRequest,
    fault_server: Callable[..., FaultServer],
    broker: RedisServer,
    start: Callable[..., Program],
) -> Shop:
    kind, _, queue = request.param.split()
    if queue == "Redis":
        return Shop(kind, fault_server(), broker, start)
    rabbit = request.getfixturevalue("rabbit")
    with amqp.Connection(f"{rabbit.host}:{rabbit.port}") as connection:
        connection.channel().queue_delete("celery")  # what the last test's workers were killed with
    return Shop(kind, fault_server(), broker, start, rabbit.url)


def test_several_workers_send_each_message_once(shop: Shop) -> None:
    for name in ("one", "two"):
        shop.worker(name)
    orders = shop.order(*CUSTOMERS)
    assert set(shop.outcomes(orders).values()) == {"accepted"}
    assert [shop.held()[customer] for customer in CUSTOMERS] == [1] * len(CUSTOMERS)


@pytest.mark.parametrize("moment", ["data", "final"])
def test_a_message_is_held_once_or_unknown_when_its_worker_is_killed(shop: Shop, moment: str) -> None:
    gate = Gate()
    shop.smtp.script(at(moment, hold(gate), proceed))
    doomed = shop.worker("doomed")
    orders = shop.order(*CUSTOMERS)
    gate.wait_for_arrival()
    os.killpg(doomed.process.pid, signal.SIGKILL)
    doomed.process.wait()
    gate.open()
    shop.worker("heir")
    outcomes = shop.outcomes(orders)
    assert set(outcomes) == set(CUSTOMERS)
    held = shop.held()
    assert all(held[customer] == 1 for customer, outcome in outcomes.items() if outcome == "accepted")
    lost = [customer for customer, outcome in outcomes.items() if outcome == "unknown"]
    assert 1 <= len(lost) <= 5  # those that the worker had begun: two processes, or five connections
    assert all(held[customer] <= 1 for customer in lost)


def test_the_hook_is_told_of_what_is_unknown(shop: Shop) -> None:
    gate = Gate()
    shop.smtp.script(at("final", hold(gate), proceed))
    doomed = shop.worker("doomed")
    orders = shop.order(CUSTOMERS[0])
    gate.wait_for_arrival()
    os.killpg(doomed.process.pid, signal.SIGKILL)
    doomed.process.wait()
    gate.open()
    heir = shop.worker("heir")
    assert shop.outcomes(orders) == {CUSTOMERS[0]: "unknown"}
    heir.wait_for("UNKNOWN")


def test_a_message_of_one_killed_process_is_unknown_and_the_others_go_on(
    fault_server: Callable[..., FaultServer],
    broker: RedisServer,
    start: Callable[..., Program],
) -> None:
    shop = Shop("celery", fault_server(), broker, start)
    gate = Gate()
    shop.smtp.script(at("final", hold(gate), proceed, times=1))
    worker = shop.worker("one")
    orders = shop.order(*CUSTOMERS)
    gate.wait_for_arrival()
    os.kill(_peer_of(shop.smtp, worker), signal.SIGKILL)
    gate.open()
    outcomes = shop.outcomes(orders)
    assert Counter(outcomes.values()) == {"accepted": len(CUSTOMERS) - 1, "unknown": 1}
    assert all(count == 1 for count in shop.held().values())


def _peer_of(smtp: FaultServer, worker: Program) -> int:
    """The process at the other end of the connection whose message is held."""
    (conversation,) = [each for each in smtp._conversations if each.number == smtp.bodies[0].connection]
    port = conversation.wire._socket.getpeername()[1]
    inodes = {
        line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if f":{port:04X} " in line[:22]
    }
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getsid(int(process.name)) == worker.process.pid:
                sockets = {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
                if sockets & {f"socket:[{inode}]" for inode in inodes}:
                    return int(process.name)
    raise AssertionError("no process of the worker has this connection")


def test_on_sigterm_a_worker_finishes_what_it_began_and_leaves_the_rest(shop: Shop) -> None:
    gate = Gate()
    shop.smtp.script(at("final", hold(gate), proceed))
    leaving = shop.worker("leaving")
    orders = shop.order(*CUSTOMERS)
    gate.wait_for_arrival()
    leaving.terminate()
    leaving.wait_for("Warm shutdown" if shop.kind == "celery" else "running tasks to complete")
    gate.open()
    assert leaving.wait() == 0
    assert 1 <= len(shop.smtp.commits)
    assert shop.smtp.heard("QUIT")
    shop.worker("staying")
    assert set(shop.outcomes(orders).values()) == {"accepted"}
    assert [shop.held()[customer] for customer in CUSTOMERS] == [1] * len(CUSTOMERS)


def test_processes_share_a_rate_through_redis(
    fault_server: Callable[..., FaultServer],
    broker: RedisServer,
    start: Callable[..., Program],
) -> None:
    smtp = fault_server()
    url = f"smtp://{smtp.host}:{smtp.port}"
    senders = [start("examples/shared_rate.py", "15", RATE_STORE=broker.url, SMTP_URL=url) for _ in range(2)]
    assert [sender.wait() for sender in senders] == [0, 0]
    begun = sorted(line.at for line in smtp.lines if line.text.startswith("MAIL"))
    assert len(begun) == 30
    assert all(later - earlier > 0.5 for earlier, later in zip(begun, begun[10:], strict=False))


class TestTheLedger:
    def test_lets_one_begin(self, broker: RedisServer) -> None:
        with redis.Redis.from_url(broker.url) as client:
            ledger = RedisLedger(client)
            assert ledger.begin("k") is None
            assert ledger.begin("k") == b""
            ledger.settle("k", "sent")
            assert ledger.begin("k") == b"sent"
            ledger.forget("k")
            assert ledger.begin("k") is None

    def test_forgets_in_the_end(self, broker: RedisServer) -> None:
        with redis.Redis.from_url(broker.url) as client:
            RedisLedger(client, prefix="p:", remember=100).begin("k")
            assert 0 < client.ttl("p:k") <= 100

    def test_serves_asyncio(self, broker: RedisServer) -> None:
        async def ask() -> tuple[Any, Any]:
            async with redis.asyncio.Redis.from_url(broker.url) as client:
                ledger = RedisLedger(client)
                return await ledger.begin("k"), await ledger.begin("k")

        assert asyncio.run(ask()) == (None, b"")
