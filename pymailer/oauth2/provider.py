"""Tokens from the user's own callable, plain or async."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

import attrs

from pymailer.errors import MailError
from pymailer.oauth2.tokens import Token, check_token, epoch, failed
from pymailer.runtime import maybe_await
from pymailer.secret import Secret

if TYPE_CHECKING:
    from pymailer.runtime import Runtime

__all__ = ["Provider"]


@attrs.frozen
class Provider:
    """Calls ``provider(renew)``: an async one here, a plain one where it may block."""

    provider: Callable[[bool], Any]

    async def fetch(self, runtime: Runtime, *, renew: bool) -> Token:
        """See `Source`."""
        try:
            value, expires = await self._call(runtime, renew=renew)
        except MailError:
            raise
        except Exception as error:
            raise failed(
                f"the OAuth2 token provider failed: {type(error).__name__}: {error}",
                temporary=isinstance(error, OSError),
            ) from error
        check_token(value, "the OAuth2 token provider's token")
        return Token(value, epoch(expires))

    async def _call(self, runtime: Runtime, *, renew: bool) -> tuple[Secret[Any], Any]:
        if iscoroutinefunction(self.provider) or iscoroutinefunction(getattr(self.provider, "__call__", None)):  # noqa: B004
            return _sealed(await self.provider(renew))
        return _sealed(await maybe_await(await runtime.offload(self.provider, renew)))


def _sealed(result: object) -> tuple[Secret[Any], Any]:
    """Token and expiry from what a provider returned; this cannot fail, so nothing shows."""
    if not isinstance(result, tuple):
        return Secret(result), None
    pair = cast("tuple[object, ...]", result)
    return (Secret(pair[0]), pair[1]) if len(pair) == 2 else (Secret(pair), None)
