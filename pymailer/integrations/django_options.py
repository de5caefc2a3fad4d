"""Django's words for a mail server, in this library's: ``EMAIL_HOST`` and its like, or the ``OPTIONS`` of a mailer.

Values in, options out: reads no settings, and must not know how anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.errors import ConfigError
from pymailer.names import snake_case

if TYPE_CHECKING:
    from pymailer.smtp.auth import Auth

SUBMISSION: Final = 587

_TLS: Final = {"secure", "ignore_tls", "require_tls", "opportunistic_tls"}
_SERVER: Final = {"host", "service", "url", "socket"}
_TIMEOUTS: Final = ("connection_timeout", "dns_timeout", "greeting_timeout", "socket_timeout", "final_timeout")


@attrs.frozen(kw_only=True)
class DjangoServer:
    """A server as Django describes it: the arguments of its own SMTP backend.

    Attributes:
        host: ``EMAIL_HOST``.
        port: ``EMAIL_PORT``.
        auth: ``EMAIL_HOST_USER`` and ``EMAIL_HOST_PASSWORD``.
        use_tls: ``EMAIL_USE_TLS``: STARTTLS, or no mail.
        use_ssl: ``EMAIL_USE_SSL``: TLS from the first octet.
        timeout: ``EMAIL_TIMEOUT``: seconds for each thing that is waited for.
        ssl_certfile: ``EMAIL_SSL_CERTFILE``: a certificate that the server asks for.
        ssl_keyfile: ``EMAIL_SSL_KEYFILE``: its key.

    Raises:
        ConfigError: Both kinds of TLS are asked for.
    """

    host: str | None = None
    port: int | None = None
    auth: Auth | None = None
    use_tls: bool = attrs.field(default=False, converter=bool)
    use_ssl: bool = attrs.field(default=False, converter=bool)
    timeout: float | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.use_tls and self.use_ssl:
            raise ConfigError("use_tls (STARTTLS) and use_ssl (TLS from the first octet) are at odds: set one of them")

    def options(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Options for `create_transport`.

        Args:
            own: This library's options, in either spelling. They win; and where they name a server, Django's host,
                port and kind of TLS are not looked at: they would be those of another one.
        """
        spelled = {snake_case(name) for name in own}
        found: dict[str, Any] = {"pool": True, "auth": self.auth, **dict.fromkeys(_TIMEOUTS, self.timeout)}
        if not spelled & _SERVER:
            found |= {"host": self.host, "port": self._port}
            found |= {} if spelled & _TLS else self._protection()
        if self.ssl_certfile:
            found["tls"] = {"cert": self.ssl_certfile, "key": self.ssl_keyfile or self.ssl_certfile}
        kept = {name: value for name, value in found.items() if value is not None and name not in spelled}
        return {**kept, **own}

    @property
    def _port(self) -> int | None:
        return SUBMISSION if self.use_tls and not self.port else self.port

    def _protection(self) -> dict[str, bool]:
        if self.use_ssl:
            return {"secure": True}
        if self.use_tls:
            return {"require_tls": True}
        # Django would speak plainly. Plain text is good enough then, but only for what is no password.
        return {"secure": False} if self.auth else {"secure": False, "opportunistic_tls": True}
