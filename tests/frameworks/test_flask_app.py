"""`examples/flask_app.py` under Gunicorn, used over HTTP and ended as a supervisor ends it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attrs
import httpx
import pytest

from tests.faults.actions import Gate, hold, proceed, reply
from tests.faults.rules import at, on
from tests.faults.server import FaultServer
from tests.frameworks.programs import Program, free_port

ANNA = {"to": "anna@example.org"}


@attrs.frozen
class Shop:
    program: Program
    url: str

    def order(self) -> httpx.Response:
        return httpx.post(f"{self.url}/orders", data=ANNA, timeout=20)


@pytest.fixture
def shop(smtp: FaultServer, program: Callable[..., Program]) -> Callable[..., Shop]:
    def start(*options: str) -> Shop:
        port = free_port()
        command = ("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--chdir", "examples", *options, "flask_app:app")
        running = program(*command, SMTP_URL=f"smtp://{smtp.host}:{smtp.port}")
        running.wait_for("Booting worker")
        running.wait_for_port(port)
        return Shop(running, f"http://127.0.0.1:{port}")

    return start


def test_an_order_is_confirmed(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    answer = shop().order()
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")
    assert smtp.commits[0].recipients == ("anna@example.org",)


def test_a_refusal_is_told(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    smtp.script(on("RCPT", reply("550 5.1.1 no such user")))
    answer = shop().order()
    assert (answer.status_code, answer.json()["outcome"]) == (502, "rejected")


def test_workers_forked_from_a_loaded_application_have_connections_of_their_own(
    shop: Callable[..., Shop], smtp: FaultServer
) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = shop("--preload", "--workers", "2")
    with ThreadPoolExecutor(2) as customers:
        orders = [customers.submit(running.order) for _ in range(2)]
        smtp.wait_until(lambda: len(smtp.bodies) == 2)  # both workers are in the middle of a message
        gate.open()
        assert [order.result().status_code for order in orders] == [200, 200]
    assert smtp.opened == 2


def test_on_sigterm_the_request_in_hand_is_answered_and_its_mail_sent(
    shop: Callable[..., Shop], smtp: FaultServer
) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = shop()
    with ThreadPoolExecutor(1) as customer:
        order = customer.submit(running.order)
        gate.wait_for_arrival()
        running.program.terminate()
        running.program.wait_for("Handling signal: term")
        gate.open()
        assert order.result().json()["outcome"] == "accepted"
    assert running.program.wait() == 0
    assert "closed: 0 sent, 0 not sent, 0 unknown" in running.program.output
    assert len(smtp.commits) == 1
    assert smtp.heard("QUIT") == ["QUIT"]
