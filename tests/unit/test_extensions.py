"""What a reply to EHLO says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymailer.outcome import Reply
from pymailer.smtp.extensions import Capabilities


def offered(*lines: str) -> Capabilities:
    return Capabilities.parse(Reply(250, None, ("mail.example.com at your service", *lines)))


def test_a_server_that_only_knows_helo_offers_nothing():
    assert Capabilities() == offered()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("PIPELINING", "pipelining"),
        ("CHUNKING", "chunking"),
        ("8BITMIME", "eightbitmime"),
        ("SMTPUTF8", "smtputf8"),
        ("STARTTLS", "starttls"),
        ("REQUIRETLS", "requiretls"),
        ("DSN", "dsn"),
        ("ENHANCEDSTATUSCODES", "enhancedstatuscodes"),
        ("starttls", "starttls"),
        ("SIZE", "size"),
    ],
)
def test_a_keyword_on_a_line_of_its_own_is_an_extension(line, name):
    assert getattr(offered(line), name) is True


def test_a_keyword_among_the_parameters_of_another_is_none():
    assert not offered("X-THING STARTTLS", "HELP PIPELINING").starttls


def test_the_greeting_is_no_keyword():
    assert not Capabilities.parse(Reply(250, None, ("STARTTLS", "DSN"))).starttls


def test_a_keyword_that_we_do_not_know_is_kept():
    assert "XCLIENT" in offered("XCLIENT NAME ADDR").keywords


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("SIZE 35882577", 35882577),
        ("SIZE 99999999999999999999", 99999999999999999999),
        ("SIZE", None),
        ("SIZE 0", None),
        ("SIZE -1", None),
        ("SIZE 10MB", None),
        ("SIZE ١٢", None),
        ("SIZE " + "9" * 5000, None),
    ],
)
def test_the_size_limit(line, limit):
    assert offered(line).max_size == limit


@pytest.mark.parametrize(
    "lines",
    [
        ["AUTH PLAIN LOGIN"],
        ["AUTH=PLAIN LOGIN"],
        ["AUTH PLAIN", "AUTH=LOGIN"],
        ["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"],
        ["auth plain login"],
    ],
)
def test_mechanisms_in_either_spelling(lines):
    assert offered(*lines).auth == ("PLAIN", "LOGIN")


def test_limits():
    capabilities = offered("LIMITS MAILMAX=10 RCPTMAX=100 X=1")
    assert (capabilities.mailmax, capabilities.rcptmax) == (10, 100)


def test_a_limit_that_makes_no_sense_is_none():
    capabilities = offered("LIMITS MAILMAX=0 RCPTMAX=-5 RCPTMAX")
    assert (capabilities.mailmax, capabilities.rcptmax) == (None, None)


@given(st.lists(st.text(max_size=40), max_size=10))
def test_no_line_however_strange_is_an_error(lines):
    assert isinstance(offered(*lines), Capabilities)
