"""The name we greet with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymailer.errors import ConfigError
from pymailer.smtp import commands
from pymailer.smtp.ehlo import ehlo_name


@pytest.mark.parametrize("name", ["localhost", "mail.example.com", "a-1.example", "xn--bcher-kva.example"])
def test_a_domain_name_is_taken_as_it_is(name):
    assert ehlo_name(name) == name


@pytest.mark.parametrize(
    ("name", "ascii_form"), [("bücher", "xn--bcher-kva"), ("Bücher.Example", "xn--bcher-kva.example")]
)
def test_an_international_name_becomes_ascii(name, ascii_form):
    assert ehlo_name(name) == ascii_form


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("192.0.2.1", "[192.0.2.1]"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
        ("[2001:db8::1]", "[IPv6:2001:db8::1]"),
    ],
)
def test_an_address_becomes_a_literal(address, literal):
    assert ehlo_name(address) == literal


@pytest.mark.parametrize(
    "name",
    [
        *("", "host name", "host\r\nMAIL FROM:<a@evil>", "host\x00", "a..b", ".a", "a.", "-a.example", "a-.example"),
        *("a_b.example", "300.1.1.1", "[300.1.1.1]", "[x]", "[]", "fe80::1%eth0\r\n", "a" * 64, "a." * 200 + "a"),
        *("ü" * 80, "\u2028", "\ud800", None, 5, b"host"),
    ],
)
def test_anything_else_is_refused(name):
    with pytest.raises(ConfigError):
        ehlo_name(name)


@given(st.text(max_size=30))
def test_whatever_is_taken_can_be_said_and_taken_again(text):
    try:
        name = ehlo_name(text)
    except ConfigError:
        return
    assert commands.ehlo(name) == f"EHLO {name}\r\n".encode("ascii")
    assert ehlo_name(name) == name
