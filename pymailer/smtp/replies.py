"""Bytes in, replies out (RFC 5321 4.2), for any split of the bytes.

Knows the shape of a reply and the bounds on what a server may make us hold. It must not know which command was
answered, what an answer means, or where the bytes come from.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pymailer.errors import ProtocolError
from pymailer.outcome import Reply

__all__ = ["MAX_LINE", "MAX_PENDING", "MAX_REPLY", "ReplyParser", "printable"]

MAX_LINE: Final = 12_288
"""Octets of one reply line. RFC 5321 says 512; RFC 4954 4 allows a challenge this long, and no RFC allows more."""
MAX_REPLY: Final = 65_536
"""Octets of one reply with all its lines."""
MAX_PENDING: Final = 1_048_576
"""Octets received and not yet asked for; pipelined replies to thousands of commands fit."""

_EXCERPT: Final = 80


class ReplyParser:
    """Turns what a server sends into replies; after a `ProtocolError` the connection must be dropped."""

    __slots__ = ("_buffer", "_lines", "_scanned", "_size")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # octets of the buffer known to hold no line end, so that a trickle costs linear time
        self._lines: list[bytes] = []  # of a reply whose last line has not come yet
        self._size = 0

    @property
    def pending(self) -> bytes:
        """What was received and not given out as a reply."""
        return b"".join(self._lines) + self._buffer

    @property
    def empty(self) -> bool:
        """Whether nothing is pending."""
        return not self._buffer and not self._lines

    def feed(self, data: bytes) -> None:
        """Take bytes as they come from the server.

        Raises:
            ProtocolError: More is pending than a server has reason to send.
        """
        if len(self._buffer) > MAX_PENDING:
            raise ProtocolError(f"the server sent over {MAX_PENDING} octets that answer nothing")
        self._buffer += data

    def next(self) -> Reply | None:
        """The next complete reply, or ``None`` until more bytes come.

        Raises:
            ProtocolError: The bytes are no reply, or one that is too large.
        """
        buffer = self._buffer
        while buffer:
            end = buffer.find(b"\n", self._scanned) + 1
            if (end or len(buffer)) > MAX_LINE:
                raise ProtocolError(f"the server sent a line of over {MAX_LINE} octets: {_excerpt(buffer)}")
            if not end:
                self._scanned = len(buffer)
                self._refuse_binary()
                return None
            line = bytes(buffer[:end])
            del buffer[:end]
            self._scanned = 0
            if line[3:4] == b"-":
                self._keep(line)
                continue
            if self._lines:
                return self._finish(line)
            try:
                return _single(line)
            except ProtocolError:
                self._lines.append(line)  # what made no sense stays pending, for whoever explains it
                raise
        return None

    def _refuse_binary(self) -> None:
        """What begins with no printable character is no text, and may never bring a line end to wait for."""
        if not 32 <= self._buffer[0] < 127:
            raise _nonsense(self._buffer)

    def _keep(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > MAX_REPLY:
            raise ProtocolError(f"the server sent a reply of over {MAX_REPLY} octets: {_excerpt(self._lines[0])}")
        self._lines.append(line)
        if len(self._lines) == 1:
            _code(line)
        # RFC 5321 4.2.1: all lines carry the same code; with two of them nobody can say which one was meant.
        elif line[:3] != self._lines[0][:3]:
            first, other = _excerpt(self._lines[0]), _excerpt(line)
            raise ProtocolError(f"the server mixed two codes in one reply: {first} and {other}")

    def _finish(self, line: bytes) -> Reply:
        self._keep(line)
        lines, self._lines, self._size = self._lines, [], 0
        code = _code(line)
        texts = tuple(map(_text, lines))
        return Reply(code, _enhanced(code, texts[0]), texts)


@lru_cache(maxsize=128)  # a server says "250 2.1.5 Ok" for every recipient; a `Reply` is frozen, so one serves all
def _single(line: bytes) -> Reply:
    code, text = _code(line), _text(line)
    return Reply(code, _enhanced(code, text), (text,))


def _code(line: bytes) -> int:
    digits = line[:3]
    # RFC 5321 4.2: a code may stand alone on its line, without the space.
    if not (digits.isdigit() and len(digits) == 3 and digits[0] in b"2345" and line[3:4] in b" -\r\n"):
        raise _nonsense(line)
    return int(digits)


def _text(line: bytes) -> str:
    end = -2 if line.endswith(b"\r\n") else -1  # a bare LF is forgiven: it cannot be mistaken for anything else
    return printable(line[4:end].decode("utf-8", "replace"))


def _enhanced(code: int, text: str) -> str | None:
    """The enhanced status code that opens the text; RFC 2034 4: its class is the reply's, else it is something else."""
    word = text.partition(" ")[0]
    parts = word.split(".")
    if len(parts) != 3 or parts[0] != str(code // 100) or not word.isascii():
        return None
    return word if all(part.isdigit() and len(part) <= 3 for part in parts[1:]) else None


def printable(text: str) -> str:
    """The text with everything a terminal or a log might obey written as an escape sequence."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _excerpt(data: bytes | bytearray) -> str:
    text = printable(bytes(data[:_EXCERPT]).rstrip(b"\r\n").decode("utf-8", "replace"))
    return f"'{text}…'" if len(data) > _EXCERPT else f"'{text}'"


def _nonsense(data: bytes | bytearray) -> ProtocolError:
    return ProtocolError(f"the server did not answer as an SMTP server: {_excerpt(data)}")
