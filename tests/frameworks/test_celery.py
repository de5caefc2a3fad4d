"""Celery's own machinery, with a broker in memory and a worker in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.signals import worker_process_shutdown, worker_shutdown
from kombu.exceptions import OperationalError

from pymailer import (
    AuthError,
    ConfigError,
    ConnectError,
    DeliveryUnknownError,
    EnvelopeError,
    Mailer,
    MessageError,
    create_async_transport,
    create_transport,
)
from pymailer.integrations.celery import CeleryTransport, mail_task
from pymailer.integrations.queues import to_payload
from tests.faults.actions import commit, drop, reply
from tests.faults.rules import at, on
from tests.faults.server import FaultServer
from tests.frameworks.ledgers import DictLedger
from tests.secrecy import shown

FIELDS = {"from": "a@example.com", "to": "b@example.com", "subject": "Hi", "text": "Hello\n.\n"}


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("tests", broker="memory://", backend="cache+memory://", set_as_current=False)
    # All brokers in memory of one process are the same: each test has a queue of its own.
    app.conf.update(task_default_queue=uuid4().hex, worker_hijack_root_logger=False, result_accept_content=["json"])
    app.conf.broker_transport_options = {"polling_interval": 0.01}
    yield app
    app.close()


@pytest.fixture
def ledger() -> DictLedger:
    return DictLedger()


@pytest.fixture
def unknown() -> list[Any]:
    return []


@pytest.fixture
def task(app: Celery, smtp: FaultServer, ledger: DictLedger, unknown: list[Any]) -> Any:
    return mail_task(
        app,
        {"pool": True, "host": smtp.host, "port": smtp.port, "max_requeues": 0},
        ledger=ledger,
        on_unknown=lambda mail, error: unknown.append((mail, error)),
    )


@pytest.fixture
def mailer(task: Any) -> Iterator[Mailer]:
    with create_transport(CeleryTransport(task)) as mailer:
        yield mailer


@pytest.fixture
def outcome_of(task: Any, mailer: Mailer) -> Callable[..., Any]:
    """What becomes of a message in a worker: the task is run at once, without a queue."""
    return lambda **fields: task.apply((to_payload(mailer.compile(FIELDS, **fields)),)).get()


@contextmanager
def worker(app: Celery) -> Iterator[None]:
    """A worker in a thread. It needs four seconds to end, whatever it did."""
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
        yield


def lost(*_: object, **__: object) -> None:
    raise OperationalError("connection lost")


class TestTheTransport:
    def test_puts_a_message_into_the_queue_and_says_so(self, mailer: Mailer, smtp: FaultServer) -> None:
        info = mailer.send_mail(FIELDS)
        assert (info.outcome, info.accepted) == ("accepted", ("b@example.com",))
        assert info.response == f"queued by Celery as {info.server_message_id}"
        assert smtp.opened == 0

    def test_serves_the_async_mailer_too(self, task: Any) -> None:
        async def send() -> Any:
            async with create_async_transport(CeleryTransport(task)) as mailer:
                return await mailer.send_mail(FIELDS)

        assert asyncio.run(send()).outcome == "accepted"

    def test_gives_options_to_the_queue(self, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        given: dict[str, Any] = {}
        enqueue = task.apply_async
        monkeypatch.setattr(task, "apply_async", lambda *args, **options: given.update(options) or enqueue(*args))
        with create_transport(CeleryTransport(task, queue="slow", priority=3)) as mailer:
            mailer.send_mail(FIELDS)
        assert (given["queue"], given["priority"]) == ("slow", 3)

    def test_refuses_a_wrong_message_before_it_is_in_the_queue(self, mailer: Mailer) -> None:
        with pytest.raises(EnvelopeError):
            mailer.send_mail({**FIELDS, "to": []})

    def test_says_that_a_broker_cannot_be_reached(self, mailer: Mailer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kombu.connection.Connection.ensure_connection", lost)
        with pytest.raises(ConnectError, match="connection lost") as error:
            mailer.send_mail(FIELDS)
        assert error.value.outcome == "not_sent"

    def test_cannot_tell_if_the_broker_is_lost_in_the_middle(
        self, task: Any, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(task, "apply_async", lost)
        with pytest.raises(DeliveryUnknownError, match="connection lost"):
            mailer.send_mail(FIELDS)


class TestTheWorker:
    def test_sends_what_was_compiled(self, outcome_of: Callable[..., Any], smtp: FaultServer) -> None:
        result = outcome_of(subject="In the queue")
        assert (result["outcome"], result["accepted"]) == ("accepted", ["b@example.com"])
        assert smtp.commits[0].content.endswith(b"Hello\r\n.\r\n")

    def test_keeps_its_connection_for_the_next_task(self, outcome_of: Callable[..., Any], smtp: FaultServer) -> None:
        for _ in range(3):
            outcome_of()
        assert smtp.opened == 1

    @pytest.mark.parametrize("end", [worker_shutdown, worker_process_shutdown])
    def test_closes_its_connection_when_it_ends(
        self, end: Any, outcome_of: Callable[..., Any], smtp: FaultServer
    ) -> None:
        outcome_of()
        end.send(sender=None)
        assert smtp.heard("QUIT") == ["QUIT"]

    def test_fails_with_what_the_server_said(self, outcome_of: Callable[..., Any], smtp: FaultServer) -> None:
        smtp.script(on("RCPT", reply("550 5.1.1 no such user")))
        with pytest.raises(EnvelopeError, match="no such user"):
            outcome_of()

    def test_sets_unknown_apart(
        self, outcome_of: Callable[..., Any], smtp: FaultServer, unknown: list[Any], ledger: DictLedger
    ) -> None:
        smtp.script(at("final", commit, drop))
        with pytest.raises(DeliveryUnknownError):
            outcome_of()
        ((mail, error),) = unknown
        assert (mail.envelope.to, error.outcome) == (("b@example.com",), "unknown")
        assert list(ledger.noted.values()) == [""]
        assert len(smtp.commits) == 1

    def test_does_not_send_what_another_worker_had_begun(
        self, outcome_of: Callable[..., Any], smtp: FaultServer, ledger: DictLedger
    ) -> None:
        ledger.begin = lambda key: ""
        with pytest.raises(DeliveryUnknownError, match="a worker began"):
            outcome_of()
        assert smtp.opened == 0

    def test_tries_again_what_was_not_sent(
        self, outcome_of: Callable[..., Any], smtp: FaultServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pymailer.integrations.queues.retries.FIRST_SECONDS", 0.01)
        smtp.script(at("data", drop, times=2))
        assert outcome_of()["outcome"] == "accepted"
        assert len(smtp.commits) == 1

    def test_shows_no_password_when_a_login_fails(self, app: Celery, ledger: DictLedger, fault_server: Any) -> None:
        server = fault_server(users={"u": "right"})
        options = {"pool": True, "host": server.host, "port": server.port, "auth": ("u", "sesame")}
        task = mail_task(app, options, ledger=ledger, name="with auth", max_retries=0)
        with create_transport(CeleryTransport(task)) as mailer, pytest.raises(AuthError) as error:
            task.apply((to_payload(mailer.compile(FIELDS)),)).get()
        assert "sesame" not in shown(error.value)

    def test_refuses_what_is_no_mail(self, task: Any) -> None:
        with pytest.raises(MessageError, match="no compiled mail"):
            task.apply(({"content": "…"},)).get()

    def test_acknowledges_late_and_survives_the_loss_of_a_process(self, task: Any) -> None:
        assert (task.acks_late, task.reject_on_worker_lost, task.serializer) == (True, True, "json")


def test_the_whole_way_leads_through_queue_and_worker(app: Celery, mailer: Mailer, smtp: FaultServer) -> None:
    smtp.script(at("final", commit, drop, skip=1))
    first, second = (mailer.send_mail(FIELDS).server_message_id for _ in range(2))
    with worker(app):
        assert app.AsyncResult(first).get(timeout=10, interval=0.02)["outcome"] == "accepted"
        with pytest.raises(DeliveryUnknownError):
            app.AsyncResult(second).get(timeout=10, interval=0.02)
    assert (len(smtp.commits), smtp.opened) == (2, 1)


def test_a_wrong_option_is_told_when_the_task_is_made(app: Celery, ledger: DictLedger) -> None:
    with pytest.raises(ConfigError, match="max_connections"):
        mail_task(app, {"pool": True, "max_connection": 3}, ledger=ledger)
