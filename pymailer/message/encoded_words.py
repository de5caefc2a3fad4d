"""Text in a header as RFC 2047 encoded words: UTF-8, never too long for a line, never half a character.

Knows the two encodings and nothing of where in a header a word will stand.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterator

from pymailer.errors import MessageError
from pymailer.message.characters import shown

LONGEST = 72
"""Characters in an encoded word. RFC 2047 2 allows 75 and lines of 76; this leaves room for what stands beside it."""

_FRAME = len("=?UTF-8?Q??=")
_SHORTEST = _FRAME + len("=F0=9F=98=80")  # room for any one character

# RFC 2047 5 (3): what may stand for itself in a phrase may do so everywhere.
_LITERAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_Q = [chr(octet) if octet in _LITERAL else f"={octet:02X}" for octet in range(256)]
_Q[ord(" ")] = "_"


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
    base64 = 4 * -(-len(data) // 3)
    quoted = len(data) + 2 * len(data.translate(None, _LITERAL + b" "))
    if 4 * quoted <= 5 * base64:  # Q can be read without a tool, so it may be a little longer
        if quoted <= first - _FRAME:
            return Encoded(_quoted_word(text))
        return Encoded(" ".join(map(_quoted_word, _pieces(text, _quoted_cost, first - _FRAME, LONGEST - _FRAME))))
    if base64 <= first - _FRAME:
        return Encoded(_base64_word(text))
    return Encoded(" ".join(map(_base64_word, _pieces(text, _octets, _base64_room(first), _base64_room(LONGEST)))))


def _pieces(text: str, cost: Callable[[str], int], first: int, rest: int) -> Iterator[str]:
    """`text` in pieces that cost no more than `first`, and then `rest`, each.

    After a blank where there is one, because some readers show a blank between any two words.
    """
    start = used = after_blank = 0
    room = first
    for at, char in enumerate(text):
        used += cost(char)
        if used > room:
            cut = after_blank if after_blank > (start + at) // 2 else at
            yield text[start:cut]
            start, room = cut, rest
            used = sum(map(cost, text[cut : at + 1]))
        if char == " ":
            after_blank = at + 1
    yield text[start:]


def _quoted_word(text: str) -> str:
    return f"=?UTF-8?Q?{''.join([_Q[octet] for octet in text.encode()])}?="


def _quoted_cost(char: str) -> int:
    return sum([len(_Q[octet]) for octet in char.encode()])


def _base64_word(text: str) -> str:
    return f"=?UTF-8?B?{b2a_base64(text.encode(), newline=False).decode('ascii')}?="


def _base64_room(length: int) -> int:
    return (length - _FRAME) // 4 * 3


def _octets(char: str) -> int:
    return len(char.encode())
