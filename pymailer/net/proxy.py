"""Proxies: which one, and how it is asked to connect us to the server.

Knows the URL of a proxy, and that a password in it is masked; what each kind wants to hear is in `http_connect` and
`socks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import attrs

from pymailer.errors import ConfigError, MailTimeoutError, ProxyError, TLSError
from pymailer.net.addresses import endpoint
from pymailer.net.http_connect import http_connect
from pymailer.net.socks import CREDENTIAL_LIMIT, socks4_connect, socks5_connect
from pymailer.net.tls import TLSOptions, certificate_name, explain_tls
from pymailer.outcome import Stage
from pymailer.secret import Secret

if TYPE_CHECKING:
    from pymailer.net.channel import Channel
    from pymailer.runtime import Runtime

_PORTS: Final = {
    "http": 80,
    "https": 443,
    "socks": 1080,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}
_FORM: Final = "expected something like http://user:password@host:3128 or socks5://host:1080"


@attrs.frozen(kw_only=True)
class Proxy:
    """A proxy, and who we are to it.

    Attributes:
        scheme: ``http``, ``https``, ``socks4`` or ``socks5``.
        host: Its name or address.
        port: Its port.
        user: ``""`` if it wants nobody to log in.
        password: Masked.
    """

    scheme: str
    host: str
    port: int
    user: str = attrs.field(default="", repr=False)
    password: Secret[str] = attrs.field(factory=lambda: Secret(""))

    def __str__(self) -> str:
        return f"{self.scheme}://{endpoint(self.host, self.port)}"


def parse_proxy(value: object) -> Proxy | None:
    """A proxy from its URL; the URL itself never shows in an error.

    Raises:
        ConfigError: It is not the URL of a proxy.
    """
    if value is None or isinstance(value, Proxy):
        return value
    if not isinstance(value, str):
        raise ConfigError(f"proxy must be a URL, not {type(value).__name__}; {_FORM}")
    proxy = _from_url(Secret(value))
    if proxy is None:
        raise ConfigError(f"the proxy's URL is malformed; {_FORM}")
    if proxy.scheme not in _PORTS:
        raise ConfigError(f"a proxy of the kind {proxy.scheme!r} is not known; {_FORM}")
    longest = max(len(proxy.user.encode()), len(proxy.password.reveal().encode()))
    if proxy.scheme.startswith("socks") and longest > CREDENTIAL_LIMIT:
        raise ConfigError(f"the user name or password for a SOCKS proxy is longer than {CREDENTIAL_LIMIT} octets")
    return proxy


def _from_url(url: Secret[str]) -> Proxy | None:
    """Whoever raises has no password among its locals, so what is wrong is told by `None`."""
    if any(char <= " " or char == "\x7f" for char in url.reveal()):
        return None
    try:
        parts = urlsplit(url.reveal())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    user, password = unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if not host or port == 0 or extra or _has_control(user) or _has_control(password.reveal()):
        return None
    scheme = parts.scheme.lower()
    return Proxy(scheme=scheme, host=host, port=port or _PORTS.get(scheme, 0), user=user, password=password)


def _has_control(text: str) -> bool:
    return any(char < " " or char == "\x7f" for char in text)


async def tunnel(
    runtime: Runtime, channel: Channel, proxy: Proxy, host: str, port: int, deadline: float | None
) -> None:
    """Have the proxy at the other end of `channel` connect us to a server, whose name it resolves itself.

    Raises:
        ProxyError: It did not.
        MailTimeoutError: It did not answer in time.
        TLSError: TLS to the proxy failed.
    """
    try:
        if proxy.scheme == "https":
            await _secure(runtime, channel, proxy, deadline)
        await _ask(runtime, channel, proxy, certificate_name(host), port, deadline)
    except TimeoutError as error:
        text = f"the proxy {proxy} did not connect us to {endpoint(host, port)} in time"
        raise MailTimeoutError(text, stage=Stage.CONNECT) from error
    except ProxyError as error:
        text = f"the proxy {proxy} did not connect us to {endpoint(host, port)}: {error}"
        raise ProxyError(text, stage=Stage.CONNECT, temporary=error.temporary) from error.__cause__
    except TLSError:
        raise
    except ConnectionError as error:
        raise ProxyError(f"the proxy {proxy} hung up", stage=Stage.CONNECT) from error


async def _secure(runtime: Runtime, channel: Channel, proxy: Proxy, deadline: float | None) -> None:
    import ssl

    context = TLSOptions.parse(None).context()
    try:
        await channel.start_tls(runtime, context, certificate_name(proxy.host), deadline)
    except ssl.SSLError as error:
        raise explain_tls(error, proxy.host, proxy.port, Stage.CONNECT) from error


async def _ask(runtime: Runtime, channel: Channel, proxy: Proxy, host: str, port: int, deadline: float | None) -> None:
    if proxy.scheme in ("http", "https"):
        await http_connect(runtime, channel, proxy.user, proxy.password, endpoint(host, port), deadline)
    elif proxy.scheme.startswith("socks4"):
        await socks4_connect(runtime, channel, proxy.user, host, port, deadline)
    else:
        await socks5_connect(runtime, channel, proxy.user, proxy.password, host, port, deadline)
