"""The examples that show what a mailer does: spans, metrics, and a rate that processes share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx
import pytest

from tests.faults.actions import reply
from tests.faults.rules import on
from tests.faults.server import FaultServer
from tests.frameworks.programs import Program, free_port


@pytest.fixture
def script(smtp: FaultServer, program: Callable[..., Program]) -> Callable[..., Program]:
    return lambda name, *arguments, **environment: program(
        f"examples/{name}", *arguments, SMTP_URL=f"smtp://{smtp.host}:{smtp.port}", **environment
    )


def test_opentelemetry_has_a_span_for_each_message(script: Callable[..., Program], smtp: FaultServer) -> None:
    smtp.script(on("RCPT TO:<nobody@", reply("550 5.1.1 no such user")))
    running = script("opentelemetry_tracing.py")
    assert running.wait() == 0, running.output
    spans = [json.loads(block) for block in re.findall(r"^\{$.*?^\}$", running.output, re.MULTILINE | re.DOTALL)]
    assert [span["attributes"]["mail.outcome"] for span in spans] == ["accepted", "rejected"]
    assert spans[0]["attributes"]["mail.attempts"] == 1
    assert (spans[1]["status"]["status_code"], spans[1]["attributes"]["error.type"]) == ("ERROR", "EENVELOPE")


def test_prometheus_finds_the_pool_and_the_outcomes(script: Callable[..., Program], smtp: FaultServer) -> None:
    smtp.script(on("RCPT TO:<3@", reply("550 5.1.1 no such user")))
    port = free_port()
    running = script("prometheus_metrics.py", "10", METRICS_PORT=str(port))
    running.wait_for("done:")
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    running.process.stdin.write(b"\n")
    running.process.stdin.flush()
    assert running.wait() == 0
    assert 'mail_messages_total{outcome="accepted"} 9.0' in metrics
    assert 'mail_messages_total{outcome="rejected"} 1.0' in metrics
    assert "mail_pool_sent_total 9.0" in metrics
    assert "mail_pool_connections 2.0" in metrics
    assert 'mail_seconds_count{part="message"} 9.0' in metrics


def test_a_limiter_of_the_limits_library_keeps_the_rate(script: Callable[..., Program], smtp: FaultServer) -> None:
    running = script("shared_rate.py", "25")
    assert running.wait() == 0, running.output
    begun = [line.at for line in smtp.lines if line.text.startswith("MAIL")]
    assert len(begun) == 25
    # As the server sees it: later than it was counted, on a busy machine not equally late each time
    assert all(later - earlier > 0.5 for earlier, later in zip(begun, begun[10:], strict=False))
