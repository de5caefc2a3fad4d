"""`examples/fastapi_app.py` under Uvicorn, used over HTTP and ended as a supervisor ends it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import httpx
import pytest

from tests.faults.actions import Gate, hold, proceed, reply
from tests.faults.rules import at, on
from tests.faults.server import FaultServer
from tests.frameworks.programs import Program, free_port


@attrs.frozen
class Shop:
    program: Program
    url: str

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/{path}", json=body, timeout=20)


@pytest.fixture
def shop(smtp: FaultServer, program: Callable[..., Program]) -> Callable[..., Shop]:
    def start(*options: str) -> Shop:
        port = free_port()
        command = ("-m", "uvicorn", "--port", str(port), "--app-dir", "examples", *options, "fastapi_app:app")
        running = program(*command, SMTP_URL=f"smtp://{smtp.host}:{smtp.port}")
        running.wait_for_port(port)
        return Shop(running, f"http://127.0.0.1:{port}")

    return start


def test_an_order_is_confirmed(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    answer = shop().post("orders", to="anna@example.org")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")
    assert smtp.commits[0].recipients == ("anna@example.org",)


def test_a_refusal_is_told(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    smtp.script(on("RCPT", reply("550 5.1.1 no such user")))
    answer = shop().post("orders", to="nobody@example.org")
    assert (answer.status_code, answer.json()["outcome"]) == (502, "rejected")


def test_a_newsletter_goes_out_after_the_answer(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = shop()
    answer = running.post("newsletters", to=[f"{number}@example.org" for number in range(7)])
    assert (answer.status_code, answer.json()) == (202, {"accepted": 7})
    gate.open()
    running.program.wait_for("newsletter: 7 of 7 sent")
    assert smtp.most_at_once <= 3


def test_what_fails_in_the_background_is_logged(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    smtp.script(on("RCPT TO:<1@", reply("550 5.1.1 no such user")))
    running = shop()
    running.post("newsletters", to=[f"{number}@example.org" for number in range(3)])
    running.program.wait_for("newsletter: 2 of 3 sent")
    assert "mail rejected:" in running.program.output


def test_on_sigterm_the_request_in_hand_is_answered_and_its_mail_sent(
    shop: Callable[..., Shop], smtp: FaultServer
) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = shop()
    with ThreadPoolExecutor(1) as customer:
        order = customer.submit(running.post, "orders", to="anna@example.org")
        gate.wait_for_arrival()
        running.program.terminate()
        running.program.wait_for("Shutting down")
        gate.open()
        assert order.result().json()["outcome"] == "accepted"
    running.program.wait()
    assert "closed: 0 sent, 0 not sent, 0 unknown" in running.program.output
    assert len(smtp.commits) == 1


def test_on_sigterm_the_background_goes_on_to_its_end(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = shop()
    running.post("newsletters", to=[f"{number}@example.org" for number in range(5)])
    gate.wait_for_arrival()
    running.program.terminate()
    running.program.wait_for("Shutting down")
    gate.open()
    running.program.wait()
    assert "newsletter: 5 of 5 sent" in running.program.output
    assert len(smtp.commits) == 5


def test_what_is_cut_off_when_patience_ends_is_told(shop: Callable[..., Shop], smtp: FaultServer) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = shop("--timeout-graceful-shutdown", "1")
    running.post("newsletters", to=["anna@example.org"])
    gate.wait_for_arrival()
    running.program.terminate()
    running.program.wait()
    assert "mail unknown:" in running.program.output
    gate.open()
