"""`service="gmail"`: a well-known service's settings, for what the user did not give."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pymailer.errors import ConfigError

_LIMITS = ("max_connections", "max_messages", "rate_limit", "rate_delta", "idle_timeout")


def fill_service(options: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The options with `service` replaced by what it means; every explicit option wins.

    Args:
        options: In snake_case.
        known: The options that the asker has; a single connection has no use for a pool's limits.

    Raises:
        ConfigError: There is no such service; the message names the closest ones.
    """
    name = options.get("service")
    if name is None:
        return options
    if not isinstance(name, str):
        raise ConfigError(f"service must be a name such as 'gmail', not {type(name).__name__}")
    from pymailer_wellknown import UnknownServiceError, resolve

    try:
        service = resolve(name)
    except UnknownServiceError as error:
        raise ConfigError(str(error)) from error
    presets: dict[str, Any] = {"host": service.host, "auth_method": service.auth_method}
    presets |= {limit: getattr(service, limit) for limit in _LIMITS if limit in known}
    presets |= _security(options, service.port, service.secure, service.require_tls)
    return {key: value for key, value in presets.items() if value is not None} | options


def _security(options: dict[str, Any], port: int | None, secure: bool, require_tls: bool) -> dict[str, Any]:
    """Another port than the service's own speaks plain SMTP first; TLS then stays required by STARTTLS."""
    if "port" in options and options["port"] != port and "secure" not in options:
        secured = options["port"] == 465
        return {"require_tls": True} if (secure or require_tls) and not secured else {}
    given_secure = bool(options.get("secure", secure))
    implied = {} if options.get("ignore_tls") else {"require_tls": (secure or require_tls) and not given_secure}
    return {"port": port, "secure": secure, **implied}
