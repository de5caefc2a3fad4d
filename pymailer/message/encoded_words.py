"""Text in a header as RFC 2047 encoded words: UTF-8, never too long for a line, never half a character.

Knows the two encodings and nothing of where in a header a word will stand.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterator

from pymailer.errors import MessageError
from pymailer.message.characters import shown

LONGEST = 72
"""Characters in an encoded word. RFC 2047 2 allows 75 and lines of 76; this leaves room for what stands beside it."""

_FRAME = len("=?UTF-8?Q??=")
_SHORTEST = _FRAME + len("=F0=9F=98=80")  # room for any one character

# RFC 2047 5 (3): what may stand for itself in a phrase may do so everywhere.
_LITERAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_Q = {chr(code): f"={code:02X}" for code in range(128)} | {chr(code): chr(code) for code in _LITERAL} | {" ": "_"}


class Encoded(str):
    """A header value in the form it has on the wire, but for folding: whoever makes one answers for its content."""

    __slots__ = ()


def encode_words(text: str, first: int = LONGEST) -> Encoded:
    """`text` as encoded words with a blank between each two; a parser joins them without it.

    Args:
        text: Any text, also text that looks like an encoded word: it comes back as it went in.
        first: How many characters the first word may have.

    Raises:
        MessageError: A lone surrogate, which no encoding can carry.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise MessageError(f"the text {shown(text)} contains half of a character (a lone surrogate)") from None
    first = first if first >= _SHORTEST else LONGEST
    escaped = len(data.translate(None, _LITERAL + b" "))
    # Q can be read without a tool, so it may be a little longer.
    readable = 4 * (len(data) + 2 * escaped) <= 5 * (4 * -(-len(data) // 3))
    return Encoded(" ".join(_quoted_words(text, first) if readable else _base64_words(data, first)))


def _quoted_words(text: str, room: int) -> Iterator[str]:
    left, pieces = room - _FRAME, list[str]()
    for char in text:
        piece = _Q.get(char) or f"={char.encode().hex('=').upper()}"
        left -= len(piece)
        if left < 0:
            yield f"=?UTF-8?Q?{''.join(pieces)}?="
            pieces, left = [], LONGEST - _FRAME - len(piece)
        pieces.append(piece)
    yield f"=?UTF-8?Q?{''.join(pieces)}?="


def _base64_words(data: bytes, room: int) -> Iterator[str]:
    start = 0
    while start < len(data):
        end = start + (room - _FRAME) // 4 * 3
        while end < len(data) and data[end] & 0xC0 == 0x80:  # in the middle of a character
            end -= 1
        yield f"=?UTF-8?B?{b2a_base64(data[start:end], newline=False).decode('ascii')}?="
        start, room = end, LONGEST
