"""Connection URLs: nodemailer's grammar, read in one way only."""

from __future__ import annotations

import pytest

from pymailer import ConfigError
from pymailer.urls import parse_url


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp://host", {"host": "host"}),
        ("smtp://host:587", {"host": "host", "port": 587}),
        ("smtps://host", {"secure": True, "host": "host"}),
        ("SMTPS://host", {"secure": True, "host": "host"}),
        ("smtp:user:pass@host:25", {"auth": {"user": "user", "pass": "pass"}, "host": "host", "port": 25}),
        ("smtp://user:p%40ss@host", {"auth": {"user": "user", "pass": "p@ss"}, "host": "host"}),
        ("smtp://us:er:pass@host", {"auth": {"user": "us", "pass": "er:pass"}, "host": "host"}),
        ("smtp://us%3Aer:pass@host", {"auth": {"user": "us:er", "pass": "pass"}, "host": "host"}),
        ("smtp://:apikey@host", {"auth": {"user": "", "pass": "apikey"}, "host": "host"}),
        ("smtp://[::1]:25", {"host": "::1", "port": 25}),
        ("smtp://[::1%25eth0]:25", {"host": "::1%eth0", "port": 25}),
        ("smtp://host/?pool=true&maxMessages=5", {"host": "host", "pool": True, "maxMessages": 5}),
        ("smtp://host/?pool=false", {"host": "host", "pool": False}),
        ("smtp://host/?rateDelta=1.5", {"host": "host", "rateDelta": 1.5}),
        ("smtp://host/?tls.rejectUnauthorized=false", {"host": "host", "tls": {"rejectUnauthorized": False}}),
        ("smtp://host?name=me.example", {"host": "host", "name": "me.example"}),
        ("smtp://host/?host=other", {"host": "host"}),
        ("json:", {}),
    ],
)
def test_a_url_says_these_options(url, options):
    assert parse_url(url) == options


@pytest.mark.parametrize(
    "url",
    [
        "smtp://host\r\n.evil/",
        "smtp://good.example\\@evil.example/",
        "smtp://host:99999",
        "smtp://host:0",
        "smtp://host:25x",
        "smtp://host:٢٥",
        "smtp://a@b@host",
        "smtp://::1:25",
        "smtp://host/path",
        "smtp://host/?pool=true&pool=false",
        "smtp://host/?a.b.c=1",
        "smtp://ho st",
        "smtp://user:%0d%0a@host",
        5,
    ],
)
def test_a_url_that_is_malformed_or_ambiguous_is_refused(url):
    with pytest.raises(ConfigError):
        parse_url(url)


def test_an_error_never_shows_the_url():
    with pytest.raises(ConfigError) as caught:
        parse_url("smtp://u:canary-secret@h@host")
    assert "canary" not in str(caught.value)
