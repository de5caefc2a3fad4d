"""The last thing before a message begins: the pause that the server asked for, and a place in the rate window.

It comes after the connection, directly before MAIL, so that what was counted is what the server sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer.errors import MailError, PoolError
from pymailer.runtime import maybe_await
from pymailer_smtp_pool.state import PoolState

if TYPE_CHECKING:
    from pymailer_smtp_pool.leases import Leases
    from pymailer_smtp_pool.limiter import RateLimiter
    from pymailer_smtp_pool.place import Ticket


@attrs.define(eq=False)
class Gate:
    """One for all messages of a pool, whatever their connection and colour.

    Attributes:
        leases: Through which one pauses, so that closing the pool reaches who waits here.
        limiter: The user's own limiter, in place of the pool's.
    """

    leases: Leases
    limiter: RateLimiter | None = None

    async def enter(self, ticket: Ticket) -> bool:
        """Return when the message may begin; whether that took any time.

        Raises:
            MailError: The message has no time for it, or the pool was closed.
        """
        arrived = ticket.runtime.now()
        state = self.leases.guard.state
        if arrived < state.pause.until:
            await self.leases.pause(ticket, state.pause.until)
        if self.limiter is not None:
            await self.leases.pause(ticket, await self._ask(self.limiter, ticket))
        elif state.window is not None:
            await self._take_turn(ticket, state.window.slack)
        return ticket.runtime.now() > arrived

    async def _take_turn(self, ticket: Ticket, slack: float) -> None:
        guard, now = self.leases.guard, ticket.runtime.now
        while True:
            turn = guard(PoolState.reserve, ticket, now())
            await self.leases.pause(ticket, turn)
            if now() <= turn + slack:
                return
            guard(PoolState.cancel, ticket)  # too late for this turn: using it would break the limit

    async def _ask(self, limiter: RateLimiter, ticket: Ticket) -> float:
        asked = ticket.runtime.now()
        try:
            return asked + max(float(await maybe_await(limiter.reserve(asked))), 0.0)
        except MailError:
            raise
        except Exception as error:
            raise PoolError(f"the rate_limiter failed: {error}") from error
