"""What a server said it can do: the reply to EHLO as data (RFC 5321 4.1.1.1).

Knows keywords and their parameters; must not know when an extension is used or what it is good for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymailer.outcome import Reply

__all__ = ["Capabilities"]

_FLAGS: Final = {
    "8BITMIME": "eightbitmime",
    "CHUNKING": "chunking",
    "DSN": "dsn",
    "ENHANCEDSTATUSCODES": "enhancedstatuscodes",
    "PIPELINING": "pipelining",
    "REQUIRETLS": "requiretls",
    "SIZE": "size",
    "SMTPUTF8": "smtputf8",
    "STARTTLS": "starttls",
}

_MAX_DIGITS: Final = 20
"""RFC 1870 3: a SIZE has up to twenty digits."""


@attrs.frozen
class Capabilities:
    """The extensions that a server offers; made without arguments, those of a server that only knows HELO.

    Attributes:
        keywords: Every keyword offered, upper case, known to us or not.
        auth: The SASL mechanisms, upper case, in the server's order (RFC 4954).
        max_size: The largest message in octets (RFC 1870), or ``None`` where no limit was named.
        rcptmax: Recipients per message (RFC 9422), or ``None``.
        mailmax: Messages per connection (RFC 9422), or ``None``.
    """

    keywords: frozenset[str] = frozenset()
    auth: tuple[str, ...] = ()
    max_size: int | None = None
    rcptmax: int | None = None
    mailmax: int | None = None
    chunking: bool = False
    dsn: bool = False
    eightbitmime: bool = False
    enhancedstatuscodes: bool = False
    pipelining: bool = False
    requiretls: bool = False
    size: bool = False
    smtputf8: bool = False
    starttls: bool = False

    @classmethod
    def parse(cls, reply: Reply) -> Capabilities:
        """Read a positive reply to EHLO or LHLO; a parameter that makes no sense counts as absent."""
        offered = _keywords(reply.lines[1:])  # the first line is the server's name and greeting
        limits = _limits(offered.get("LIMITS", ()))
        return cls(
            keywords=frozenset(offered),
            auth=tuple(dict.fromkeys(name.upper() for name in offered.get("AUTH", ()))),
            max_size=_positive(offered.get("SIZE", ())),  # RFC 1870 4: 0 says that there is no fixed limit
            rcptmax=_positive(limits.get("RCPTMAX", ())),
            mailmax=_positive(limits.get("MAILMAX", ())),
            **{field: keyword in offered for keyword, field in _FLAGS.items()},
        )


def _keywords(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    offered: dict[str, tuple[str, ...]] = {}
    for line in lines:
        keyword, *parameters = line.split() or [""]
        name, equals, first = keyword.upper().partition("=")
        if equals and name != "AUTH":  # only AUTH was ever written so: "AUTH=LOGIN PLAIN", by servers before RFC 2554
            name, first = keyword.upper(), ""
        offered[name] = (*offered.get(name, ()), *first.split(), *parameters)
    offered.pop("", None)
    return offered


def _limits(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """RFC 9422 4: ``LIMITS RCPTMAX=20 MAILMAX=5``."""
    pairs = (word.upper().partition("=") for word in words)
    return {name: (value,) for name, _, value in pairs}


def _positive(parameters: Iterable[str]) -> int | None:
    digits = next(iter(parameters), "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        return None
    return int(digits) or None
