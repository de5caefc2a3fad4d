"""One bare address, ``local@domain``: checked, and in the one form that header and envelope share.

Knows the grammar of RFC 5321 4.1.2 and RFC 6531; nothing of display names, lists or headers.
"""

from __future__ import annotations

import re

from pymailer.errors import AddressError
from pymailer.message.characters import described, shown, unfit_for_names
from pymailer.message.domains import ascii_domain

MAX_LOCAL = 64
MAX_ADDRESS = 254  # RFC 5321 4.5.3.1.3: a path has 256 octets, two of them are the angle brackets

_UNFIT = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
# What a local part must not hold beyond ASCII: blanks that other software may split at, and characters without width
# or with a direction of their own, which let one address look like another. (For a domain, IDNA decides that.)
_INVISIBLE = r"\xa0\u1680\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff"
_ATEXT = rf'[^{_UNFIT}{_INVISIBLE} "(),.:;<>@\[\\\]]'
_QUOTED = rf'"(?:[^{_UNFIT}{_INVISIBLE}"\\]|\\[\x20-\x7e])++"'
_LOCAL = rf"{_ATEXT}++(?:\.{_ATEXT}++)*+|{_QUOTED}"
_DOMAIN = rf'[^{_UNFIT} "(),:;<>@\[\\\]]++|\[[^{_UNFIT} @\[\\\]]++\]'
_ENCODED_WORD = re.compile(r"=\?[^?]*+\?[BQbq]\?[^?]*+\?=")
_ADDR_SPEC = re.compile(rf"({_LOCAL})@({_DOMAIN})")


def normalised(address: str) -> str:
    """`address` with its domain in wire form; the local part stays as it is, octet for octet (RFC 6531 3.2).

    Raises:
        AddressError: It is not exactly one address, has more than one reading, or is too long.
    """
    match = _ADDR_SPEC.fullmatch(address)
    if match is None:
        raise AddressError(f"{shown(address)} is not an e-mail address: {_flaw(address)}")
    local, domain = match.groups()
    if len(local if local.isascii() else local.encode()) > MAX_LOCAL:
        raise AddressError(f"the local part of {shown(address)} is longer than {MAX_LOCAL} octets")
    if "=?" in local and _ENCODED_WORD.search(local):  # some software decodes those before it looks for the "@"
        raise AddressError(f"{shown(address)} has two readings: its local part looks like an encoded word")
    result = f"{local}@{ascii_domain(domain)}"
    if len(result if result.isascii() else result.encode()) > MAX_ADDRESS:
        raise AddressError(f"{shown(address)} is longer than {MAX_ADDRESS} octets (RFC 5321 4.5.3.1.3)")
    return result


def _flaw(address: str) -> str:
    """What to say about an address that the grammar does not admit."""
    if not address:
        return "it is empty"
    if unfit := unfit_for_names(address):
        return f"it contains {described(unfit[0])}"
    local, at, domain = address.rpartition("@")
    if not at:
        return "it has no '@'"
    if not local or not domain:
        return "there is nothing " + ("after" if local else "before") + " the '@'"
    if not local.startswith('"') and "@" in local:
        return "it has more than one '@'"
    if "<" in address or ">" in address:
        return "a bare address has no angle brackets"
    return "a blank, dot, quote or other special character stands where none may (RFC 5321 4.1.2)"
