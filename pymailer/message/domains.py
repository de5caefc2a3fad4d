"""The domain of an address, as it goes on the wire: lower case, A-labels, or a checked address literal.

Knows IDNA (RFC 5890, UTS 46) and the limits of RFC 5321; nothing of local parts, names or headers.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pymailer.errors import AddressError
from pymailer.message.characters import shown

MAX_DOMAIN = 255
MAX_LABEL = 63

# RFC 5321 4.1.2: letters, digits, and hyphens that are neither first nor last. Possessive, so it never goes back.
_LABEL = r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+")


@lru_cache(maxsize=1024)  # a list of recipients shares few domains
def ascii_domain(domain: str) -> str:
    """The wire form of `domain`: ``Bücher.Example`` → ``xn--bcher-kva.example``.

    Args:
        domain: A domain name, in Unicode or not, or an address literal such as ``[192.0.2.1]``.

    Raises:
        AddressError: It is not a domain name, or has no IDNA 2008 form (UTS 46, not transitional, STD 3).
    """
    if domain.startswith("["):
        return _literal(domain)
    if len(domain) > MAX_DOMAIN:
        raise AddressError(f"the domain {shown(domain)} is longer than {MAX_DOMAIN} octets (RFC 5321 4.5.3.1.2)")
    name = domain if domain.isascii() else _to_ascii(domain)
    if _HOST.fullmatch(name) is None:
        raise AddressError(f"{shown(domain)} is not a domain name")
    if len(name) > MAX_LABEL and max(map(len, name.split("."))) > MAX_LABEL:
        raise AddressError(f"a label of the domain {shown(domain)} is longer than {MAX_LABEL} octets")
    return name.lower()


def _to_ascii(domain: str) -> str:
    import idna  # most mail never needs its tables

    try:
        return idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressError(f"the domain {shown(domain)} has no IDNA form: {error}") from error


def _literal(domain: str) -> str:
    """RFC 5321 4.1.3: ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]``; no other tag is registered."""
    from ipaddress import IPv4Address, IPv6Address

    text = domain[1:-1]
    tagged = text[:5].lower() == "ipv6:"
    try:
        address = IPv6Address(text[5:]) if tagged else IPv4Address(text)
    except ValueError:
        address = None
    # A zone (RFC 4007) means something on one machine only.
    if address is None or domain[-1] != "]" or "%" in text:
        raise AddressError(f"{shown(domain)} is not an address literal (RFC 5321 4.1.3)")
    return f"[IPv6:{address}]" if tagged else f"[{address}]"
