"""The message as DATA carries it: dots stuffed and the end marked (RFC 5321 4.5.2), a chunk at a time.

Knows bytes whose line ends are all CRLF, as the composer makes them; must not know what is in them.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LONE_DOT", "DotStuffer"]

LONE_DOT: Final = b".\r\n"
"""An empty message: what a server gets that answers DATA although every recipient was refused."""


class DotStuffer:
    """Doubles the dot that begins a line, wherever the chunks happen to be cut.

    A line is taken to begin after any LF, with or without its CR: should a bare LF ever come through, no server that
    honours it finds an end of the message there.
    """

    __slots__ = ("_at_line_start",)

    def __init__(self) -> None:
        self._at_line_start = True

    def feed(self, chunk: bytes) -> bytes:
        """The next piece of the message, ready for the wire; the same object where there was nothing to stuff."""
        if not chunk:
            return chunk
        stuffed = chunk.replace(b"\n.", b"\n..")
        if self._at_line_start and chunk.startswith(b"."):
            stuffed = b"." + stuffed
        self._at_line_start = chunk.endswith(b"\n")
        return stuffed

    def end(self) -> bytes:
        """The end of the message: a dot on a line of its own, after a line end where the message has none."""
        return LONE_DOT if self._at_line_start else b"\r\n" + LONE_DOT
