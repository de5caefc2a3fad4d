"""New tokens from a token endpoint: for a refresh token (RFC 6749 6), or for a service account's signature (RFC 7523).

Knows what is asked and what makes an answer good; the request itself is `endpoint`'s business.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlencode, urlsplit

import attrs

from pymailer.errors import ConfigError
from pymailer.oauth2.endpoint import Answer, post
from pymailer.oauth2.tokens import Token, check_token, failed
from pymailer.secret import Secret

if TYPE_CHECKING:
    from pymailer.runtime import Runtime

__all__ = ["RefreshGrant", "ServiceGrant", "Signer", "load_key"]

_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_LIFETIME: Final = 300
"""Seconds for which a signed request is good; Google allows up to an hour."""


@attrs.define
class RefreshGrant:
    """Asks with a refresh token; where the endpoint replaces it, with the new one from then on."""

    url: str
    timeout: float
    client_id: str
    client_secret: Secret[str] | None
    refresh_token: Secret[str]
    clock: Callable[[], float] = time

    async def fetch(self, runtime: Runtime, *, renew: bool) -> Token:
        """See `Source`."""
        del renew  # what an endpoint gives out is new in any case
        answer = await runtime.offload(post, self.url, self._form(), self.timeout)
        if answer.refresh_token is not None:
            self.refresh_token = answer.refresh_token
        return _granted(self.url, answer, self.clock())

    def _form(self) -> Secret[bytes]:
        secrets = {"refresh_token": self.refresh_token}
        if self.client_secret is not None:
            secrets["client_secret"] = self.client_secret
        return _encoded({"grant_type": "refresh_token", "client_id": self.client_id}, secrets)


class Signer(Protocol):
    """A private key that signs RS256."""

    def __call__(self, data: bytes) -> bytes:
        """The signature."""
        ...


@attrs.define
class ServiceGrant:
    """Asks with a request that is signed by a service account, in the name of a user."""

    url: str
    timeout: float
    account: str
    user: str
    scope: str
    sign: Signer = attrs.field(repr=False)
    clock: Callable[[], float] = time

    async def fetch(self, runtime: Runtime, *, renew: bool) -> Token:
        """See `Source`."""
        del renew  # what an endpoint gives out is new in any case
        answer = await runtime.offload(self._request)
        return _granted(self.url, answer, self.clock())

    def _request(self) -> Answer:
        return post(self.url, _encoded({"grant_type": _JWT_GRANT}, {"assertion": self._assertion()}), self.timeout)

    def _assertion(self) -> Secret[str]:
        now = int(self.clock())
        who = {"iss": self.account, "scope": self.scope, "sub": self.user, "aud": self.url}
        claims = {**who, "iat": now, "exp": now + _JWT_LIFETIME}
        signed = f"{_base64url(_json({'alg': 'RS256', 'typ': 'JWT'}))}.{_base64url(_json(claims))}"
        return Secret(f"{signed}.{_base64url(self.sign(signed.encode()))}")


def load_key(pem: Secret[str]) -> Signer:
    """What signs with a service account's RSA key.

    Raises:
        ConfigError: It is no RSA key in PEM, or the extra that signs is not installed.
    """
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
    except ImportError as error:
        raise ConfigError("OAuth2 service_client needs an extra: pip install 'pymailer[oauth2]'") from error
    try:
        key = serialization.load_pem_private_key(pem.reveal().encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError("OAuth2 private_key is no PEM key without a passphrase") from error.with_traceback(None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError("OAuth2 private_key is no RSA key, and a service account signs with RSA")
    return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def _encoded(public: Mapping[str, str], secrets: Mapping[str, Secret[str]]) -> Secret[bytes]:
    return Secret(urlencode({**public, **{name: secret.reveal() for name, secret in secrets.items()}}).encode())


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _granted(url: str, answer: Answer, now: float) -> Token:
    """The token in an answer.

    Raises:
        AuthError: There is none; it may come later if the endpoint itself failed.
        ConfigError: What came as a token is none.
    """
    host = urlsplit(url).netloc
    if answer.access_token is None or answer.status != 200:
        temporary = answer.status >= 500 or answer.status == 429
        raise failed(
            f"{host} gave no OAuth2 token: {answer.complaint or 'none in its answer'} (HTTP {answer.status})",
            temporary=temporary,
        )
    check_token(answer.access_token, f"the OAuth2 token from {host}")
    return Token(answer.access_token, None if answer.expires_in is None else now + answer.expires_in)
