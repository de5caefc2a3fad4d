"""What makes two spellings one: of a service's name, and of a mail domain.

Knows strings. Must not know which services there are. An empty key matches nothing.
"""

from __future__ import annotations

_LONGEST_DOMAIN = 255  # RFC 5321 4.5.3.1.2


def name_key(name: str) -> str:
    """`"Office 365"`, `"office-365"` and `"OFFICE365"` are one name: letters and digits count, in any case."""
    return "".join(filter(str.isalnum, name.casefold()))


def domain_key(domain: str) -> str:
    """A domain as DNS compares it: in ASCII (RFC 5890 A-labels) and lower case, empty if it cannot be one."""
    if len(domain) > _LONGEST_DOMAIN:
        return ""
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def address_key(address: str) -> str:
    """The key of an address's domain, empty if the address has more than one reading.

    A second `@`, be it in quotes, is not split on a guess: mail and password would go to whoever the guess favours.
    """
    local, _, domain = address.partition("@")
    return domain_key(domain) if local and "@" not in domain else ""
