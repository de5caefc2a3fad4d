"""``data:`` URIs: what they hold, and what is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymailer.errors import MessageError
from pymailer.message.data_uri import DEFAULT_TYPE, DataURI, parse_data_uri


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("data:,", DataURI(DEFAULT_TYPE, b"")),
        ("data:", DataURI(DEFAULT_TYPE, b"")),
        ("data:,a%20b", DataURI(DEFAULT_TYPE, b"a b")),
        ("DATA:text/plain,x", DataURI("text/plain", b"x")),
        ("data:text/plain;base64,SGVsbG8=", DataURI("text/plain", b"Hello")),
        ("data:text/plain;BASE64,SGVsbG8", DataURI("text/plain", b"Hello")),
        ("data:;base64,SGVsbG8%3D", DataURI(DEFAULT_TYPE, b"Hello")),
        ("data:;charset=utf-8,%C3%BC", DataURI("text/plain;charset=utf-8", "ü".encode())),
        ("data:image/svg+xml;charset=utf-8;base64,PA==", DataURI("image/svg+xml;charset=utf-8", b"<")),
        ("data:text/plain,ü", DataURI("text/plain", "ü".encode())),
        ("data:,100%", DataURI(DEFAULT_TYPE, b"100%")),
    ],
)
def test_holds_octets_and_their_type(uri: str, expected: DataURI) -> None:
    assert parse_data_uri(uri) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "data:;base64,!!!",
        "data:;base64,SGVsbG8===x",
        "data:text/html\r\nX: y,hi",
        "data:text,x",
        "data:text/plain",
        "data:text/plain;=,x",
        "data:,\ud800",
    ],
    ids=ascii,
)
def test_is_refused_if_it_is_malformed(uri: str) -> None:
    with pytest.raises(MessageError):
        parse_data_uri(uri)


def test_is_refused_if_it_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pymailer.message.data_uri.MAX_SIZE", 20)
    with pytest.raises(MessageError, match="too long"):
        parse_data_uri("data:," + "x" * 20)


@pytest.mark.parametrize("uri", ["data:;" + ";" * 60_000 + ",test", "data:" + ";t" * 60_000, "data:," + "%" * 60_000])
def test_hostile_ones_take_no_time(uri: str) -> None:
    started = time.process_time()
    try:
        parse_data_uri(uri)
    except MessageError:
        pass
    assert time.process_time() - started < 0.1


@given(st.text(max_size=200))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        parse_data_uri(f"data:{text}")
    except MessageError:
        return
