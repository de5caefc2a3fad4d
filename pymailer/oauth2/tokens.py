"""The life of a token: kept while it lasts, and fetched once for everybody who wants it.

"Everybody" are threads, event loops and both colours at once: the first to find no usable token fetches one, the
others wait at a `Waiter` of their own runtime. Knows nothing of where tokens come from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakSet

import attrs

from pymailer.errors import AuthError, ConfigError, MailTimeoutError

if TYPE_CHECKING:
    from pymailer.runtime import Runtime, Waiter
    from pymailer.secret import Secret

__all__ = ["Announce", "NewToken", "NoSource", "Source", "Token", "Tokens", "check_token", "epoch", "failed"]

SKEW: Final = 60.0
"""Seconds before its end from which a token is not used any more: clocks differ, and a login takes a while."""
TRUST: Final = 60.0
"""Seconds for which a provider's token of unknown age is used before the provider is asked again."""
MILLISECONDS_FROM: Final = 1e11
"""A time since 1970 above this is in milliseconds: in seconds it would be the year 5138."""


@attrs.frozen
class Token:
    """A token and its end in seconds since 1970, ``None`` if nobody knows."""

    value: Secret[str]
    expires: float | None = None


class NewToken(dict[str, Any]):
    """What the ``"token"`` event tells: ``user``, ``access_token`` and ``expires``; its `repr` hides the token."""

    def __repr__(self) -> str:
        return f"NewToken(user={self['user']!r}, access_token='***', expires={self['expires']!r})"


Announce = Callable[[Mapping[str, Any]], object]


class Source(Protocol):
    """Where new tokens come from."""

    async def fetch(self, runtime: Runtime, *, renew: bool) -> Token:
        """A new token; `renew` says that the last one was refused.

        Raises:
            AuthError: None is to be had.
            ConfigError: What came is no token.
        """
        ...


@attrs.frozen
class NoSource:
    """For a token that was given alone: there is no other one."""

    user: str

    async def fetch(self, runtime: Runtime, *, renew: bool) -> Token:
        """See `Source`."""
        del runtime
        why = "was refused" if renew else "has expired"
        raise failed(f"the OAuth2 token for {self.user} {why}, and nothing is given to renew it with")


def check_token(token: Secret[str], what: str) -> None:
    """A token is printable ASCII without blanks (RFC 6750 2.1), so that it ends where it should.

    Raises:
        ConfigError: It is not, naming `what` and not the token.
    """
    text = token.reveal
    if not isinstance(text(), str) or not text():
        raise ConfigError(f"{what} is a string that is not empty")
    if not text().isascii() or not text().isprintable() or " " in text():
        raise ConfigError(f"{what} contains a blank, a line end or another character that no token has")


def epoch(expires: float | datetime | None) -> float | None:
    """A time as seconds since 1970.

    Raises:
        ConfigError: It is none, or looks like milliseconds.
    """
    if expires is None:
        return None
    if isinstance(expires, datetime):
        return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).timestamp()
    if isinstance(expires, bool) or not isinstance(expires, (int, float)) or not 0 <= expires < MILLISECONDS_FROM:
        raise ConfigError(f"a token's expiry is a datetime or seconds since 1970, not {expires!r}")
    return float(expires)


def failed(message: str, *, temporary: bool = False) -> AuthError:
    """The error for a token that is not to be had."""
    return AuthError(message, code="EOAUTH2", stage="auth", command="AUTH", temporary=temporary)


@attrs.define(eq=False)
class _Flight:
    """One fetch, and who waits for it; without token and error once landed, it was given up."""

    token: Token | None = None
    error: Exception | None = None
    waiters: list[Waiter] = attrs.field(factory=list["Waiter"])


@attrs.define(eq=False)
class Tokens:
    """The token at hand, and the fetch that is under way."""

    user: str
    source: Source
    current: Token | None = None
    clock: Callable[[], float] = time
    _fetched_at: float | None = None
    _flight: _Flight | None = None
    _lock: Any = attrs.field(factory=Lock, repr=False)

    def __attrs_post_init__(self) -> None:
        _alive.add(self)

    async def get(
        self, runtime: Runtime, deadline: float | None, refused: Secret[str] | None, announce: Announce | None
    ) -> Secret[str]:
        """See `OAuth2.token`."""
        while True:
            found = self._look(runtime, refused)
            if isinstance(found, Token):
                return found.value
            flight, waiter = found
            if waiter is None:
                token = await self._fetch(runtime, flight, renew=refused is not None)
                _tell(announce, self.user, token)
                return token.value
            await _wait(waiter, deadline)
            if flight.error is not None:
                raise copy(flight.error) from flight.error
            if flight.token is not None:
                return flight.token.value

    def _look(self, runtime: Runtime, refused: Secret[str] | None) -> Token | tuple[_Flight, Waiter | None]:
        """A usable token, else the fetch that is under way and where to wait for it: nowhere, if it is ours to do."""
        with self._lock:
            if self.current is not None and self._is_usable(self.current, refused):
                return self.current
            if self._flight is None:
                self._flight = _Flight()
                return self._flight, None
            waiter = runtime.waiter()
            self._flight.waiters.append(waiter)
            return self._flight, waiter

    def _is_usable(self, token: Token, refused: Secret[str] | None) -> bool:
        if refused is not None and token.value == refused:
            return False
        if token.expires is not None:
            return self.clock() < token.expires - SKEW
        return self._fetched_at is None or self.clock() < self._fetched_at + TRUST

    async def _fetch(self, runtime: Runtime, flight: _Flight, *, renew: bool) -> Token:
        try:
            flight.token = await self.source.fetch(runtime, renew=renew)
        except Exception as error:
            flight.error = error
            raise
        finally:  # also when the one who fetches is cancelled: then one of those who wait takes over
            self._land(flight)
        return flight.token

    def _land(self, flight: _Flight) -> None:
        with self._lock:
            if flight.token is not None:
                self.current, self._fetched_at = flight.token, self.clock()
            if self._flight is flight:
                self._flight = None
            waiters, flight.waiters = flight.waiters, []
        for waiter in waiters:
            waiter.wake()

    def forget_flight(self) -> None:
        """In a forked child: whoever was fetching, or held the lock, is not here."""
        self._lock, self._flight = Lock(), None


async def _wait(waiter: Waiter, deadline: float | None) -> None:
    try:
        await waiter.wait(deadline)
    except TimeoutError as error:
        raise MailTimeoutError("no OAuth2 token came in time", stage="auth") from error


def _tell(announce: Announce | None, user: str, token: Token) -> None:
    if announce is not None:
        announce(NewToken(user=user, access_token=token.value.reveal(), expires=token.expires))


_alive: Final[WeakSet[Tokens]] = WeakSet()


def _after_fork() -> None:
    for tokens in list(_alive):
        tokens.forget_flight()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
