"""The options of one SMTP connection, from keywords, a mapping, a URL or an instance; checked when they are made.

Knows what each option means and what fits together; nothing of how it is carried out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import attrs

from pymailer.errors import ConfigError
from pymailer.front_door import discreet
from pymailer.net.addresses import is_loopback, literal_address
from pymailer.net.connect import Route
from pymailer.net.tls import TLSOptions
from pymailer.options import checked, gather, normalize, seconds
from pymailer.services import fill_service
from pymailer.smtp.auth import Credentials, parse_auth, parse_method
from pymailer.smtp.ehlo import ehlo_name

IMPLICIT_TLS_PORT: Final = 465
"""TLS from the first byte (RFC 8314 3.3)."""
STARTTLS_PORTS: Final = (25, 587)
"""Where a server begins in plain text (RFC 5321 4.5.4.2, RFC 6409 3.1)."""


def _port_by_security(options: SMTPOptions) -> int:
    return IMPLICIT_TLS_PORT if options.secure else 25


def _route(options: SMTPOptions) -> Route:
    return Route(
        host=options.host,
        port=options.port,
        local_address=options.local_address,
        proxy=options.proxy,
        socket=options.socket,
        dns_timeout=options.dns_timeout,
        connection_timeout=options.connection_timeout,
    )


def _port(_: object, __: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise ConfigError(f"port must be a whole number from 1 to 65535, not {value!r}")


def _host(_: object, __: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value or any(char <= " " or char == "\x7f" for char in value):
        raise ConfigError(f"host must be a name or an address, not {value!r}")


def _switch(value: object, field: attrs.Attribute[Any]) -> object:
    """`pipelining` and `chunking`: ``"auto"``, or ``False`` for never."""
    if value is True:
        return "auto"
    if value not in ("auto", False):
        raise ConfigError(f"{field.name} must be 'auto' or False, not {value!r}")
    return value


def _tls(value: object) -> TLSOptions:
    return TLSOptions.parse(value)


def _auto() -> Any:
    """An attrs field: ``"auto"`` or ``False``."""
    return attrs.field(default="auto", converter=attrs.Converter(_switch, takes_field=True))


def _logger(_: object, __: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, (logging.Logger, logging.LoggerAdapter)):
        raise ConfigError(f"logger must be a logging.Logger or LoggerAdapter, not {type(value).__name__}")


_BY_PORT: Final[Any] = None


@attrs.frozen(kw_only=True, init=False)
class SMTPOptions:
    """How to reach a server, secure the connection and log in. Times are in seconds.

    Made from keywords, a mapping in either spelling, a URL, or other options; keywords win, then the mapping, then the
    URL in it.

    Raises:
        ConfigError: An option is unknown, of the wrong type, or at odds with another.
    """

    host: str = attrs.field(default="localhost", validator=_host)
    secure: bool = attrs.field(default=_BY_PORT, validator=checked(bool))
    port: int = attrs.field(default=attrs.Factory(_port_by_security, takes_self=True), validator=_port)
    ignore_tls: bool = attrs.field(default=False, validator=checked(bool))
    require_tls: bool = attrs.field(default=False, validator=checked(bool))
    opportunistic_tls: bool = attrs.field(default=False, validator=checked(bool))
    allow_insecure_auth: bool = attrs.field(default=False, validator=checked(bool))
    name: str | None = attrs.field(default=None, converter=attrs.converters.optional(ehlo_name))
    local_address: str | None = attrs.field(default=None, validator=checked(str))
    auth: Credentials | None = attrs.field(default=None, converter=parse_auth, repr=False)
    auth_method: str | None = attrs.field(default=None, converter=parse_method)
    tls: TLSOptions = attrs.field(default=None, converter=_tls, repr=False)
    connection_timeout: float = seconds(30.0)
    greeting_timeout: float = seconds(30.0)
    socket_timeout: float = seconds(60.0)
    final_timeout: float = seconds(600.0)
    dns_timeout: float = seconds(30.0)
    debug: bool = attrs.field(default=False, validator=checked(bool))
    logger: Any = attrs.field(factory=lambda: logging.getLogger("pymailer.smtp"), validator=_logger, repr=False)
    pipelining: Any = _auto()  # noqa: RUF009 - it makes the field
    chunking: Any = _auto()  # noqa: RUF009 - it makes the field
    lmtp: bool = attrs.field(default=False, validator=checked(bool))
    proxy: str | None = attrs.field(default=None, validator=checked(str), repr=False)
    socket: Any = attrs.field(default=None, repr=False)
    service: str | None = attrs.field(default=None, validator=checked(str))
    route: Route = attrs.field(default=attrs.Factory(_route, takes_self=True), init=False, repr=False, eq=False)

    @discreet
    def __init__(self, given: object = None, /, **keywords: Any) -> None:
        self.__attrs_init__(**_gathered(given, keywords))  # pyright: ignore - attrs makes it

    def __attrs_post_init__(self) -> None:
        if self.secure is _BY_PORT:
            object.__setattr__(self, "secure", self.port == IMPLICIT_TLS_PORT)
        if self.ignore_tls and (self.require_tls or self.opportunistic_tls):
            raise ConfigError("ignore_tls and require_tls (or opportunistic_tls) are at odds: give one of them")
        if self.require_tls and self.opportunistic_tls:
            raise ConfigError("require_tls and opportunistic_tls are at odds: give one of them")
        if self.opportunistic_tls and self.auth is not None:
            raise ConfigError("opportunistic_tls may go on in plain text, so it takes no auth: use require_tls")
        if self.secure and self.port in STARTTLS_PORTS:
            self.logger.warning(
                "%s: TLS from the first byte, where servers begin in plain text; for STARTTLS it is secure=False",
                self.peer,
                extra={"peer": self.peer},
            )

    def __repr__(self) -> str:
        """As attrs makes it, and also of options that were refused half-way, which a traceback may show."""
        shown = [field.name for field in attrs.fields(type(self)) if field.repr and hasattr(self, field.name)]
        return f"SMTPOptions({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    @property
    def peer(self) -> str:
        """Host and port, as error messages name them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether the server is named as one on this machine; what a proxy calls localhost is another's."""
        host = self.host.strip("[]").lower().rstrip(".")
        named = host == "localhost" or host.endswith(".localhost")
        return self.proxy is None and (named or (literal_address(host) is not None and is_loopback(host)))


_NAMES: Final = frozenset(field.name for field in attrs.fields(SMTPOptions) if field.init)
DURATIONS: Final = frozenset(name for name in _NAMES if name.endswith("_timeout"))
OPTIONS: Final = _NAMES
"""The names of all options of a connection."""


def _gathered(given: object, keywords: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(given, SMTPOptions):
        options = normalize(keywords, OPTIONS, DURATIONS, "option")
        return {name: getattr(given, name) for name in OPTIONS} | fill_service(options, OPTIONS)
    return fill_service(gather(given, keywords, OPTIONS, DURATIONS, "an SMTP connection"), OPTIONS)
