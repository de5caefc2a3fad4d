"""Message identifiers (RFC 5322 3.6.4): making them, checking them, and lists of them.

Knows the grammar of an id; nothing of the message that carries it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from pymailer.errors import MessageError
from pymailer.message.characters import shown
from pymailer.message.encoded_words import Encoded
from pymailer.message.randomness import random_name

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_DOT_ATOM = rf"{_ATOM}(?:\.{_ATOM})*+"
_STRICT = re.compile(rf"{_DOT_ATOM}@(?:{_DOT_ATOM}|\[[!-Z^-~]++\])")
_LENIENT = re.compile(r"[!-;=?-~]++")
_LIST = re.compile(r"[ \t]*+(?:<([!-;=?-~]++)>|([!-;=?-~]++)(?=[ \t]|\Z))[ \t]*+")


def make_message_id(domain: str) -> Encoded:
    """A new Message-ID with angle brackets: 128 random bits at `domain`, a domain in wire form."""
    return Encoded(f"<{random_name()}@{domain}>")


def message_id(value: object) -> Encoded:
    """A Message-ID that the user chose, with angle brackets, which may be missing in `value`.

    Raises:
        MessageError: It is not ``left@right`` as RFC 5322 3.6.4 has it.
    """
    inner = _without_brackets(value)
    if _STRICT.fullmatch(inner) is None:
        raise MessageError(f"{shown(value)} is not a Message-ID of the form <left@right> (RFC 5322 3.6.4)")
    return Encoded(f"<{inner}>")


def content_id(value: object) -> Encoded:
    """A Content-ID with angle brackets. As ``cid="logo"`` is what people write, the ``@`` may be missing.

    Raises:
        MessageError: It holds a blank, an angle bracket, a control character or something outside ASCII.
    """
    inner = _without_brackets(value)
    if _LENIENT.fullmatch(inner) is None:
        raise MessageError(f"{shown(value)} is not a content id (RFC 2392): visible ASCII without angle brackets")
    return Encoded(f"<{inner}>")


def references(value: object) -> Encoded:
    """A list of ids, for References and In-Reply-To: each with angle brackets, a blank between.

    Ids of other people's messages are taken as they are, even where they stray from the grammar.

    Args:
        value: Text with blanks between the ids, or an iterable of ids.

    Raises:
        MessageError: Something in it is not an id.
    """
    if isinstance(value, str):
        return Encoded(" ".join(_split(value)))
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise MessageError(f"message ids are text or a list of text, not {type(value).__name__}")
    return Encoded(" ".join([found for item in cast("Iterable[object]", value) for found in _split(item)]))


def _split(text: object) -> list[str]:
    if not isinstance(text, str):
        raise MessageError(f"a message id is text, not {type(text).__name__}")
    found: list[str] = []
    at = 0
    while at < len(text):
        match = _LIST.match(text, at)
        if match is None:
            if not text[at:].strip(" \t"):
                break
            raise MessageError(f"there is something that is not a message id in {shown(text[at:])}")
        found.append(f"<{match[1] or match[2]}>")
        at = match.end()
    return found


def _without_brackets(value: object) -> str:
    if not isinstance(value, str):
        raise MessageError(f"a message id is text, not {type(value).__name__}")
    return value[1:-1] if value[:1] == "<" and value[-1:] == ">" else value
