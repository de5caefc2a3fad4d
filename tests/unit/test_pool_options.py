"""The options of a pool: spelled either way, checked when they are made, filled in by a service."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pymailer.errors import ConfigError
from pymailer.smtp.options import SMTPOptions
from pymailer_smtp_pool import PoolOptions, SMTPPool, Throttle, ThrottleReply, smtp_pool
from pymailer_smtp_pool.options import pool_options
from pymailer_smtp_pool.throttle import PROVIDERS, REPLIES


def own(*args, **options) -> PoolOptions:
    return pool_options(*args, **options)[0]


def test_the_defaults_are_those_of_the_contract():
    options = own()
    assert (options.max_connections, options.max_messages, options.max_age, options.idle_timeout) == (5, 100, 300, 60)
    assert (options.rate_limit, options.rate_delta, options.max_requeues) == (None, 1, 5)
    assert (options.retry_temporary, options.retry_unknown, options.breaker_timeout) == (False, False, 30)
    assert (options.max_queue, options.queue_timeout, options.rate_limiter) == (None, None, None)


def test_camel_case_is_in_milliseconds():
    options = own({"maxConnections": 2, "rateLimit": 3, "rateDelta": 500, "idleTimeout": 8000, "queueTimeout": 250})
    assert options == own(max_connections=2, rate_limit=3, rate_delta=0.5, idle_timeout=8, queue_timeout=0.25)


def test_a_length_of_time_may_be_a_timedelta():
    assert own(max_age=timedelta(minutes=2)).max_age == 120


def test_a_rate_may_be_for_a_whole_day():
    assert own(rate_limit=500, rate_delta=86_400).rate_delta == 86_400


def test_the_rest_goes_to_the_connections():
    options, connection = pool_options(host="mail.test", port=587, max_connections=2)
    assert (connection.host, connection.port, options.max_connections) == ("mail.test", 587, 2)


def test_a_url_may_hold_them_all():
    options, connection = pool_options("smtp://user:secret@mail.test:587/?pool=true&maxConnections=3")
    assert (connection.host, connection.port, options.max_connections) == ("mail.test", 587, 3)


def test_an_instance_of_the_connection_s_options_may_be_given():
    options, connection = pool_options(SMTPOptions(host="mail.test"), port=587, max_messages=7)
    assert (connection.host, connection.port, options.max_messages) == ("mail.test", 587, 7)


def test_a_service_fills_in_what_is_not_given():
    options, connection = pool_options(service="Outlook365", max_connections=2)
    assert connection.host == "smtp.office365.com"
    assert (options.max_connections, options.rate_limit, options.rate_delta) == (2, 30, 60)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_conections": 5}, "max_connections"),
        ({"max_connections": 0}, "max_connections"),
        ({"max_connections": -1}, "max_connections"),
        ({"max_connections": "5"}, "max_connections"),
        ({"max_connections": True}, "max_connections"),
        ({"max_connections": float("nan")}, "max_connections"),
        ({"max_messages": 0}, "max_messages"),
        ({"max_messages": 1.5}, "max_messages"),
        ({"max_requeues": -1}, "max_requeues"),
        ({"max_queue": -1}, "max_queue"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"rate_limit": 1, "rate_delta": 0}, "rate_delta"),
        ({"rate_delta": "1s"}, "rate_delta"),
        ({"idle_timeout": -1}, "idle_timeout"),
        ({"idle_timeout": 60_000}, "milliseconds"),
        ({"queue_timeout": float("inf")}, "queue_timeout"),
        ({"max_age": None, "maxAge": 1}, "same option"),
        ({"retry_temporary": "yes"}, "retry_temporary"),
        ({"rate_limiter": "fast"}, "reserve"),
        ({"throttle_replies": ["451"]}, "ThrottleReply"),
        ({"throttle_replies": 451}, "throttle_replies"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        own(options)


def test_what_is_none_is_not_given():
    assert own(max_connections=None, queue_timeout=None) == own()


def test_replies_of_a_service_come_before_those_that_are_known():
    mine = ThrottleReply(meaning=Throttle.TOO_FAST, codes={552})
    assert own(throttle_replies=[mine]).replies == (mine, *REPLIES)


def test_what_is_known_of_a_provider_comes_with_its_host():
    assert own(service="gmail").throttle_replies == PROVIDERS["gmail.com"]
    assert own(host="smtp.gmail.com").throttle_replies == PROVIDERS["gmail.com"]
    assert own(host="gmail.com.example.org").throttle_replies == ()


def test_the_factory_makes_a_transport():
    pool = smtp_pool(host="mail.test", auth=("user", "secret"))
    assert isinstance(pool, SMTPPool)
    assert pool.name == "SMTP (pool)"
    assert pool.max_connections == 5
    assert "secret" not in repr(pool)


def test_options_are_not_changed():
    given = {"host": "mail.test", "maxConnections": 2}
    smtp_pool(given)
    assert given == {"host": "mail.test", "maxConnections": 2}
