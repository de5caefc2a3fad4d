"""Which SASL mechanism to use, and making it: the strongest one offered that fits, never one that shows the password.

Pure decisions over what the server offers and what we were given; nothing of the dialogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from pymailer.errors import AuthError, ConfigError
from pymailer.oauth2 import OAuth2
from pymailer.outcome import Stage
from pymailer.secret import Secret
from pymailer.smtp.auth import PASSWORD_METHODS, TOKEN_METHODS, Auth, Credentials, CustomMechanism
from pymailer.smtp.sasl import CramMD5, Custom, Login, Mechanism, OAuthBearer, Plain, XOAuth2
from pymailer.smtp.saslprep import prepare
from pymailer.smtp.scram import ChannelBinding, Scram

__all__ = ["choose_mechanism", "password_mechanism", "token_mechanism"]

_IN_THE_CLEAR: Final = frozenset({"PLAIN", "LOGIN", *TOKEN_METHODS})
"""Whoever overhears one of these can log in with what it heard."""


def choose_mechanism(
    offered: Sequence[str],
    auth: Credentials,
    *,
    secure: bool,
    loopback: bool,
    allow_insecure: bool,
    auth_method: str | None = None,
    can_bind: bool = False,
) -> str:
    """The name of the mechanism to log in with.

    Args:
        offered: What the server offers, upper case.
        auth: The credentials.
        secure: Whether the connection is encrypted.
        loopback: Whether the server is on this machine.
        allow_insecure: Whether the user takes it upon himself to send credentials unencrypted.
        auth_method: The only mechanism to use, if the user named one; an `Auth` may name it too.
        can_bind: Whether a channel binding is to be had, for the ``-PLUS`` mechanisms.

    Raises:
        AuthError: The server offers no login (``ENOAUTH``), or none that fits and is safe (``EAUTH``).
        ConfigError: The mechanism that the user named does not go with the credentials.
    """
    wanted = _wanted(auth, auth_method)
    if not offered:
        raise _no_auth(secure=secure)
    fitting = [name for name in wanted if name in offered and _fits(name, auth, can_bind=can_bind)]
    if not fitting:
        raise _error(f"the server offers {', '.join(offered)}, and of {', '.join(wanted)} none fits")
    if secure or loopback or allow_insecure:
        return fitting[0]
    hidden = next((name for name in fitting if not _is_in_the_clear(name, auth)), None)
    if hidden is None:
        raise _error(
            f"{fitting[0]} would show the credentials to everybody on the way, for the connection is not encrypted: "
            f"use secure=True or require_tls=True (or allow_insecure_auth=True, in a network you trust)"
        )
    return hidden


def _wanted(auth: Credentials, auth_method: str | None) -> tuple[str, ...]:
    if isinstance(auth, OAuth2):  # a well-known service may name a method, and means passwords
        return (auth_method,) if auth_method in TOKEN_METHODS else TOKEN_METHODS
    pinned = auth.method or auth_method
    if isinstance(pinned, CustomMechanism):
        return (pinned.name,)
    if pinned in TOKEN_METHODS:
        raise ConfigError(f"auth_method {pinned} takes a token, not a password: give OAuth2(...) as auth")
    return PASSWORD_METHODS if pinned is None else (pinned,)


def _fits(name: str, auth: Credentials, *, can_bind: bool) -> bool:
    if not name.startswith("SCRAM-") or not isinstance(auth, Auth):
        return True
    if name.endswith("-PLUS") and not can_bind:
        return False
    return prepare(auth.password) is not None and prepare(Secret(auth.user)) is not None


def _is_in_the_clear(name: str, auth: Credentials) -> bool:
    if isinstance(auth, Auth) and isinstance(auth.method, CustomMechanism):
        return auth.method.plain_text
    return name in _IN_THE_CLEAR


def _no_auth(*, secure: bool) -> AuthError:
    hint = "" if secure else "; it may do so only over TLS: use secure=True or require_tls=True"
    return AuthError(
        f"credentials were given, but the server offers no login (AUTH){hint}", code="ENOAUTH", stage=Stage.AUTH
    )


def _error(text: str) -> AuthError:
    return AuthError(text, stage=Stage.AUTH, command="AUTH")


_SIMPLE: Final[dict[str, type[Plain | Login | CramMD5]]] = {"PLAIN": Plain, "LOGIN": Login, "CRAM-MD5": CramMD5}


def password_mechanism(name: str, auth: Auth, binding: ChannelBinding | None, *, plus_offered: bool) -> Mechanism:
    """The mechanism called `name`, ready to begin.

    Args:
        name: One that `choose_mechanism` chose.
        auth: The credentials.
        binding: The channel binding, if one is to be had.
        plus_offered: Whether the server offers any ``-PLUS`` mechanism.
    """
    if isinstance(auth.method, CustomMechanism):
        return Custom(name, partial(auth.method.respond, auth))
    if name in _SIMPLE:
        return _SIMPLE[name](auth.user, auth.password)
    user, password = prepare(Secret(auth.user)), prepare(auth.password)
    if user is None or password is None:
        raise ConfigError(f"{name} cannot say this user name or password (RFC 4013)")
    bound = binding if name.endswith("-PLUS") else None
    return Scram(name, user.reveal(), password, bound, could_bind=binding is not None and not plus_offered)


def token_mechanism(name: str, user: str, token: Secret[str], host: str, port: int) -> XOAuth2 | OAuthBearer:
    """The mechanism called `name` for a token."""
    return XOAuth2(user, token) if name == "XOAUTH2" else OAuthBearer(user, token, host, port)
