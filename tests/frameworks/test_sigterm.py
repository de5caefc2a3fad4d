"""The scripts of `examples/` that end well on SIGTERM: what is on its way settles, the rest is reported."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.faults.actions import Gate, hold, proceed
from tests.faults.rules import at
from tests.faults.server import FaultServer
from tests.frameworks.programs import Program


@pytest.fixture
def script(smtp: FaultServer, program: Callable[..., Program]) -> Callable[..., Program]:
    return lambda name, *arguments, **environment: program(
        f"examples/{name}", *arguments, SMTP_URL=f"smtp://{smtp.host}:{smtp.port}", **environment
    )


def test_a_script_that_is_left_alone_sends_everything(script: Callable[..., Program], smtp: FaultServer) -> None:
    running = script("sigterm.py", "20")
    assert running.wait() == 0
    assert "20 sent, 0 not sent, 0 unknown, 0 not begun" in running.output
    assert len(smtp.commits) == 20


def test_a_script_finishes_what_is_on_its_way_and_counts_the_rest(
    script: Callable[..., Program], smtp: FaultServer
) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = script("sigterm.py", "1000")
    smtp.wait_until(lambda: len(smtp.bodies) == 3)  # one on each connection
    running.terminate()
    gate.open()
    assert running.wait() == 1
    sent, left = map(int, re.search(r"(\d+) sent, 0 not sent, 0 unknown, (\d+) not begun", running.output).groups())
    assert 3 <= sent == len(smtp.commits)
    assert sent + left == 1000


def test_a_service_drains_on_sigterm(script: Callable[..., Program], smtp: FaultServer) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = script("sigterm_asyncio.py", "5")
    gate.wait_for_arrival()
    running.terminate()
    gate.open()
    assert running.wait() == 0
    assert re.search(r"closed: \d sent, 0 not sent, 0 unknown", running.output)
    assert len(smtp.commits) == 5


def test_a_service_whose_patience_ends_reports_each_message(script: Callable[..., Program], smtp: FaultServer) -> None:
    gate = Gate()
    smtp.script(at("final", hold(gate), proceed))
    running = script("sigterm_asyncio.py", "5", PATIENCE="0.1")
    gate.wait_for_arrival()
    running.terminate()
    assert running.wait() == 0
    gate.open()
    assert "closed: 0 sent, 4 not sent, 1 unknown" in running.output
    assert running.output.count(": not_sent") == 4
