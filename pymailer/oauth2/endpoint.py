"""One request to a token endpoint (RFC 6749 3.2), blocking, over verified TLS, and what was answered.

Both the form and the answer hold secrets, so neither ever stands in a frame by itself; knows nothing of grants.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import attrs

from pymailer.errors import AuthError, ConfigError
from pymailer.oauth2.tokens import failed
from pymailer.secret import Secret

if TYPE_CHECKING:
    from http.client import HTTPConnection

__all__ = ["Answer", "check_url", "post"]

_MAX_BODY: Final = 65_536
_SHOWN: Final = 300
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@attrs.frozen
class Answer:
    """What an endpoint said (RFC 6749 5).

    Attributes:
        status: The HTTP status.
        access_token: The new token.
        refresh_token: What replaces the refresh token, if something does.
        expires_in: Seconds for which the new token is good.
        complaint: Why there is none.
    """

    status: int
    access_token: Secret[str] | None = None
    refresh_token: Secret[str] | None = None
    expires_in: float | None = None
    complaint: str = ""


def check_url(_: object, __: object, url: object) -> None:
    """An attrs validator: ``https``, or a server on this machine.

    Raises:
        ConfigError: Neither; the secrets would travel unencrypted, or nowhere.
    """
    parts = urlsplit(url) if isinstance(url, str) and url.isprintable() and " " not in url else None
    if parts is None or not parts.hostname or parts.scheme not in ("https", "http"):
        raise ConfigError(f"OAuth2 access_url is an https URL, not {url!r}")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"OAuth2 access_url {url!r} would send secrets unencrypted: use https")


def post(url: str, form: Secret[bytes], timeout: float) -> Answer:
    """Send the form and read the answer; a redirect is not followed.

    Args:
        url: The endpoint.
        form: Its parameters, URL-encoded.
        timeout: Seconds for each step of the request.

    Raises:
        AuthError: No answer came.
    """
    from http.client import HTTPException

    connection = _connection(url, timeout)
    try:
        connection.connect()  # first by itself: where that fails, no frame holds the form
        connection.request("POST", _path(url), form.reveal(), _HEADERS)
        response = connection.getresponse()
        return _answer(response.status, Secret(response.read(_MAX_BODY)))
    except (OSError, HTTPException) as error:
        raise _unreachable(url, error) from error.with_traceback(None)  # whose frames hold the form
    finally:
        connection.close()


_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def _connection(url: str, timeout: float) -> HTTPConnection:
    from http.client import HTTPConnection, HTTPSConnection

    parts = urlsplit(url)
    if parts.scheme == "http":
        return HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    from ssl import create_default_context

    return HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout, context=create_default_context())


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _unreachable(url: str, error: Exception) -> AuthError:
    return failed(f"{urlsplit(url).netloc} gave no OAuth2 token: {type(error).__name__}: {error}", temporary=True)


def _answer(status: int, body: Secret[bytes]) -> Answer:
    """The answer with its secrets sealed; this cannot fail, so nothing shows."""
    fields = _fields(body)
    if fields is None:
        return Answer(status, complaint="no JSON object")
    token, replaced, lifetime = (fields.get(key) for key in ("access_token", "refresh_token", "expires_in"))
    if isinstance(lifetime, str) and lifetime.isdecimal() and len(lifetime) < 10:  # some write it as a string
        lifetime = int(lifetime)
    return Answer(
        status,
        access_token=Secret(token) if token and isinstance(token, str) else None,
        refresh_token=Secret(replaced) if replaced and isinstance(replaced, str) else None,
        expires_in=float(lifetime) if isinstance(lifetime, (int, float)) and 0 < lifetime < 1e9 else None,
        complaint=_complaint(fields),
    )


def _fields(body: Secret[bytes]) -> dict[str, Any] | None:
    try:
        fields = json.loads(body.reveal())
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else None


def _complaint(fields: dict[str, Any]) -> str:
    words = [fields[key] for key in ("error", "error_description") if isinstance(fields.get(key), str)]
    text = ": ".join(words)[:_SHOWN]
    return "".join(char if char.isprintable() else " " for char in text)
