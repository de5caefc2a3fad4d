"""SOCKS 5 (RFC 1928, RFC 1929) and SOCKS 4a: a few octets there and back, and what follows belongs to the server.

Knows the two protocols and no more; the proxy resolves the server's name.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING, Final

from pymailer.errors import ProxyError
from pymailer.net.exact import read_exactly

if TYPE_CHECKING:
    from pymailer.net.channel import Channel
    from pymailer.runtime import Runtime
    from pymailer.secret import Secret

_ANONYMOUS: Final = 0
_PASSWORD: Final = 2
_FAILURES: Final = {  # RFC 1928 6
    1: "general failure",
    2: "its rules do not allow it",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "it knows no CONNECT",
    8: "it knows no addresses of that kind",
}
_PERMANENT: Final = {2, 7, 8}
_REPLY_LENGTHS: Final = {1: 4, 4: 16}  # of the address, by its type; a name tells its own
CREDENTIAL_LIMIT: Final = 255
"""Octets of a user name, and of a password."""


async def socks5_connect(
    runtime: Runtime,
    channel: Channel,
    user: str,
    password: Secret[str],
    host: str,
    port: int,
    deadline: float | None,
) -> None:
    """Ask a SOCKS 5 proxy to connect us to `host`.

    Raises:
        ProxyError: It did not.
        OSError: The connection is lost.
        TimeoutError: `deadline` passed first.
    """
    peer = _Peer(runtime, channel, deadline)
    methods = bytes([_ANONYMOUS, _PASSWORD] if user else [_ANONYMOUS])
    version, method = await peer.ask(bytes([5, len(methods)]) + methods, 2)
    if version != 5:
        raise ProxyError("this is no SOCKS 5 proxy", temporary=False)
    if method not in methods:
        raise ProxyError(
            "it wants credentials: give them in its URL" if not user else "it refused to let us log in", temporary=False
        )
    if method == _PASSWORD:
        _queue_credentials(channel, user, password)
        if (await peer.ask(b"", 2))[1] != 0:
            raise ProxyError("it did not accept the user name and password", temporary=False)
    _, code, _, kind = await peer.ask(b"\x05\x01\x00" + _socks5_address(host) + port.to_bytes(2, "big"), 4)
    if code != 0:
        raise ProxyError(_FAILURES.get(code, f"unknown failure {code}"), temporary=code not in _PERMANENT)
    length = _REPLY_LENGTHS.get(kind)
    await peer.ask(b"", (length if length is not None else (await peer.ask(b"", 1))[0]) + 2)


def _queue_credentials(channel: Channel, user: str, password: Secret[str]) -> None:
    """RFC 1929 2."""
    name = user.encode()
    channel.queue(bytes([1, len(name)]) + name)
    channel.queue(bytes([len(password.reveal().encode())]) + password.reveal().encode())


def _socks5_address(host: str) -> bytes:
    try:
        address = ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes([3, len(name)]) + name
    return bytes([1 if address.version == 4 else 4]) + address.packed


async def socks4_connect(
    runtime: Runtime, channel: Channel, user: str, host: str, port: int, deadline: float | None
) -> None:
    """Ask a SOCKS 4 proxy to connect us to `host`; a name is sent as 4a does it.

    Raises:
        ProxyError: It did not.
        OSError: The connection is lost.
        TimeoutError: `deadline` passed first.
    """
    address, name = _socks4_address(host)
    request = b"\x04\x01" + port.to_bytes(2, "big") + address + user.encode() + b"\0" + name
    version, code, *_ = await _Peer(runtime, channel, deadline).ask(request, 8)
    if version != 0:
        raise ProxyError("this is no SOCKS 4 proxy", temporary=False)
    if code != 90:
        raise ProxyError("it refused, or the server cannot be reached from there", temporary=code == 91)


def _socks4_address(host: str) -> tuple[bytes, bytes]:
    """The address, and for a name the octets that follow the user (4a: an address of 0.0.0.x says so)."""
    try:
        address = ip_address(host)
    except ValueError:
        return b"\0\0\0\x01", host.encode("ascii") + b"\0"
    if not isinstance(address, IPv4Address):
        raise ProxyError("SOCKS 4 knows no IPv6: use a socks5:// proxy", temporary=False)
    return address.packed, b""


class _Peer:
    """The proxy at the other end."""

    def __init__(self, runtime: Runtime, channel: Channel, deadline: float | None) -> None:
        self._runtime = runtime
        self._channel = channel
        self._deadline = deadline

    async def ask(self, request: bytes, size: int) -> bytes:
        """Send, and read exactly so many octets."""
        self._channel.queue(request)
        await self._channel.flush(self._runtime, self._deadline)
        return await read_exactly(self._runtime, self._channel, size, self._deadline)
