"""One mailer a process for equal options."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from pymailer import Auth, ConfigError
from pymailer.integrations.shared_mailers import close_shared_mailers, shared_mailer
from pymailer.transports import memory


def options(**more: Any) -> dict[str, Any]:
    return {"pool": True, "host": "127.0.0.1", "auth": Auth("u", "p"), "tls": {"servername": "a"}, **more}


def test_equal_options_mean_the_same_mailer() -> None:
    assert shared_mailer(options()) is shared_mailer(options())


@pytest.mark.parametrize("other", [{"port": 26}, {"auth": Auth("u", "q")}, {"tls": {"servername": "b"}}])
def test_any_difference_means_another_mailer(other: dict[str, Any]) -> None:
    assert shared_mailer(options()) is not shared_mailer(options(**other))


def test_a_transport_counts_as_itself() -> None:
    transport = memory()
    assert shared_mailer(transport) is shared_mailer(transport)
    assert shared_mailer(transport) is not shared_mailer(memory())


def test_after_closing_the_next_message_begins_anew() -> None:
    first = shared_mailer(options())
    close_shared_mailers()
    assert shared_mailer(options()) is not first


def test_a_wrong_option_makes_no_mailer() -> None:
    with pytest.raises(ConfigError):
        shared_mailer(options(hosst="x"))
    assert close_shared_mailers() == []


def test_what_was_lost_at_the_end_is_logged(caplog: pytest.LogCaptureFixture, fault_server: Callable[..., Any]) -> None:
    import threading

    from tests.faults.actions import Gate, hold, proceed
    from tests.faults.rules import at

    gate = Gate()
    server = fault_server(at("final", hold(gate), proceed))
    mailer = shared_mailer(options(host=server.host, port=server.port, auth=None, tls=None))
    fields = {"from": "a@example.com", "to": "b@example.com", "text": "…"}
    sender = threading.Thread(target=mailer.send_mail, args=(fields,))
    sender.start()
    gate.wait_for_arrival()
    with caplog.at_level(logging.ERROR, "pymailer.integrations"):
        (report,) = close_shared_mailers(timeout=0.05)
    gate.open()
    sender.join()
    assert len(report.unknown) == 1
    assert "of 1 nobody can say" in caplog.text
