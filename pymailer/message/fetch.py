"""Content from the web: one GET over HTTP or HTTPS, bounded in size, in time and in redirects.

A server that composes mail with an address from outside must not become a window into its own network, so a name is
resolved first, every address it has must be a public one, and the connection goes to the address that was checked.
Knows HTTP only through `http.client`; it blocks, and is called where that disturbs nobody.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import attrs

from pymailer.errors import MessageError
from pymailer.message.deadline_socket import DeadlineSocket
from pymailer.message.spool import Spool

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from pymailer.message.content import Source

_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 64 * 1024


@attrs.frozen
class FetchLimits:
    """How far a fetch may go.

    Attributes:
        size: Octets of content.
        seconds: Time for all of it, redirects included.
        redirects: How often the server may send us elsewhere.
        private: Whether loopback and private addresses are allowed.
    """

    size: int = 50 * 1024 * 1024
    seconds: float = 60.0
    redirects: int = 5
    private: bool = False


@attrs.frozen
class _Target:
    """An address that may be fetched, in its parts. Its credentials are never shown."""

    url: SplitResult = attrs.field(repr=False)
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> _Target:
        """Check and split an address.

        Raises:
            MessageError: It is not an ``http:`` or ``https:`` address.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _refused("an address", f"it is malformed ({error})") from None
        if parts.scheme not in _PORTS or not host:
            raise _refused(f"an address of the scheme {parts.scheme!r}", "only http: and https: are fetched")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise _refused(host, "its address has characters that must be percent-encoded (RFC 3986)")
        return cls(parts, host, port or _PORTS[parts.scheme])

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.url.scheme, self.host, self.port

    @property
    def request(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")

    @property
    def authorization(self) -> str | None:
        """Basic credentials (RFC 7617) if the address carries any."""
        if self.url.username is None:
            return None
        pair = f"{unquote(self.url.username)}:{unquote(self.url.password or '')}"
        return f"Basic {b64encode(pair.encode()).decode('ascii')}"

    def __str__(self) -> str:
        return f"{self.url.scheme}://{self.host}:{self.port}{self.url.path}"


def fetch(url: str, headers: Mapping[str, str] | None = None, limits: FetchLimits | None = None) -> Source:
    """The content at `url`; it blocks.

    Args:
        url: An ``http:`` or ``https:`` address, perhaps with credentials.
        headers: More request headers; like the credentials, they are sent to the origin of `url` alone.
        limits: How far it may go.

    Raises:
        MessageError: The address is refused (``EURLACCESS``), or its content cannot be had (``ESTREAM``).
    """
    limits = limits or FetchLimits()
    deadline = monotonic() + limits.seconds
    target = _Target.of(url)
    secrets = _request_headers(target, headers)
    for _ in range(limits.redirects + 1):
        answer = _get(target, secrets, limits, deadline)
        if not isinstance(answer, _Target):
            return answer
        if answer.origin != target.origin:
            secrets = {}
        target = answer
    raise _failed(target, f"more than {limits.redirects} redirects")


def _request_headers(target: _Target, headers: Mapping[str, str] | None) -> dict[str, str]:
    result = {str(name): str(value) for name, value in (headers or {}).items()}
    if target.authorization and "authorization" not in map(str.lower, result):
        result["Authorization"] = target.authorization
    return result


def _get(target: _Target, headers: dict[str, str], limits: FetchLimits, deadline: float) -> Source | _Target:
    """The content, or where else to look for it."""
    try:
        link = _connect(target, limits, deadline)
        try:
            connection = HTTPConnection(target.host, target.port)
            connection.sock = link
            connection.request("GET", target.request, headers={"Accept-Encoding": "identity", **headers})
            return _answer(target, connection.getresponse(), limits)
        finally:
            link.end()
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, MessageError):
            raise
        raise _failed(target, str(error) or type(error).__name__) from error


def _answer(target: _Target, response: HTTPResponse, limits: FetchLimits) -> Source | _Target:
    with response:
        location = response.getheader("Location")
        if response.status in _REDIRECTS and location:
            return _Target.of(urljoin(target.url.geturl(), location))
        if response.status != 200:
            raise _failed(target, f"the server answered {response.status}")
        if response.getheader("Content-Encoding", "identity").lower() != "identity":
            raise _failed(target, "the server compressed what was asked for as it is")
        return _read(target, response, limits)


def _read(target: _Target, response: HTTPResponse, limits: FetchLimits) -> Source:
    spool = Spool()
    while chunk := response.read(_CHUNK):
        spool.write(chunk)
        if spool.size > limits.size:
            raise _failed(target, f"it is larger than {limits.size} octets")
    if response.length:  # http.client takes an early end for the end
        raise _failed(target, f"it ended {response.length} octets before its end")
    return spool.source()


def _connect(target: _Target, limits: FetchLimits, deadline: float) -> DeadlineSocket:
    raw = _connect_to_any(_addresses(target, limits), deadline)
    try:
        if target.url.scheme == "https":
            raw = _tls_context().wrap_socket(raw, server_hostname=target.host)
    except BaseException:
        raw.close()
        raise
    return DeadlineSocket(raw, deadline)


def _connect_to_any(addresses: list[Any], deadline: float) -> socket.socket:
    failure: OSError = TimeoutError("no address")
    for family, kind, protocol, _, address in addresses:
        raw = socket.socket(family, kind, protocol)
        try:
            raw.settimeout(max(deadline - monotonic(), 0.001))
            raw.connect(address)
        except OSError as error:
            raw.close()
            failure = error
        else:
            return raw
    raise failure


def _addresses(target: _Target, limits: FetchLimits) -> list[Any]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    if not limits.private:
        for *_, address in found:
            if not is_public(str(address[0])):
                raise _refused(target, "it is at an address that is not public; allow_private_urls=True allows it")
    return found


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet: not private, loopback, link-local, reserved or multicast."""
    ip = ip_address(address.partition("%")[0])
    inner = embedded(ip)
    return ip.is_global and not ip.is_multicast and (inner is None or (inner.is_global and not inner.is_multicast))


def embedded(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, 6to4, Teredo or NAT64 (RFC 6052)."""
    if isinstance(ip, IPv4Address):
        return None
    if ip.packed.startswith(bytes.fromhex("0064ff9b")):
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _tls_context() -> ssl.SSLContext:
    import ssl  # only https pays for it

    return ssl.create_default_context()


def _refused(what: object, why: str) -> MessageError:
    return MessageError(f"{what} is not fetched: {why}", code="EURLACCESS")


def _failed(target: _Target, why: str) -> MessageError:
    return MessageError(f"cannot fetch {target}: {why}", code="ESTREAM")
