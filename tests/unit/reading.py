"""A second opinion on headers: small readers that follow the RFCs, for where the standard library's do not.

Independent of what they check: nothing of the library under test is used here.
"""

from __future__ import annotations

import re
from base64 import b64decode
from urllib.parse import unquote_to_bytes

_WORD = re.compile(r"=\?utf-8\?([bq])\?([^? ]*)\?=", re.IGNORECASE)


def unfolded(field: bytes) -> str:
    """The value of one complete field, without its name; its form is checked (RFC 5322 2.2)."""
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(line[:1] in (b" ", b"\t") and line.strip(b" \t") for line in lines[1:]), "a line is empty or a new field"
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)
    name, colon, value = b"".join(lines).decode().partition(":")
    assert colon
    assert name.isascii()
    assert value == "" or value.startswith(" ")
    return value[1:]


def decoded(text: str) -> str:
    """Text with encoded words (RFC 2047 6.2): blanks between two of them are not shown."""
    pieces: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        between = text[end : match.start()]
        if not pieces or between.strip(" \t"):
            pieces.append(between)
        assert len(match[0]) <= 75
        pieces.append(_word(match[1].lower(), match[2]))
        end = match.end()
    return "".join([*pieces, text[end:]])


def _word(encoding: str, payload: str) -> str:
    """Each word on its own is whole characters (RFC 2047 5)."""
    octets = b64decode(payload, validate=True) if encoding == "b" else _from_q(payload)
    return octets.decode("utf-8")


def _from_q(payload: str) -> bytes:
    return unquote_to_bytes(payload.replace("%", "=25").replace("_", " ").replace("=", "%"))
