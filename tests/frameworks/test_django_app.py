"""The shop of `examples/django_app`, started and used over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.faults.actions import reply
from tests.faults.rules import on
from tests.faults.server import FaultServer
from tests.frameworks.programs import Program, free_port

DIRECTORY = "examples/django_app"


@pytest.fixture
def shop(smtp: FaultServer, program: Callable[..., Program]) -> Iterator[httpx.Client]:
    port = free_port()
    command = ("-W", "default", "manage.py", "runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}")
    running = program(*command, directory=DIRECTORY, SMTP_HOST=smtp.host, SMTP_PORT=str(smtp.port))
    running.wait_for_port(port)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


def test_an_order_is_confirmed_with_its_invoice(shop: httpx.Client, smtp: FaultServer) -> None:
    answer = shop.post("/orders", data={"to": "anna@example.org"}).json()
    assert answer["outcome"] == "accepted"
    assert smtp.commits[0].recipients == ("anna@example.org",)
    assert b"invoice.txt" in smtp.commits[0].content


def test_requests_share_a_connection(shop: httpx.Client, smtp: FaultServer) -> None:
    for name in ("anna", "ben"):
        shop.post("/orders", data={"to": f"{name}@example.org"})
    assert smtp.opened == 1


def test_a_newsletter_is_counted(shop: httpx.Client, smtp: FaultServer) -> None:
    answer: Any = shop.post("/newsletters", data={"to": [f"{number}@example.org" for number in range(7)]}).json()
    assert answer == {"sent": 7}
    assert smtp.most_at_once <= 3


def test_a_refusal_is_told(shop: httpx.Client, smtp: FaultServer) -> None:
    smtp.script(on("RCPT", reply("550 5.1.1 no such user")))
    response = shop.post("/orders", data={"to": "nobody@example.org"})
    assert (response.status_code, response.json()["outcome"]) == (502, "rejected")


def test_its_own_tests_find_mail_in_the_outbox(smtp: FaultServer, program: Callable[..., Program]) -> None:
    tests = program("manage.py", "test", directory=DIRECTORY, SMTP_HOST=smtp.host, SMTP_PORT=str(smtp.port))
    assert tests.wait() == 0, tests.output
    assert smtp.opened == 0


def test_a_process_that_ends_says_goodbye_to_the_server(smtp: FaultServer, program: Callable[..., Program]) -> None:
    code = "from django.core.mail import send_mail; send_mail('Hi', '…', None, ['anna@example.org'])"
    shell = program(
        "manage.py", "shell", "-c", code, directory=DIRECTORY, SMTP_HOST=smtp.host, SMTP_PORT=str(smtp.port)
    )
    assert shell.wait() == 0, shell.output
    smtp.wait_for("QUIT")
    assert len(smtp.commits) == 1
