"""Which characters may stand where, and how a refused value is shown in an error.

Knows character classes only; no header, address or encoding.
"""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""C0 without TAB, and DEL: never in a header, encoded or not. TAB counts as a blank."""

_UNFIT_FOR_NAMES = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def unfit_for_names(text: str) -> re.Match[str] | None:
    """The first character that no part of an address may hold.

    That is all controls, what some software takes for a line end, and lone surrogates; none of them can be printed.
    """
    return None if text.isprintable() else _UNFIT_FOR_NAMES.search(text)


BLANKS = " \t"

_SHOWN = 80


def shown(value: object) -> str:
    """`value` as it may stand in an error: escaped, so that it cannot forge a line of a log, and cut short."""
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return ascii(cut) if isinstance(value, str) else ascii(cut)[1:-1]


def described(char: str) -> str:
    """A character that must not be shown as itself: ``U+000A`` or ``U+2028 LINE SEPARATOR``."""
    from unicodedata import name  # only a mistake pays for this import

    return f"U+{ord(char):04X} {name(char, '')}".rstrip()
