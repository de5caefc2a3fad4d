"""Plain text as ``format=flowed`` (RFC 3676): paragraphs that a reader's screen may wrap anew.

Knows lines and blanks; nothing of the part that holds them. The text comes back as it was, but for blanks before line
ends, which have a meaning of their own here.
"""

from __future__ import annotations

from collections.abc import Iterator

WIDTH = 72
"""Characters in a line, where there are blanks to break at (RFC 3676 4.2)."""

SIGNATURE = "-- "  # the one line whose blank at the end is no soft break (RFC 3676 4.3)
_STUFFED = (" ", ">", "From ")


def flowed(text: str) -> str:
    """`text` with its long lines broken after blanks; a reader joins lines that end with one.

    A ``>`` that begins a line stays that character: it is not made a mark of quotation.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\r\n".join([_stuffed(piece) for line in lines for piece in _pieces(line)])


def _stuffed(line: str) -> str:
    """RFC 3676 4.4: a reader takes the first blank away."""
    return f" {line}" if line.startswith(_STUFFED) else line


def _pieces(line: str) -> Iterator[str]:
    if line == SIGNATURE:
        yield line
        return
    line = line.rstrip(" ")
    start = 0
    while len(line) - start > WIDTH:
        end = line.rfind(" ", start + len(SIGNATURE), start + WIDTH) + 1
        if not end:  # a word longer than a line
            end = line.find(" ", start + WIDTH) + 1
        if not end:
            break
        yield line[start:end]
        start = end
    yield line[start:]
