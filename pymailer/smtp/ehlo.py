"""The name by which we greet a server: a domain or an address literal (RFC 5321 4.1.3).

It is checked when it is configured, so that no connection is ever made with a name that could not be said.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

from pymailer.errors import ConfigError

__all__ = ["ehlo_name"]

_MAX_DOMAIN: Final = 255
_MAX_LABEL: Final = 63


def ehlo_name(value: str) -> str:
    """The name as EHLO takes it: an international name as A-labels, a bare IP address in brackets.

    Raises:
        ConfigError: It is neither a domain name nor an address.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_DOMAIN:
        raise ConfigError(f"name is a domain name or an address literal such as '[192.0.2.1]', not {_shown(value)}")
    if value.startswith("[") and value.endswith("]"):
        return _literal(value[1:-1].removeprefix("IPv6:"), value)
    if ":" in value:
        return _literal(value, value)
    name = value if value.isascii() else _a_labels(value)
    if name.replace(".", "").isdecimal():
        return _literal(name, value)
    if not all(map(_is_label, name.split("."))):
        raise ConfigError(f"name {value!r} is no domain name: letters, digits, hyphens and dots make one")
    return name


def _literal(address: str, value: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError as error:
        raise ConfigError(f"name {value!r} is no IP address") from error
    if "%" in address:  # a zone is of this machine only, and `ipaddress` takes anything for one
        raise ConfigError(f"name {value!r} has a zone, which means nothing to the server")
    return f"[IPv6:{parsed}]" if isinstance(parsed, IPv6Address) else f"[{parsed}]"


def _a_labels(value: str) -> str:
    import idna

    try:
        return idna.encode(value, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ConfigError(f"name {value!r} is no domain name: {error}") from error


def _is_label(label: str) -> bool:
    letters = label.replace("-", "")
    return (
        0 < len(label) <= _MAX_LABEL
        and letters.isascii()
        and letters.isalnum()
        and not (label.startswith("-") or label.endswith("-"))
    )


def _shown(value: object) -> str:
    return f"{value[:40]!r}…" if isinstance(value, str) and len(value) > 40 else repr(value)
