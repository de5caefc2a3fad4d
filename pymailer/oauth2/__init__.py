"""OAuth2 credentials: who logs in, and where the token comes from.

Knows the options and what fits together. A token's life is the business of `tokens`; how a new one is had, that of
`grants` and of the user's own callable.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.errors import ConfigError
from pymailer.oauth2.endpoint import check_url
from pymailer.oauth2.grants import RefreshGrant, ServiceGrant, load_key
from pymailer.oauth2.provider import Provider
from pymailer.oauth2.tokens import Announce, NoSource, Source, Token, Tokens, check_token, epoch
from pymailer.secret import Secret, sealed

if TYPE_CHECKING:
    from pymailer.runtime import Runtime

__all__ = ["OAuth2"]

_GOOGLE_TOKENS: Final = "https://oauth2.googleapis.com/token"
_GOOGLE_MAIL: Final = "https://mail.google.com/"
_LONGEST_TIMEOUT: Final = 3600


def _seconds(value: float | timedelta) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= _LONGEST_TIMEOUT:
        raise ConfigError(f"OAuth2 timeout is in seconds, up to an hour, not {value!r}")
    return float(seconds)


def _text(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """A name that may stand in a request, and between the ^A of an authentication (RFC 7628 3.1)."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ConfigError(f"OAuth2 {field.name} is text without control characters, not {value!r}")


def _secret(_: object, field: attrs.Attribute[Any], value: Secret[str]) -> None:
    if not isinstance(value.reveal(), str) or not value.reveal():
        raise ConfigError(f"OAuth2 {field.name} is a string that is not empty")


def _token(_: object, field: attrs.Attribute[Any], value: Secret[str]) -> None:
    check_token(value, f"OAuth2 {field.name}")


def _callable(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not callable(value):
        raise ConfigError(f"OAuth2 {field.name} is a callable, not {type(value).__name__}")


_optional: Final = attrs.validators.optional


@attrs.frozen(init=False)
class OAuth2:
    """A user and a source of OAuth2 tokens; one object may serve many connections, threads and event loops at once.

    Attributes:
        user: The mailbox to log in as.
        access_token: A token to begin with; alone, it is used until it expires.
        token_provider: Called with ``renew`` (whether the last token was refused); returns a token, or a token and the
            time at which it expires, as seconds since 1970 or a `datetime` (without a time zone: UTC). A plain one is
            called where it may block.
        client_id: The application that was given the `refresh_token`.
        client_secret: The application's secret, if it has one.
        refresh_token: What the user's consent gave the application.
        access_url: Where tokens are given out; Google's unless given.
        service_client: The service account that may send as `user` (RFC 7523); needs ``pymailer[oauth2]``.
        private_key: The service account's RSA key, PEM.
        scope: What the service account asks for; Gmail unless given.
        expires: When `access_token` expires, in seconds since 1970, or ``None`` if nobody knows.
        timeout: Seconds for a request to `access_url`.

    Raises:
        ConfigError: There is no source of tokens, or half a one, or a value could not be said.
    """

    user: str = attrs.field(validator=_text)
    access_token: Secret[str] | None = attrs.field(default=None, validator=_optional(_token))
    token_provider: Callable[[bool], Any] | None = attrs.field(default=None, validator=_optional(_callable))
    client_id: str | None = attrs.field(default=None, validator=_optional(_text))
    client_secret: Secret[str] | None = attrs.field(default=None, validator=_optional(_secret))
    refresh_token: Secret[str] | None = attrs.field(default=None, validator=_optional(_secret))
    access_url: str = attrs.field(default=_GOOGLE_TOKENS, validator=check_url)
    service_client: str | None = attrs.field(default=None, validator=_optional(_text))
    private_key: Secret[str] | None = attrs.field(default=None, validator=_optional(_secret))
    scope: str = attrs.field(default=_GOOGLE_MAIL, validator=_text)
    expires: float | None = attrs.field(default=None, converter=epoch)
    timeout: float = attrs.field(default=30.0, converter=_seconds)
    _tokens: Tokens = attrs.field(init=False, repr=False, eq=False)

    def __init__(  # noqa: PLR0913  # the public contract, and a signature to complete
        self,
        user: str,
        *,
        access_token: str | Secret[str] | None = None,
        token_provider: Callable[[bool], Any] | None = None,
        client_id: str | None = None,
        client_secret: str | Secret[str] | None = None,
        refresh_token: str | Secret[str] | None = None,
        access_url: str = _GOOGLE_TOKENS,
        service_client: str | None = None,
        private_key: str | Secret[str] | None = None,
        scope: str = _GOOGLE_MAIL,
        expires: float | datetime | None = None,
        timeout: float | timedelta = 30.0,
    ) -> None:
        # Sealed before anything can fail: from here on no frame holds a secret itself.
        access_token, client_secret = sealed(access_token), sealed(client_secret)
        refresh_token, private_key = sealed(refresh_token), sealed(private_key)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # attrs makes it
            user, access_token, token_provider, client_id, client_secret, refresh_token,
            access_url, service_client, private_key, scope, expires, timeout,
        )  # fmt: skip

    def __attrs_post_init__(self) -> None:
        given = self.access_token
        token = None if given is None else Token(given, self.expires)
        object.__setattr__(self, "_tokens", Tokens(self.user, self._source(), token))

    def _source(self) -> Source:
        sources = (self.token_provider, self.refresh_token, self.service_client)
        if sum(source is not None for source in sources) > 1:
            raise ConfigError("OAuth2 takes one of token_provider, refresh_token and service_client")
        if self.token_provider is not None:
            return Provider(self.token_provider)
        if self.refresh_token is not None:
            if self.client_id is None:
                raise ConfigError("OAuth2 refresh_token needs the client_id that it was given to")
            return RefreshGrant(self.access_url, self.timeout, self.client_id, self.client_secret, self.refresh_token)
        if (self.service_client is None) is not (self.private_key is None):
            raise ConfigError("OAuth2 service_client and private_key go together")
        if self.service_client is not None and self.private_key is not None:
            key = load_key(self.private_key)
            return ServiceGrant(self.access_url, self.timeout, self.service_client, self.user, self.scope, key)
        if self.access_token is None:
            raise ConfigError("OAuth2 needs access_token, token_provider, refresh_token or service_client")
        return NoSource(self.user)

    def __deepcopy__(self, memo: dict[int, object]) -> OAuth2:
        return self  # one token for everybody is the point of it

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced."""
        return not isinstance(self._tokens.source, NoSource)

    async def token(
        self,
        runtime: Runtime,
        deadline: float | None = None,
        *,
        refused: Secret[str] | None = None,
        announce: Announce | None = None,
    ) -> Secret[str]:
        """A token to log in with: the one at hand while it lasts, else a new one, fetched once for all who wait.

        Args:
            runtime: Waits.
            deadline: When to stop waiting for somebody else's fetch.
            refused: The token that the server did not take; any other one counts as newer.
            announce: Told each new token.

        Raises:
            AuthError: No token is to be had (``EOAUTH2``).
            MailTimeoutError: `deadline` passed.
        """
        return await self._tokens.get(runtime, deadline, refused, announce)
