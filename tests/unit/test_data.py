"""Dots, stuffed across any chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymailer.smtp.data import DotStuffer


def stuffed(*chunks: bytes) -> bytes:
    stuffer = DotStuffer()
    return b"".join([*map(stuffer.feed, chunks), stuffer.end()])


def unstuffed(data: bytes) -> bytes:
    """What a server stores, line by line (RFC 5321 4.5.2)."""
    lines = data.split(b"\r\n")
    body = lines[: lines.index(b".")]
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in body)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"", b".\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b".a\r\n..b\r\nc.d\r\n", b"..a\r\n...b\r\nc.d\r\n.\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\n\r\n.", b"a\r\n\r\n..\r\n.\r\n"),
    ],
)
def test_a_dot_that_begins_a_line_is_doubled(message, wire):
    assert stuffed(message) == wire


@pytest.mark.parametrize("cut", range(1, 9))
def test_where_the_chunks_are_cut_makes_no_difference(cut):
    message = b"a\r\n.\r\n.b\r\n"
    assert stuffed(message[:cut], message[cut:]) == stuffed(message)


def test_an_empty_chunk_changes_nothing():
    assert stuffed(b"a\r\n", b"", b".b") == stuffed(b"a\r\n.b")


def test_a_bare_lf_is_taken_for_a_line_end_too():
    assert b"\n.\n" not in stuffed(b"a\n.\nb\r\n")


def test_a_chunk_without_anything_to_stuff_is_not_copied():
    chunk = b"no dot at the start of a line\r\n" * 10
    assert DotStuffer().feed(chunk) is chunk


CHUNKS = st.lists(st.sampled_from([b"\r\n", b".", b"a", b"..", b"\r\n."]), max_size=12)


@given(CHUNKS)
def test_the_server_gets_back_what_was_given(chunks):
    message = b"".join(chunks)
    whole = message if not message or message.endswith(b"\r\n") else message + b"\r\n"
    assert unstuffed(stuffed(*chunks)) == whole


@given(CHUNKS)
def test_only_the_end_is_a_lone_dot(chunks):
    assert (b"\r\n" + stuffed(*chunks)).count(b"\r\n.\r\n") == 1
