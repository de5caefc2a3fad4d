"""Small things a message may say about itself in headers: how urgent it is, a one-time code, that no human wrote it.

Knows what other mail programs read; nothing of how headers are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from pymailer.errors import AddressError, MessageError
from pymailer.message.characters import shown
from pymailer.message.domains import ascii_domain
from pymailer.message.encoded_words import Encoded
from pymailer.message.keys import Keys

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_OTP_KEYS = Keys.of("key of otp", ("code", "origin"))

_PRIORITIES: Mapping[str, tuple[tuple[str, Encoded], ...]] = {
    "high": (
        ("X-Priority", Encoded("1 (Highest)")),
        ("X-MSMail-Priority", Encoded("High")),
        ("Importance", Encoded("High")),
    ),
    "normal": (),
    "low": (
        ("X-Priority", Encoded("5 (Lowest)")),
        ("X-MSMail-Priority", Encoded("Low")),
        ("Importance", Encoded("Low")),
    ),
}


def priority_fields(priority: object) -> tuple[tuple[str, Encoded], ...]:
    """The three headers that mail programs read for ``"high"`` or ``"low"``; none for ``"normal"``.

    Raises:
        MessageError: It is none of these.
    """
    name = priority.lower() if isinstance(priority, str) else ""
    if name not in _PRIORITIES:
        raise MessageError(f"priority is 'high', 'normal' or 'low', not {shown(priority)}")
    return _PRIORITIES[name]


def otp_field(otp: object) -> tuple[str, Encoded]:
    """The ``OTP-Token`` header, by which a mail program can offer a one-time code to the site it is for.

    Args:
        otp: ``{"code", "origin"}``: the code as in the text, printable ASCII; the origin is an absolute ``https:``
            URL, of which only scheme, host and port are told.

    Raises:
        MessageError: The mapping or something in it is not as said. The code is not shown.
    """
    if not isinstance(otp, Mapping):
        raise MessageError(f"otp is a mapping, not {type(otp).__name__}")
    given = _OTP_KEYS.read(cast("Mapping[object, object]", otp))
    code = given.get("code")
    if not isinstance(code, str) or not code or not code.isascii() or not code.isprintable():
        raise MessageError("the code of otp must be printable ASCII, and not empty")
    return "OTP-Token", Encoded(f'{_string(code)}; origin="{_origin(given.get("origin"))}"')


def _string(text: str) -> str:
    """A String of RFC 8941 3.3.3."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _origin(url: object) -> str:
    """Scheme, host and port as RFC 6454 6.2 writes them; the default port is left out."""
    if not isinstance(url, str) or not url.isprintable():
        raise MessageError("the origin of otp must be an absolute https: URL")
    from urllib.parse import urlsplit  # few messages carry a code

    try:
        parts = urlsplit(url)
        port, host = parts.port, _host(parts)
    except (ValueError, AddressError):
        raise MessageError(f"the origin of otp is not a URL with a host: {shown(url)}") from None
    # Userinfo makes 'https://bank.example' + '@evil.example' an origin of somebody else.
    if "@" in parts.netloc or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise MessageError("the origin of otp must be an https: URL without user name")
    default = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        return ascii_domain(f"[IPv6:{host}]").lower().replace("ipv6:", "")
    return ascii_domain(host)


def _is_loopback(host: str) -> bool:
    parts = host.split(".")
    if parts[-1] == "localhost" or host == "[::1]":
        return True
    return parts[0] == "127" and "".join(parts).isdigit()
