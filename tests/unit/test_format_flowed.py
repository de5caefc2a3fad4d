"""Text as format=flowed comes back as it was, and fits narrow screens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.message.format_flowed import flowed


def read(text: str) -> str:
    """As RFC 3676 4.1 has it read, without quotation marks."""
    result = ""
    for line in text.split("\r\n"):
        line = line.removeprefix(" ")  # noqa: PLW2901 -- stuffing
        soft = line.endswith(" ") and line != "-- "
        result += line if soft else f"{line}\n"
    return result[:-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short\n\nlines\r\nstay", "short\r\n\r\nlines\r\nstay"),
        ("blanks at the end  \nof a line", "blanks at the end\r\nof a line"),
        ("-- \nAda", "-- \r\nAda"),
        (" indented\n> quoted\nFrom me", "  indented\r\n > quoted\r\n From me"),
        ("word " * 20 + "end", "word " * 14 + "\r\n" + "word " * 6 + "end"),
        ("x" * 100, "x" * 100),
    ],
)
def test_text_flows_like_this(text, expected) -> None:
    assert flowed(text) == expected


@given(st.lists(st.sampled_from(["word", " ", "\n", "-- ", ">", "From ", "ü", "x" * 75]), max_size=60).map("".join))
@settings(deadline=None)
def test_text_comes_back_but_for_blanks_at_line_ends(text) -> None:
    lines = [line if line == "-- " else line.rstrip(" ") for line in text.split("\n")]
    assert read(flowed(text)) == "\n".join(lines)


@given(st.lists(st.sampled_from(["word ", "a ", "longer-word "]), max_size=60).map("".join))
@settings(deadline=None)
def test_no_line_of_words_is_wider_than_it_should_be(text) -> None:
    assert all(len(line) <= 73 for line in flowed(text).split("\r\n"))
