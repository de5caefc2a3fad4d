"""Credentials as users write them, checked before a byte is on the wire.

Knows what a name, a password and their spellings may be; nothing of mechanisms but their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

import attrs

from pymailer.errors import ConfigError
from pymailer.names import snake_case, unknown
from pymailer.oauth2 import OAuth2
from pymailer.secret import Secret

__all__ = ["PASSWORD_METHODS", "TOKEN_METHODS", "Auth", "Credentials", "CustomMechanism", "parse_auth", "parse_method"]

PASSWORD_METHODS: Final = (
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
)
"""The mechanisms for a password, strongest first."""

TOKEN_METHODS: Final = ("OAUTHBEARER", "XOAUTH2")
"""The mechanisms for an OAuth2 token; the standard one first."""


@attrs.frozen
class CustomMechanism:
    """A SASL mechanism of your own, given as the `method` of an `Auth`.

    Attributes:
        name: As the server offers it and AUTH names it.
        respond: Called with the `Auth` and a challenge, or with ``None`` for what is said before any; returns bytes,
            or ``None`` where there is nothing to say. Plain or async.
        plain_text: Whether whoever overhears it can log in with it, so that it needs TLS.
    """

    name: str
    respond: Callable[[Auth, bytes | None], Any] = attrs.field(repr=False)
    plain_text: bool = True


@attrs.frozen(init=False)
class Auth:
    """A user and a password.

    Attributes:
        user: The name to log in with.
        password: The password, which does not show itself; `reveal` gives it.
        method: The only mechanism to use, by name or your own; ``None`` for the strongest that the server offers.

    Raises:
        ConfigError: The name or the password could not be said, or the method is unknown.
    """

    user: str
    password: Secret[str]
    method: str | CustomMechanism | None

    def __init__(self, user: str, password: str | Secret[str], method: str | CustomMechanism | None = None) -> None:
        # Sealed before anything can fail: from here on no frame holds the password itself.
        password = password if isinstance(password, Secret) else Secret(password)
        object.__setattr__(self, "user", user)
        object.__setattr__(self, "password", password)
        object.__setattr__(self, "method", None)
        _check_user(user)
        _check_password(password)
        if not isinstance(method, CustomMechanism):
            method = parse_method(method, PASSWORD_METHODS)
        object.__setattr__(self, "method", method)


Credentials: TypeAlias = Auth | OAuth2
"""What a connection can log in with."""


def parse_method(method: object, known: tuple[str, ...] = (*PASSWORD_METHODS, *TOKEN_METHODS)) -> str | None:
    """A mechanism's name in capitals; ``None`` stays.

    Raises:
        ConfigError: It is not one that we know.
    """
    if method is None:
        return None
    if not isinstance(method, str) or method.upper() not in known:
        raise ConfigError(f"authentication method {method!r} is none of {', '.join(known)}")
    return method.upper()


def _check_user(user: object) -> None:
    if not isinstance(user, str) or not user:
        raise ConfigError(f"auth needs a user name, not {user!r}")
    if not _is_utf8(user) or any(char < " " or char == "\x7f" for char in user):
        raise ConfigError(f"the user name {user!r} contains a control character")


def _check_password(password: Secret[str]) -> None:
    if not isinstance(password.reveal(), str) or not password.reveal():
        raise ConfigError("auth needs a password, as a string that is not empty")
    if "\0" in password.reveal() or not _is_utf8(password.reveal()):
        raise ConfigError("the password contains a character that no mechanism can say (NUL or half a surrogate pair)")
    # Base64 would carry it, but nobody has such a password: it was read from a file with its line end.
    if password.reveal().endswith(("\r", "\n")):
        raise ConfigError("the password ends with a line end: strip it where it is read")


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


# --- spellings -------------------------------------------------------------------------------------------------------

_OPEN: Final = frozenset(
    {
        *("user", "type", "method"),
        *("token_provider", "client_id", "access_url", "service_client", "scope", "expires", "timeout"),
    }
)
"""Keys whose values may be seen; all others are sealed, for a misspelt key may hold a password too."""
_PASSWORD_KEYS: Final = frozenset({"user", "password", "method", "type"})
_TOKEN_KEYS: Final = (_OPEN - {"method"}) | {"access_token", "client_secret", "refresh_token", "private_key"}
_MILLISECONDS_FROM: Final = 1e11
"""A time since 1970 above this is in milliseconds, as Nodemailer's are; in seconds it would be the year 5138."""


def parse_auth(value: object) -> Credentials | None:
    """Credentials in any of their spellings.

    Args:
        value: ``(user, password)``, a mapping with ``user`` and ``pass`` (or ``password``), a mapping with
            ``"type": "OAuth2"`` and Nodemailer's keys, an `Auth`, an `OAuth2`, or ``None``.

    Raises:
        ConfigError: It is none of these, a key is unknown or given twice, or a value could not be said.
    """
    if value is None or isinstance(value, (Auth, OAuth2)):
        return value
    pairs = _sealed(value)
    value = type(value).__name__  # no frame holds the password from here on
    if pairs is None:
        raise ConfigError(f"auth is (user, password), a mapping, Auth(...) or OAuth2(...), not {value}")
    if _is_oauth2(pairs):
        return _oauth2(_fields(pairs, _TOKEN_KEYS))
    return _password(_fields(pairs, _PASSWORD_KEYS))


def _sealed(value: object) -> list[tuple[object, Any]] | None:
    """Keys and values with every value that may be a secret in an envelope; this cannot fail, so nothing shows."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return [
            (key, item if isinstance(key, str) and snake_case(key) in _OPEN else Secret(item)) for key, item in items
        ]
    if isinstance(value, (tuple, list)) and len(cast("list[object]", value)) == 2:
        user, password = cast("list[object]", value)
        return [("user", user), ("password", Secret(password))]
    return None


def _is_oauth2(pairs: list[tuple[object, Any]]) -> bool:
    given = {snake_case(key): value for key, value in pairs if isinstance(key, str)}
    if "type" in given:
        return isinstance(given["type"], str) and given["type"].lower() == "oauth2"
    return not given.keys().isdisjoint(_TOKEN_KEYS - _PASSWORD_KEYS)


def _fields(pairs: list[tuple[object, Any]], known: frozenset[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in pairs:
        name = "password" if key == "pass" else snake_case(key) if isinstance(key, str) else ""
        if name not in known:
            raise ConfigError(unknown("auth key", key, sorted(known)))
        if name in fields:
            raise ConfigError(f"auth key {key!r} says again what another key said")
        fields[name] = value
    return fields


def _password(fields: dict[str, Any]) -> Auth:
    kind = fields.get("type") or "login"
    if not isinstance(kind, str) or kind.lower() not in ("login", "custom"):
        raise ConfigError(f"auth type {kind!r} is neither 'login' nor 'OAuth2'")
    return Auth(fields.get("user", ""), fields.get("password", ""), fields.get("method"))


def _oauth2(fields: dict[str, Any]) -> OAuth2:
    expires = fields.get("expires")
    if isinstance(expires, (int, float)) and expires > _MILLISECONDS_FROM:
        fields["expires"] = expires / 1000
    options = {name: value for name, value in fields.items() if name != "type" and value is not None}
    return OAuth2(options.pop("user", ""), **options)
