"""An address on the web that content may be fetched from. Its credentials and its query are never shown.

Knows the form of such addresses; fetches nothing.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import attrs

from pymailer.errors import MessageError
from pymailer.secret import Secret

_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen
class WebAddress:
    """An ``http:`` or ``https:`` address.

    Attributes:
        scheme: ``"http"`` or ``"https"``.
        host: A name, or an IP address without brackets.
        port: The one given, or that of the scheme.
        path: The path, which may be shown.
    """

    scheme: str
    host: str
    port: int
    path: str
    _url: Secret[SplitResult]

    @classmethod
    def of(cls, url: Secret[str]) -> WebAddress:
        """Check and split an address.

        Raises:
            MessageError: It is no address on the web (``EURLACCESS``).
        """
        if flaw := _flaw(url):
            raise refused("an address", flaw)
        return _split(url)

    def joined(self, location: Secret[str]) -> WebAddress:
        """Where a redirect from here leads.

        Raises:
            MessageError: Out of the web (``EURLACCESS``).
        """
        return WebAddress.of(Secret(urljoin(self._url.reveal().geturl(), location.reveal())))

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom credentials are for (RFC 6454)."""
        return self.scheme, self.host, self.port

    def target(self) -> Secret[str]:
        """What a request asks for."""
        query = self._url.reveal().query
        return Secret((self.path or "/") + (f"?{query}" if query else ""))

    def authorization(self) -> Secret[str]:
        """Basic credentials (RFC 7617); empty if the address has none."""
        url = self._url.reveal()
        if url.username is None:
            return Secret("")
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        return Secret(f"Basic {b64encode(pair.encode()).decode('ascii')}")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"


def _flaw(url: Secret[str]) -> str | None:
    """What is wrong with an address; it is told and not raised, since here it could be seen."""
    try:
        parts = urlsplit(url.reveal())
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is malformed"
    if parts.scheme not in _PORTS or not host:
        return f"only http: and https: are, and this is {parts.scheme or 'neither'}:"
    if not url.reveal().isascii() or not url.reveal().isprintable() or " " in url.reveal():
        return "it has characters that must be percent-encoded (RFC 3986)"
    return None


def _split(url: Secret[str]) -> WebAddress:
    parts = urlsplit(url.reveal())
    return WebAddress(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.path, Secret(parts))


def refused(what: object, why: str) -> MessageError:
    """The error for an address that is not fetched."""
    return MessageError(f"{what} is not fetched: {why}", code="EURLACCESS")
