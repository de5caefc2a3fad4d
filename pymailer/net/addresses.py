"""How a socket address is written for people, and told from a name.

Pure functions over what the `socket` module gives; no resolver, no I/O.
"""

from __future__ import annotations

from typing import cast


def endpoint(host: str, port: int) -> str:
    """``host:port``, with an IPv6 address in brackets (RFC 5952 6)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def describe(name: object) -> str:
    """What `getpeername` gave, in one word: ``host:port``, or the path of a Unix socket."""
    if isinstance(name, tuple):
        host, port = cast("tuple[str, int]", name)[:2]
        return endpoint(host, port)
    return str(name) or "a local socket"


def host_of(name: object) -> str:
    """The address alone of what `getsockname` gave, ``""`` where it has none."""
    return str(cast("tuple[object, ...]", name)[0]) if isinstance(name, tuple) else ""
