"""What is known of one mail service: where it listens, how it is spoken to, how much it takes.

Knows the shape of an entry and what an entry may say. Must not know where entries are kept or how one is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import validators

if TYPE_CHECKING:
    from collections.abc import Iterable

_HIGHEST_PORT = 65535

_limit = validators.optional(validators.gt(0))


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


def _unless_secure(service: Service) -> bool:
    return not service.secure


@attrs.frozen(kw_only=True)
class Service:
    """One well-known service.

    A limit is what the provider publishes or what was measured, `None` where nothing is known; `source` says which.

    Attributes:
        name: The name it is listed under, such as `"Gmail"`.
        host: Host name of the SMTP server.
        port: TCP port.
        secure: TLS from the first byte (RFC 8314 3.3).
        require_tls: STARTTLS or nothing. `False` beside a `secure` of `False` is a test tool on this machine, which
            is spoken to in plain text.
        auth_method: The SASL mechanism to use where the server's own list is not to be trusted, such as `"LOGIN"`.
        aliases: Other names it is known by.
        domains: Domains of the mailboxes that send through it, in lower case.
        description: Name and kind of the service for a person.
        max_connections: Connections it takes at once.
        max_messages: Messages it takes over one connection.
        rate_limit: Messages it takes in `rate_delta` seconds.
        rate_delta: The window of `rate_limit`, in seconds.
        idle_timeout: After how many seconds an idle connection should be closed, before the server does it.
        notes: What a person should know: which password, which plan, which reply means what.
        source: Where this is known from, an address where there is one.
    """

    name: str
    host: str
    port: int = attrs.field(validator=[validators.ge(1), validators.le(_HIGHEST_PORT)])
    secure: bool = False
    require_tls: bool = attrs.field(default=attrs.Factory(_unless_secure, takes_self=True))
    auth_method: str | None = None
    aliases: tuple[str, ...] = attrs.field(default=(), converter=_names)
    domains: tuple[str, ...] = attrs.field(default=(), converter=_names)
    description: str = ""
    max_connections: int | None = attrs.field(default=None, validator=_limit)
    max_messages: int | None = attrs.field(default=None, validator=_limit)
    rate_limit: int | None = attrs.field(default=None, validator=_limit)
    rate_delta: float | None = attrs.field(default=None, validator=_limit)
    idle_timeout: float | None = attrs.field(default=None, validator=_limit)
    notes: str = ""
    source: str = ""
