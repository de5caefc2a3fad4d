"""Content from the web: one GET over HTTP or HTTPS, bounded in size, in time and in redirects.

A server that composes mail with an address from outside must not become a window into its own network, so a name is
resolved first, every address it has must be a public one, and the connection goes to the address that was checked.
Knows HTTP only through `http.client`; it blocks, and is called where that disturbs nobody.
"""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.errors import MessageError
from pymailer.message.deadline_socket import DeadlineSocket
from pymailer.message.spool import Spool
from pymailer.message.web_address import WebAddress, refused
from pymailer.secret import Secret

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from pymailer.message.content import Source
    from pymailer.message.origins import Remote

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


def fetch(remote: Remote, limits: FetchLimits | None = None) -> Source:
    """The content at an address; it blocks.

    Args:
        remote: The address, perhaps with credentials, and more request headers. Both are sent to its own origin alone.
        limits: How far it may go.

    Raises:
        MessageError: The address is refused (``EURLACCESS``), or its content cannot be had (``ESTREAM``).
    """
    limits = limits or FetchLimits()
    deadline = monotonic() + limits.seconds
    address = WebAddress.of(remote.href)
    headers = _request_headers(address, remote.headers)
    for _ in range(limits.redirects + 1):
        answer = _get(address, headers, limits, deadline)
        if not isinstance(answer, WebAddress):
            return answer
        if answer.origin != address.origin:
            headers = Secret(dict[str, str]())
        address = answer
    raise _failed(address, f"more than {limits.redirects} redirects")


def _request_headers(address: WebAddress, given: Secret[Mapping[str, str]]) -> Secret[dict[str, str]]:
    headers = Secret({str(name): str(value) for name, value in given.reveal().items()})
    if address.authorization() and "authorization" not in map(str.lower, headers.reveal()):
        headers.reveal()["Authorization"] = address.authorization().reveal()
    return headers


def _get(
    address: WebAddress, headers: Secret[dict[str, str]], limits: FetchLimits, deadline: float
) -> Source | WebAddress:
    """The content, or where else to look for it."""
    try:
        link = _connect(address, limits, deadline)
        try:
            connection = HTTPConnection(address.host, address.port)
            connection.sock = link
            connection.request(
                "GET", address.target().reveal(), headers={"Accept-Encoding": "identity", **headers.reveal()}
            )
            return _answer(address, connection.getresponse(), limits)
        finally:
            link.end()
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, MessageError):
            raise
        raise _failed(address, str(error) or type(error).__name__) from error


def _answer(address: WebAddress, response: HTTPResponse, limits: FetchLimits) -> Source | WebAddress:
    with response:
        if response.status in _REDIRECTS and response.getheader("Location"):
            return address.joined(Secret(response.getheader("Location", "")))
        if response.status != 200:
            raise _failed(address, f"the server answered {response.status}")
        if response.getheader("Content-Encoding", "identity").lower() != "identity":
            raise _failed(address, "the server compressed what was asked for as it is")
        return _read(address, response, limits)


def _read(address: WebAddress, response: HTTPResponse, limits: FetchLimits) -> Source:
    spool = Spool()
    while chunk := response.read(_CHUNK):
        spool.write(chunk)
        if spool.size > limits.size:
            raise _failed(address, f"it is larger than {limits.size} octets")
    if response.length:  # http.client takes an early end for the end
        raise _failed(address, f"it ended {response.length} octets before its end")
    return spool.source()


def _connect(address: WebAddress, limits: FetchLimits, deadline: float) -> DeadlineSocket:
    raw = _connect_to_any(_addresses(address, limits), deadline)
    try:
        if address.scheme == "https":
            raw = _tls_context().wrap_socket(raw, server_hostname=address.host)
    except BaseException:
        raw.close()
        raise
    return DeadlineSocket(raw, deadline)


def _connect_to_any(addresses: list[Any], deadline: float) -> socket.socket:
    failure: OSError = TimeoutError("no address")
    for family, kind, protocol, _, place in addresses:
        raw = socket.socket(family, kind, protocol)
        try:
            raw.settimeout(max(deadline - monotonic(), 0.001))
            raw.connect(place)
        except OSError as error:
            raw.close()
            failure = error
        else:
            return raw
    raise failure


def _addresses(address: WebAddress, limits: FetchLimits) -> list[Any]:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    if not limits.private:
        for *_, place in found:
            if not is_public(str(place[0])):
                raise refused(address, "it is at an address that is not public; allow_private_urls=True allows it")
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


def _failed(address: WebAddress, why: str) -> MessageError:
    return MessageError(f"cannot fetch {address}: {why}", code="ESTREAM")
