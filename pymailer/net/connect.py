"""The way to a server: directly, through a proxy, or over a socket that the user brings.

Each error says what was tried. Knows names, addresses and proxies; nothing of what is said over the connection.
"""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable
from typing import Any, Final

import attrs

from pymailer.errors import ConfigError, ConnectError, MailTimeoutError, ProxyError
from pymailer.net.addresses import endpoint
from pymailer.net.channel import Channel
from pymailer.net.proxy import Proxy, parse_proxy, tunnel
from pymailer.net.race import Attempt, RaceLostError, interleave, race
from pymailer.net.resolver import SHARED, Resolver
from pymailer.outcome import Stage
from pymailer.runtime import Runtime, maybe_await

_SHOWN: Final = 6
"""Attempts that an error message lists; a name can have dozens of addresses."""


@attrs.frozen(kw_only=True)
class Route:
    """Where to, and which way.

    Attributes:
        host: A name or a literal address.
        port: Its port.
        local_address: What to bind to.
        proxy: Goes between: `Proxy`, its URL, or ``None``.
        socket: A connected socket instead of all this, or a callable, plain or async, that returns one.
        dns_timeout: Seconds for resolving the name.
        connection_timeout: Seconds for all addresses together, or for the proxy to connect us.
        resolver: Knows the addresses of names.
    """

    host: str
    port: int
    local_address: str | None = None
    proxy: Proxy | None = attrs.field(default=None, converter=parse_proxy, repr=False)
    socket: Any = attrs.field(default=None, repr=False)
    dns_timeout: float = 30.0
    connection_timeout: float = 30.0
    resolver: Resolver = attrs.field(default=SHARED, repr=False)


async def open_channel(runtime: Runtime, route: Route, deadline: float | None = None) -> Channel:
    """A channel to the server of `route`, not secured yet.

    Args:
        runtime: Waits.
        route: The way.
        deadline: When to give up, whatever the timeouts of the route allow.

    Raises:
        DNSError: The name has no address, or nobody could say.
        ConnectError: No address could be connected to; says why for each.
        MailTimeoutError: It took too long.
        ProxyError: The proxy did not connect us.
        ConfigError: What the user gave as `socket` is not one.
    """
    if route.socket is not None:
        return await _given_channel(runtime, route)
    if route.proxy is None:
        return await _direct(runtime, route, deadline)
    channel = await _reach(runtime, route, route.proxy, deadline)
    try:
        bound = _by(runtime, route.connection_timeout, deadline)
        await tunnel(runtime, channel, route.proxy, route.host.strip("[]"), route.port, bound)
    except BaseException:
        channel.close()
        raise
    channel.reaches(endpoint(route.host.strip("[]"), route.port))
    return channel


async def _reach(runtime: Runtime, route: Route, proxy: Proxy, deadline: float | None) -> Channel:
    """A channel to the proxy."""
    try:
        way = attrs.evolve(route, host=proxy.host, port=proxy.port, proxy=None)
        return await _direct(runtime, way, deadline)
    except ConnectError as error:
        raise ProxyError(
            f"the proxy {proxy} cannot be reached: {error}", stage=error.stage, temporary=error.temporary
        ) from error


async def _direct(runtime: Runtime, route: Route, deadline: float | None) -> Channel:
    name = endpoint(route.host.strip("[]"), route.port)
    addresses = await route.resolver.addresses(runtime, route.host, _by(runtime, route.dns_timeout, deadline))
    bound = _by(runtime, route.connection_timeout, deadline)
    started = runtime.now()
    try:
        sock = await race(runtime, interleave(addresses), route.port, route.local_address, bound)
    except RaceLostError as lost:
        raise _explain(name, route.port, lost, runtime.now() - started) from _cause(lost)
    return Channel(sock, name)


def _by(runtime: Runtime, seconds: float, deadline: float | None) -> float:
    own = runtime.now() + seconds
    return own if deadline is None else min(own, deadline)


# --- a socket that the user brings -----------------------------------------------------------------------------------


async def _given_channel(runtime: Runtime, route: Route) -> Channel:
    sock = await _given_socket(runtime, route.socket)
    name = endpoint(route.host.strip("[]"), route.port)
    if not isinstance(sock, socket.socket) or sock.type != socket.SOCK_STREAM:
        raise ConfigError(f"socket must be a connected stream socket, or a callable that returns one, not {sock!r}")
    if type(sock).__module__ == "ssl":
        raise ConfigError("socket speaks TLS already: give the plain socket, TLS is spoken here (secure=True)")
    try:
        sock.getpeername()
    except OSError as error:
        raise ConnectError(
            f"the socket given for {name} is not connected (each connection needs a new one: give a callable)",
            stage=Stage.CONNECT,
            temporary=False,
        ) from error
    return Channel(sock, name)


async def _given_socket(runtime: Runtime, given: Any) -> Any:
    if not callable(given):
        return given
    if inspect.iscoroutinefunction(given):
        return await given()
    factory: Callable[[], Any] = given
    return await maybe_await(await runtime.offload(factory))


# --- failures --------------------------------------------------------------------------------------------------------


def _explain(name: str, port: int, lost: RaceLostError, seconds: float) -> ConnectError | MailTimeoutError:
    tried = _list(name, lost.attempts)
    if lost.timed_out:
        hint = "; many networks block port 25, try 587" if port == 25 else ""
        text = f"no connection to {name} within {seconds:.3g} s: {tried}{hint}"
        return MailTimeoutError(text, stage=Stage.CONNECT)
    return ConnectError(f"cannot connect to {name}: {tried}", stage=Stage.CONNECT, code="ESOCKET")


def _list(name: str, attempts: tuple[Attempt, ...]) -> str:
    if [attempt.address for attempt in attempts] == [name]:
        return attempts[0].end
    more = len(attempts) - _SHOWN
    return "; ".join(map(str, attempts[:_SHOWN])) + (f"; and {more} more" if more > 0 else "")


def _cause(lost: RaceLostError) -> OSError | None:
    errors = [attempt.error for attempt in lost.attempts if attempt.error is not None]
    return errors[-1] if errors else None
