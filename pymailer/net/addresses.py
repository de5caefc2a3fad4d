"""How host names and socket addresses are written, for people and for protocols.

Pure functions over what users and the `socket` module give; no resolver, no I/O.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, cast

from pymailer.errors import ConfigError

if TYPE_CHECKING:
    from socket import socket

_NAME_LIMIT: Final = 253
_LABEL_LIMIT: Final = 63


def endpoint(host: str, port: int) -> str:
    """``host:port``, with an IPv6 address in brackets (RFC 5952 6)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def peer_of(sock: socket) -> str:
    """The other side of a socket, in one word: ``host:port``, or the path of a Unix socket."""
    try:
        name: object = sock.getpeername()
    except OSError:
        return "a lost connection"
    if isinstance(name, tuple):
        host, port = cast("tuple[str, int]", name)[:2]
        return endpoint(host, port)
    return str(name) or "a local socket"


def host_of(name: object) -> str:
    """The address alone of what `getsockname` gave, ``""`` where it has none."""
    return str(cast("tuple[object, ...]", name)[0]) if isinstance(name, tuple) else ""


def literal_address(host: str) -> str | None:
    """The address, if `host` is one: ``192.0.2.1``, ``[2001:db8::1]``, ``fe80::1%eth0``."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ip_address(bare)
    except ValueError:
        return None
    return bare


def ascii_name(host: str) -> str:
    """A host name as protocols write it: A-labels (UTS 46), lower case, no dot at the end.

    Raises:
        ConfigError: It is not a host name.
    """
    name = host.rstrip(".")
    if not name.isascii():
        name = _a_labels(name)
    if not 0 < len(name) <= _NAME_LIMIT or not all(0 < len(label) <= _LABEL_LIMIT for label in name.split(".")):
        raise ConfigError(f"{host!r} is not a host name")
    return name.lower()


def _a_labels(name: str) -> str:
    import idna  # most names never need its tables

    try:
        return idna.encode(name, uts46=True, transitional=False).decode("ascii")
    except UnicodeError as error:
        raise ConfigError(f"{name!r} is not a host name: {error}") from error


def is_loopback(host: str) -> bool:
    """Whether an address never leaves this machine; ``""`` is that of a socket without a network."""
    if not host:
        return True
    address = ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
