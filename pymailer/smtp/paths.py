"""What may stand between the angle brackets of MAIL and RCPT (RFC 5321 4.1.2), as the last check before the wire.

Knows the grammar of a path, not what a mailbox means: an address that gets here was parsed and judged before. This
check only makes sure that it is one address, and stays inside its brackets.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pymailer.errors import AddressError, EnvelopeError

__all__ = ["forward_path", "reverse_path"]

_MAX_PATH: Final = 254
"""RFC 5321 4.5.3.1.3: 256 octets with the brackets."""

_SHOWN: Final = 80

# Possessive quantifiers (`++`) never give back what they took: one pass, whatever the input.
_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\U0010ffff-]++"
_QUOTED = r'"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])++"'
_LABEL = r"[A-Za-z0-9_\u0080-\U0010ffff-]{1,63}+"
_LITERAL = r"\[[!-Z^-~]++\]"
_MAILBOX: Final = re.compile(rf"(?:{_ATOMS}|{_QUOTED})@(?:{_LABEL}(?:\.{_LABEL})*+|{_LITERAL})")


def forward_path(address: str, *, smtputf8: bool = False) -> str:
    """A recipient that may be written into RCPT.

    Args:
        address: Without angle brackets. Of names without a domain only ``postmaster`` is one (RFC 5321 4.1.1.3).
        smtputf8: Whether the server was told that addresses are UTF-8 (RFC 6531).

    Raises:
        AddressError: It is not exactly one address.
        EnvelopeError: It is not ASCII, and the server does not offer SMTPUTF8.
    """
    if isinstance(address, str) and address.lower() == "postmaster":
        return address
    return _checked(address, smtputf8=smtputf8)


@lru_cache(64)  # one sender writes to many
def reverse_path(address: str, *, smtputf8: bool = False) -> str:
    """A sender that may be written into MAIL; ``""`` is the null sender (RFC 5321 4.5.5).

    Raises:
        AddressError: It is not exactly one address.
        EnvelopeError: It is not ASCII, and the server does not offer SMTPUTF8.
    """
    return address if address == "" else _checked(address, smtputf8=smtputf8)


def _checked(address: str, *, smtputf8: bool) -> str:
    # Length first: nothing below ever looks at more than a path's worth.
    if not isinstance(address, str) or len(address) > _MAX_PATH or not _MAILBOX.fullmatch(address):
        raise AddressError(_complaint(address))
    if address.isascii():
        return address
    if not address.isprintable() or len(address.encode()) > _MAX_PATH:
        raise AddressError(_complaint(address))
    if not smtputf8:
        raise EnvelopeError(f"{address!r} is not ASCII, and the server does not offer SMTPUTF8 (RFC 6531)")
    return address


def _complaint(address: object) -> str:
    if not isinstance(address, str):
        return f"an address is a string, not {address!r}"
    shown = repr(address) if len(address) <= _SHOWN else f"{address[:_SHOWN]!r}…"
    return f"{shown} cannot stand in a command: {_reason(address)}"


def _reason(address: str) -> str:
    if not address:
        return "it is empty"
    if len(address) > _MAX_PATH or len(address.encode("utf-8", "replace")) > _MAX_PATH:
        return f"it is longer than {_MAX_PATH} octets"
    if not address.isprintable():
        return "it contains a control character or an invisible one"
    if "@" not in address:
        return "it has no domain"
    if address.startswith("@"):
        return "it has no local part"
    return "it is not one address of the form local@domain"
