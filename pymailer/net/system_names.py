"""What this machine itself says about a name: the hosts file, localhost, and the system's resolver.

Knows no DNS messages and no cache.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

import attrs

from pymailer.net.addresses import literal_address

_HOSTS: Final = (
    Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "drivers", "etc", "hosts")
    if os.name == "nt"
    else Path("/etc/hosts")
)
_LOOPBACK: Final = ("::1", "127.0.0.1")


def is_local_name(name: str) -> bool:
    """Whether the name is the system's business: one label (Docker, NetBIOS) or multicast DNS (RFC 6762 3)."""
    return "." not in name or name.endswith(".local")


def known_addresses(name: str) -> list[str]:
    """The addresses of `name` in the hosts file; those of localhost even if it is not there (RFC 6761 6.3)."""
    addresses = _hosts_file().get(name, [])
    if not addresses and (name == "localhost" or name.endswith(".localhost")):
        return list(_LOOPBACK)
    return addresses


def system_addresses(name: str) -> list[str]:
    """What `getaddrinfo` says; it blocks, for as long as the system's settings allow.

    Raises:
        OSError: The name is not known, or the system's resolver failed.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(name[0]) for family, _, _, _, name in found if family in _FAMILIES))


_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


@attrs.define
class _Reading:
    """The hosts file as it was when it was last read."""

    stamp: tuple[int, int] | None = None
    names: dict[str, list[str]] = attrs.field(factory=dict[str, list[str]])


_reading = _Reading()


def _hosts_file() -> dict[str, list[str]]:
    """Name to addresses; read again when the file has changed."""
    try:
        status = _HOSTS.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != _reading.stamp:
            _reading.names = parse_hosts(_HOSTS.read_text("utf-8", "replace"))
            _reading.stamp = stamp
    except OSError:  # there is none
        return {}
    return _reading.names


def parse_hosts(text: str) -> dict[str, list[str]]:
    """The contents of a hosts file (hosts(5)); what is not understood is passed over."""
    names: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *aliases = line.partition("#")[0].split() or [""]
        if literal_address(address) is None:
            continue
        for alias in aliases:
            names.setdefault(alias.lower().rstrip("."), []).append(address)
    return names
