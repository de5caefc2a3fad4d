"""Parameters of a media type or disposition: plain, quoted, or RFC 2231 with its continuations.

Knows how a value is written so that every parser reads the same one; nothing of what the parameters mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pymailer.errors import MessageError
from pymailer.message.characters import CONTROL, described, shown
from pymailer.message.encoded_words import LONGEST, Encoded, encode_words

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]++")  # RFC 2045 5.1
_LITERAL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`{|}~")  # RFC 2231 7
_MISREAD = ('"', "\\", "=?")  # many readers stumble over escapes in quotes, or decode encoded words there
_CHARSET = "utf-8''"
_ROOM = 60
"""Characters of a value on one line, so that its name, section number and indentation fit beside it."""


def encode_parameter(name: str, value: str) -> str:
    """One parameter, without the ``;`` before it: ``charset=utf-8``, ``filename="my report.pdf"``, ``filename*0*=…``.

    Printable ASCII that fits a line is written plainly. All else is percent-encoded UTF-8 in sections that can be
    folded between (RFC 2231), and so are quotes, backslashes and what looks like an encoded word.

    Raises:
        MessageError: `name` is no token, or `value` holds a control character or a lone surrogate.
    """
    if _TOKEN.fullmatch(name) is None or "*" in name:
        raise MessageError(f"{shown(name)} is not the name of a parameter")
    if control := CONTROL.search(value):
        raise MessageError(f"the {name} {shown(value)} contains {described(control[0])}")
    if value.isascii() and value.isprintable() and len(value) <= _ROOM and not any(map(value.__contains__, _MISREAD)):
        return f"{name}={value}" if _is_token(value) else f'{name}="{value}"'
    sections = list(_sections(value))
    if len(sections) == 1:
        return f"{name}*={sections[0]}"
    # RFC 2231 4.1: the "*" after the number says that this section is percent-encoded.
    return "; ".join(f"{name}*{number}*={section}" for number, section in enumerate(sections))


def encode_fallback(name: str, value: str) -> str | None:
    """One parameter for programs that do not know RFC 2231: an encoded word in quotes, or ``None`` if it is too long.

    RFC 2047 5 forbids it and mail programs have read it for decades, in the ``name`` of a Content-Type above all. The
    true value stands elsewhere, in ``filename*``.
    """
    plain = encode_parameter(name, value)
    if "*" not in plain.partition("=")[0]:
        return plain
    word = encode_words(value)
    return f'{name}="{word}"' if len(word) <= LONGEST - len(name) and " " not in word else None


def with_parameters(value: str, parameters: Mapping[str, str]) -> Encoded:
    """A complete Content-Type or Content-Disposition, not yet folded.

    Args:
        value: The media type or disposition, already checked.
        parameters: In the order in which they shall stand.

    Raises:
        MessageError: A parameter that cannot be written.
    """
    return Encoded("; ".join([value, *(encode_parameter(name, each) for name, each in parameters.items())]))


def base_name(filename: str) -> str:
    """The last part of a path in the spelling of any system: a reader's disk is nobody's business but his own."""
    return filename.replace("\\", "/").rpartition("/")[2]


def _is_token(value: str) -> bool:
    # A leading "-" looks like an option to what a mail program may start with it.
    return _TOKEN.fullmatch(value) is not None and not value.startswith("-") and "'" not in value and "*" not in value


def _sections(value: str) -> Iterator[str]:
    """`value` percent-encoded, in sections of whole characters that fit a line."""
    pieces, room = [_CHARSET], _ROOM - len(_CHARSET)
    for char in value:
        piece = char if char in _LITERAL else _percent(char)
        if len(piece) > room:
            yield "".join(pieces)
            pieces, room = [], _ROOM
        pieces.append(piece)
        room -= len(piece)
    yield "".join(pieces)


def _percent(char: str) -> str:
    try:
        return f"%{char.encode().hex('%').upper()}"
    except UnicodeEncodeError:
        raise MessageError("a parameter contains half of a character (a lone surrogate)") from None
