"""Connection URLs: ``smtp://user:password@host:587/?pool=true&tls.rejectUnauthorized=false``.

Knows the grammar (nodemailer's, made strict) and no option by name, except those that the authority carries.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from pymailer.errors import ConfigError

_ADVICE: Final = "expected something like smtp://user:password@host:587/?pool=true"


def scheme_of(url: str) -> str:
    """The scheme in lower case, ``""`` if there is none (RFC 3986 3.1)."""
    scheme, colon, _ = url.partition(":")
    well_formed = scheme.isascii() and scheme[:1].isalpha() and all(char.isalnum() or char in "+-._" for char in scheme)
    return scheme.lower() if colon and well_formed else ""


def parse_url(url: object) -> dict[str, Any]:
    """The options that a URL says, as a mapping in the spelling of the URL; the URL itself never shows in an error.

    Raises:
        ConfigError: The URL is malformed, or can be read in two ways.
    """
    if not isinstance(url, str):
        raise ConfigError(f"a connection URL is a str, not {type(url).__name__}; {_ADVICE}")
    if any(ord(char) <= 0x20 or ord(char) == 0x7F or char in "\\<>" for char in url):
        raise ConfigError(f"a blank, control character, backslash or angle bracket in the connection URL; {_ADVICE}")
    scheme = scheme_of(url)
    if not scheme:
        raise ConfigError(f"a connection URL begins with a scheme; {_ADVICE}")
    rest = url.partition(":")[2].partition("#")[0]
    location, _, query = rest.partition("?")
    authority, _, path = location.removeprefix("//").partition("/")
    if path.strip("/"):
        raise ConfigError(f"a path in the connection URL means nothing; {_ADVICE}")
    options: dict[str, Any] = {}
    if scheme == "smtps":  # smtp: says nothing: port 465 still means TLS from the first byte
        options["secure"] = True
    options |= _authority(authority)
    return _merge_query(options, query)


def _authority(authority: str) -> dict[str, Any]:
    credentials, at, place = authority.rpartition("@")
    if "@" in credentials:
        raise ConfigError(f"two @ in the connection URL: write %40 for one in the user name or password; {_ADVICE}")
    options: dict[str, Any] = {}
    if at:
        user, _, password = credentials.partition(":")
        options["auth"] = {"user": _decoded(user), "pass": _decoded(password)}
    return options | _place(place)


def _place(place: str) -> dict[str, Any]:
    host, colon, port = place.rpartition(":")
    if place.endswith("]") or not colon:  # [::1], or no port
        host, port = place, ""
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ConfigError(f"an IPv6 address in a connection URL stands in brackets, like smtp://[::1]:25; {_ADVICE}")
    options: dict[str, Any] = {}
    if host:
        options["host"] = _decoded(host.removeprefix("[").removesuffix("]"))
    if port:
        options["port"] = _port(port)
    return options


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise ConfigError(f"the port in the connection URL must be 1 to 65535, not {text[:20]!r}")
    return int(text)


def _decoded(text: str) -> str:
    value = unquote(text, errors="strict") if "%" in text else text
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
        raise ConfigError("a percent-encoded control character in the connection URL")
    return value


def _merge_query(options: dict[str, Any], query: str) -> dict[str, Any]:
    """What the authority says stands; dotted keys go one level down (``tls.rejectUnauthorized``)."""
    seen: set[str] = set()
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key in seen:
            raise ConfigError(f"{key!r} stands twice in the connection URL")
        seen.add(key)
        section, dot, name = key.partition(".")
        if dot:
            inner = options.setdefault(section, {})
            if not isinstance(inner, dict) or "." in name:
                raise ConfigError(f"{key!r} in the connection URL goes deeper than one level")
            inner[name] = _value(text)
        elif key not in options:
            options[key] = _value(text)
    return options


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    if text.isascii() and text.isdigit():
        return int(text)
    whole, dot, fraction = text.partition(".")
    if dot and text.isascii() and whole.isdigit() and fraction.isdigit():
        return float(text)
    return _decoded(text) if "%" not in text else text
