"""Addresses as they are written into a header (RFC 5322 3.4): display names as words, quoted or encoded.

Knows how a name is written so that every parser reads the same one; nothing of how addresses are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from pymailer.message.encoded_words import Encoded, encode_words
from pymailer.message.folding import LINE
from pymailer.message.mailbox import Address, Group, quoted

_MAX_QUOTED = LINE - 2  # a quoted string is never broken, so a longer name is encoded


def format_addresses(parsed: Iterable[Address | Group]) -> Encoded:
    """The value of an address field, not yet folded: ASCII but for local parts that need SMTPUTF8."""
    return Encoded(", ".join([_mailbox(item) if isinstance(item, Address) else _group(item) for item in parsed]))


@lru_cache(512)  # many messages have the same author
def phrase(name: str) -> str:
    """A display name for the wire.

    Plain words stay as they are and other printable ASCII is quoted. All else is encoded, and so is what looks like an
    encoded word, since many programs decode those in quoted strings too.
    """
    if name.isascii() and name.isprintable() and "=?" not in name:
        result = quoted(name)
        if len(result) <= _MAX_QUOTED:
            return result
    return encode_words(name)


def _mailbox(item: Address) -> str:
    if item.name:
        return f"{phrase(item.name)} <{item.address}>"
    # RFC 5322 3.4 allows a bare one; those with a quote or a bracket are safer to read in angle brackets.
    return f"<{item.address}>" if '"' in item.address or "[" in item.address else item.address


def _group(item: Group) -> str:
    return f"{phrase(item.name)}:{','.join(f' {_mailbox(member)}' for member in item.members)};"
