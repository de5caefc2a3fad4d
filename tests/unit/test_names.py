"""Spelling: both forms of a name, and the one that somebody probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymailer.names import closest, snake_case, unknown


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("replyTo", "reply_to"),
        ("maxConnections", "max_connections"),
        ("ignoreTLS", "ignore_tls"),
        ("requireTLS", "require_tls"),
        ("requireTls", "require_tls"),
        ("TLSOptions", "tls_options"),
        ("inReplyTo", "in_reply_to"),
        ("host", "host"),
        ("from_", "from_"),
        ("attachDataUrls", "attach_data_urls"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_camel_case_becomes_snake_case(camel, snake) -> None:
    assert snake_case(camel) == snake


@given(st.from_regex(r"[a-z]+(_[a-z]+)*", fullmatch=True))
def test_snake_case_stays_as_it_is(name) -> None:
    assert snake_case(name) == name


@given(st.lists(st.from_regex(r"[a-z]{2,8}", fullmatch=True), min_size=1, max_size=4))
def test_a_name_comes_back_from_its_camel_case(words) -> None:
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    assert snake_case(camel) == "_".join(words)


@given(st.text(max_size=30))
def test_any_text_has_a_snake_case_without_capitals_of_ascii(text) -> None:
    assert not any("A" <= char <= "Z" for char in snake_case(text))


@pytest.mark.parametrize(
    ("name", "meant"),
    [("prot", "port"), ("hots", "host"), ("maxConections", "max_connections"), ("zzz", None), ("", None)],
)
def test_the_closest_name(name, meant) -> None:
    assert closest(name, ["host", "port", "max_connections"]) == meant


def test_nothing_is_close_enough_if_much_is_asked() -> None:
    assert closest("prot", ["port"]) == "port"
    assert closest("prot", ["port"], 0.9) is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("prot", "unknown option 'prot': did you mean 'port'?"),
        ("zzz", "unknown option 'zzz'"),
        (5, "unknown option 5"),
        (None, "unknown option None"),
    ],
)
def test_an_unknown_name_is_told_in_a_sentence(name, sentence) -> None:
    assert unknown("option", name, ["host", "port"]) == sentence
