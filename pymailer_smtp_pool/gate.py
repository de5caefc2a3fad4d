"""The last thing before a message begins: the pause that the server asked for, and the rate.

It comes after the connection, directly before MAIL, so that what is counted is what the server sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer.errors import MailError, PoolError
from pymailer.runtime import maybe_await
from pymailer_smtp_pool.state import PoolState

if TYPE_CHECKING:
    from pymailer_smtp_pool.guard import Guard
    from pymailer_smtp_pool.limiter import RateLimiter
    from pymailer_smtp_pool.ticket import Ticket


@attrs.define(eq=False)
class Gate:
    """One for all messages of a pool, whatever their connection and colour.

    Attributes:
        guard: The state, which knows the pause and the pool's own rate.
        limiter: The user's limiter, in place of the pool's own.
    """

    guard: Guard
    limiter: RateLimiter | None = None

    async def begin(self, ticket: Ticket) -> float:
        """0: the message begins now, and is counted. Else the seconds after which to ask again.

        Raises:
            MailError: It may not begin any more, or the user's limiter failed.
        """
        now = ticket.runtime.now()
        if self.limiter is not None:
            if ticket.turn is None:
                ticket.turn = now + await self._reserve(self.limiter, now)
            if ticket.turn > now:
                return ticket.turn - now
        return self.guard(PoolState.begin, ticket, now)

    async def _reserve(self, limiter: RateLimiter, now: float) -> float:
        try:
            return float(await maybe_await(limiter.reserve(now)))
        except MailError:
            raise
        except Exception as error:
            raise PoolError(f"the rate_limiter failed: {error}") from error
