"""What Django's words for a mail server mean in this library's options."""

from __future__ import annotations

from typing import Any

import pytest

from pymailer import Auth, ConfigError
from pymailer.integrations.django_options import DjangoServer

AUTH = Auth("user", "secret")


def options(own: dict[str, Any] | None = None, **words: Any) -> dict[str, Any]:
    return DjangoServer(**words).options(own or {})


def test_host_and_port_are_the_servers() -> None:
    found = options(host="mail.example.com", port=2525)
    assert (found["pool"], found["host"], found["port"]) == (True, "mail.example.com", 2525)


@pytest.mark.parametrize(
    ("words", "protection"),
    [
        ({"use_tls": True}, {"require_tls": True}),
        ({"use_ssl": True}, {"secure": True}),
        ({}, {"secure": False, "opportunistic_tls": True}),
        ({"auth": AUTH}, {"secure": False}),
    ],
)
def test_each_kind_of_tls_has_its_option(words: dict[str, Any], protection: dict[str, bool]) -> None:
    found = options(host="h", **words)
    assert {name: found[name] for name in ("secure", "require_tls", "opportunistic_tls") if name in found} == protection


def test_both_kinds_of_tls_are_refused() -> None:
    with pytest.raises(ConfigError, match="at odds"):
        options(use_tls=True, use_ssl=True)


def test_starttls_without_a_port_means_submission() -> None:
    assert options(host="h", use_tls=True)["port"] == 587
    assert "port" not in options(host="h")


def test_a_timeout_holds_for_each_thing_that_is_waited_for() -> None:
    found = options(timeout=7)
    assert {name for name, value in found.items() if value == 7} == {
        *("connection_timeout", "dns_timeout", "greeting_timeout", "socket_timeout", "final_timeout")
    }


def test_a_certificate_and_its_key_may_be_in_one_file() -> None:
    assert options(ssl_certfile="both.pem")["tls"] == {"cert": "both.pem", "key": "both.pem"}
    assert options(ssl_certfile="c.pem", ssl_keyfile="k.pem")["tls"] == {"cert": "c.pem", "key": "k.pem"}


def test_own_options_win_in_either_spelling() -> None:
    found = options({"greetingTimeout": 500, "socket_timeout": 3}, timeout=7)
    assert "greeting_timeout" not in found
    assert (found["greetingTimeout"], found["socket_timeout"]) == (500, 3)


def test_a_server_named_by_own_options_is_not_mixed_with_djangos() -> None:
    found = options({"service": "gmail"}, host="localhost", port=25, auth=AUTH)
    assert {"host", "port", "secure", "opportunistic_tls"} & found.keys() == set()
    assert found["auth"] is AUTH


def test_own_words_about_tls_stand_alone() -> None:
    assert "opportunistic_tls" not in options({"ignoreTLS": True}, host="h")
