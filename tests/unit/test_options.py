"""Options in every form a user may write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pymailer import ConfigError
from pymailer.smtp.options import SMTPOptions


def test_camel_case_durations_are_milliseconds():
    assert SMTPOptions({"connectionTimeout": 2000}).connection_timeout == 2.0


def test_snake_case_durations_are_seconds():
    assert SMTPOptions(connection_timeout=2).connection_timeout == 2.0


def test_a_timedelta_is_a_duration_in_either_spelling():
    assert SMTPOptions(socketTimeout=timedelta(seconds=3)).socket_timeout == 3.0
    assert SMTPOptions(socket_timeout=timedelta(hours=2)).socket_timeout == 7200.0


def test_a_duration_over_an_hour_is_taken_for_milliseconds_and_refused():
    with pytest.raises(ConfigError, match="looks like milliseconds"):
        SMTPOptions(connection_timeout=30000)


def test_a_camel_case_duration_may_be_as_long_as_it_likes():
    assert SMTPOptions({"finalTimeout": 7_200_000}).final_timeout == 7200.0


def test_both_spellings_of_one_option_are_refused():
    with pytest.raises(ConfigError, match="same option"):
        SMTPOptions({"socketTimeout": 1000, "socket_timeout": 1})


@pytest.mark.parametrize(("given", "meant"), [("prot", "port"), ("requireTSL", "require_tls"), ("hots", "host")])
def test_an_unknown_option_names_the_closest_known_one(given, meant):
    with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
        SMTPOptions({given: 1})


def test_an_option_that_is_none_counts_as_not_given():
    assert SMTPOptions(host=None, port=None).host == "localhost"


@pytest.mark.parametrize(
    ("given", "port", "secure"),
    [
        ({}, 25, False),
        ({"secure": True}, 465, True),
        ({"port": 465}, 465, True),
        ({"port": 465, "secure": False}, 465, False),
        ({"port": 587}, 587, False),
        ({"port": 2465, "secure": True}, 2465, True),
    ],
)
def test_port_and_security_follow_from_each_other(given, port, secure):
    options = SMTPOptions(given)
    assert (options.port, options.secure) == (port, secure)


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0},
        {"port": "25"},
        {"port": True},
        {"host": ""},
        {"host": "a\r\nb"},
        {"host": 5},
        {"secure": "yes"},
        {"socket_timeout": -1},
        {"socket_timeout": "5"},
        {"socket_timeout": float("nan")},
        {"logger": "stdout"},
        {"pipelining": "always"},
        {"name": "two words"},
        {"name": "x\r\nMAIL FROM:<a@b>"},
        {"auth": 5},
        {"tls": 5},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_kind_is_refused_at_once(wrong):
    with pytest.raises(ConfigError):
        SMTPOptions(wrong)


@pytest.mark.parametrize(
    "odds",
    [
        {"ignore_tls": True, "require_tls": True},
        {"require_tls": True, "opportunistic_tls": True},
        {"opportunistic_tls": True, "auth": ("user", "password")},
    ],
    ids=str,
)
def test_options_at_odds_are_refused(odds):
    with pytest.raises(ConfigError):
        SMTPOptions(odds)


def test_keywords_win_over_the_mapping_and_the_mapping_over_its_url():
    options = SMTPOptions({"url": "smtp://url.example:1111/?socketTimeout=1000", "port": 2222}, host="keyword.example")
    assert (options.host, options.port, options.socket_timeout) == ("keyword.example", 2222, 1.0)


def test_a_url_alone_is_enough():
    options = SMTPOptions("smtps://me:p%40ss@mail.example:4465/?tls.rejectUnauthorized=false")
    assert (options.host, options.port, options.secure) == ("mail.example", 4465, True)
    assert (options.auth.user, options.auth.password.reveal()) == ("me", "p@ss")
    assert options.tls.reject_unauthorized is False


def test_an_instance_can_be_varied_by_keywords():
    first = SMTPOptions(host="a.example", auth=("user", "password"))
    second = SMTPOptions(first, port=2525)
    assert (second.host, second.port, second.auth) == ("a.example", 2525, first.auth)


def test_options_show_no_secret():
    options = SMTPOptions(host="a.example", auth=("user", "canary-secret"), proxy="http://u:canary-proxy@p.example")
    assert "canary" not in repr(options)


@pytest.mark.parametrize("name", ["gmail", "Gmail", "Google Mail", "gmail.com", "me@gmail.com"])
def test_a_service_fills_host_port_and_security(name):
    options = SMTPOptions(service=name)
    assert (options.host, options.port, options.secure) == ("smtp.gmail.com", 465, True)


def test_explicit_options_win_over_the_service():
    options = SMTPOptions(service="gmail", host="relay.example", auth_method="LOGIN")
    assert (options.host, options.port, options.auth_method) == ("relay.example", 465, "LOGIN")


def test_another_port_of_a_secure_service_keeps_tls_required():
    options = SMTPOptions(service="gmail", port=587)
    assert (options.secure, options.require_tls) == (False, True)


def test_an_unknown_service_names_close_ones():
    with pytest.raises(ConfigError, match=r"(?i)gmail"):
        SMTPOptions(service="gmial")


@pytest.mark.parametrize("url", ["http://mail.example", "json:", "localhost:25", "pool://mail.example"])
def test_a_url_of_something_else_is_refused(url):
    with pytest.raises(ConfigError, match="begins with smtp: or smtps:"):
        SMTPOptions(url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "[::1]", "127.8.8.8", "LOCALHOST.", "api.localhost"])
def test_loopback_is_known_by_name_and_by_address(host):
    assert SMTPOptions(host=host).loopback


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "10.0.0.1", "localhost.example"])
def test_everything_else_is_not_loopback(host):
    assert not SMTPOptions(host=host).loopback


def test_what_a_proxy_calls_localhost_is_not_this_machine():
    assert not SMTPOptions(host="localhost", proxy="http://proxy.example:8080").loopback
