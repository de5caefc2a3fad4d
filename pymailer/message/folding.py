"""Long header fields in lines (RFC 5322 2.2.3): where a field may be broken, and how long a line may be.

Knows blanks, quoted strings and lengths; nothing of what a field means. A field is never broken before its first word,
because some software takes a first line without content for an empty field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pymailer.errors import MessageError

LINE = 76
"""Characters in a line. RFC 5322 asks for 78, RFC 2047 for 76 where an encoded word stands; 76 serves both."""

MAX_LINE = 998
"""Octets in a line that no mail system may exceed (RFC 5322 2.1.1)."""

_WORD = re.compile(r"[ \t]*+[^ \t]++")
_STRUCTURED_WORD = re.compile(r'[ \t]*+(?:[^ \t"]++|"(?:[^"\\]++|\\.)*+"?)++')


def fold(name: str, value: str) -> str:
    """The field ``name: value`` with breaks before blanks, for text."""
    return _join(name, _WORD.findall(f" {value}"))


def fold_structured(name: str, value: str) -> str:
    """The same for a structured field: never inside a quoted string, and after commas where that is enough."""
    return _join(name, _between_commas(_STRUCTURED_WORD.findall(f" {value}"), LINE - len(name) - 1))


def _between_commas(words: Iterable[str], room: int) -> Iterator[str]:
    """What ends with a comma in one piece, if it fits the `room` of its line, and word by word if not."""
    unit: list[str] = []
    for word in words:
        unit.append(word)
        if word.endswith(","):
            yield from _whole(unit, room)
            unit, room = [], LINE
    yield from _whole(unit, room)


def _whole(unit: list[str], room: int) -> list[str]:
    joined = "".join(unit)
    return [joined] if len(joined) <= room else unit


def _join(name: str, words: Iterable[str]) -> str:
    pieces = [f"{name}:"]
    column = start = len(pieces[0])
    for word in words:
        if column + len(word) > LINE and column != start:
            pieces.append("\r\n")
            column = start = 0
        pieces.append(word)
        column += len(word)
    return "".join(pieces)


def octets(text: str) -> bytes:
    """`text` as it is sent; octets of a header that came ready made are what they were, in whatever encoding."""
    return text.encode("utf-8", "surrogateescape")


def too_long(folded: str) -> bool:
    """Whether a line of a folded field has more octets than any may have."""
    return len(folded) > MAX_LINE // 4 and max(map(len, octets(folded).split(b"\r\n"))) > MAX_LINE


def check_length(name: str, folded: str) -> str:
    """`folded`, if it may be sent.

    Raises:
        MessageError: Something in it cannot be broken and is longer than a line may be.
    """
    if too_long(folded):
        raise MessageError(f"the {name} header holds a word that does not fit a line of {MAX_LINE} octets")
    return folded
