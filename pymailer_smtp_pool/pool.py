"""The transport: what a mailer sees of the pool.

Puts the parts together. What happens to a message is decided in `state`, who gets which connection in `lending`, and a
message's way through the pool is `sending`.
"""

from __future__ import annotations

import random
from time import monotonic
from typing import TYPE_CHECKING, Final

from pymailer.__about__ import __version__
from pymailer.outcome import Outcome
from pymailer_smtp_pool.adaptive import AdaptiveLimit, Pause
from pymailer_smtp_pool.backoff import Backoff
from pymailer_smtp_pool.breaker import Door
from pymailer_smtp_pool.convoy import Ahead, Convoy, Take, Tell, nothing_ahead
from pymailer_smtp_pool.fork import forget_in_children
from pymailer_smtp_pool.gate import Gate
from pymailer_smtp_pool.leases import FAREWELL, Leases
from pymailer_smtp_pool.leftovers import clean_up_after
from pymailer_smtp_pool.limiter import SlidingWindow
from pymailer_smtp_pool.retry import RetryPolicy
from pymailer_smtp_pool.sending import Courier
from pymailer_smtp_pool.shutdown import shut_down
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.ticket import Ticket
from pymailer_smtp_pool.wear import Wear

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymailer.results import CloseReport, SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail
    from pymailer_smtp_pool.connection import Connect
    from pymailer_smtp_pool.journal import Journal
    from pymailer_smtp_pool.options import PoolOptions
    from pymailer_smtp_pool.stats import PoolStats

LONGEST_BACKOFF: Final = 5.0
"""Seconds between two attempts, of a message or to reach a server that is down, at most."""
LONGEST_PAUSE: Final = 30.0
"""Seconds that a server which says "too fast" is left alone, at most; then it is asked again."""


class SMTPPool:
    """A few connections to one server, kept open and lent to one message after the other.

    One pool serves threads, any number of event loops, and both colours of mailer at once. It starts no thread, task or
    timer: whoever comes or goes does what is due. A forked child begins with an empty pool.

    Args:
        options: Its limits.
        connect: Makes a connection that is not open yet.
        journal: Where it says what happens.
        clock: Seconds on the clock of the runtimes that use it.
        random: A number from 0 to 1, for jitter.
    """

    name = "SMTP (pool)"
    version: str = __version__

    def __init__(
        self,
        options: PoolOptions,
        connect: Connect,
        journal: Journal,
        *,
        clock: Callable[[], float] = monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.options = options
        self._journal = journal
        self._clock = clock
        self._random = random
        self._leases = Leases(self._new_state(), options, connect, journal)
        self._guard = self._leases.guard
        policy = RetryPolicy(
            most=options.max_requeues,
            temporary=options.retry_temporary,
            unknown=options.retry_unknown,
            replacements=options.max_connections,
            backoff=Backoff(LONGEST_BACKOFF, random=random),
        )
        self._courier = Courier(self._leases, Gate(self._guard, options.rate_limiter), policy)
        forget_in_children(self)
        clean_up_after(self, self._guard, journal)

    def _new_state(self) -> PoolState:
        options = self.options
        limited = options.rate_limit is not None and options.rate_limiter is None
        return PoolState(
            options,
            limit=AdaptiveLimit(options.max_connections),
            door=Door(options.breaker_timeout, options.max_requeues, Backoff(LONGEST_BACKOFF, random=self._random)),
            pause=Pause(Backoff(LONGEST_PAUSE, random=self._random)),
            wear=Wear(options, self._random),
            window=SlidingWindow(options.rate_limit or 0, options.rate_delta) if limited else None,
        )

    def __repr__(self) -> str:
        state = self._guard.state
        return (
            f"<SMTPPool {self._journal.peer} connections={state.places.open} idle={len(state.places.idle)} "
            f"waiting={len(state.line.waiting)} limit={state.limit.current}{' closed' if state.closed else ''}>"
        )

    @property
    def max_connections(self) -> int:
        """The limit on open connections; a batch keeps as many messages under way."""
        return self.options.max_connections

    # --- sending -----------------------------------------------------------------------------------------------------

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Send one message over a connection that is its own for as long, and try again what may be tried again.

        Raises:
            MailError: It was not sent, or nobody can say; its `outcome` tells.
        """
        info = await self._courier.deliver(Ticket.of(mail))
        self._leases.tidy(mail.runtime.now())
        return info

    async def send_stream(
        self, runtime: Runtime, take: Take, tell: Tell, depth: int, ahead: Ahead = nothing_ahead
    ) -> None:
        """Send what `take` gives over one connection at a time, with up to `depth` messages under way on it.

        Args:
            runtime: Waits.
            take: Gives the next composed message, or ``None`` while there is no more.
            tell: Is told how each message ended: ``tell(mail, info, error)``.
            depth: How many messages may be begun before the first is answered.
            ahead: Called while there is nothing to do but wait: the next message may be composed.
        """
        self._leases.tidy(runtime.now())
        await Convoy(runtime, take, tell, depth, ahead, self._courier).run()

    async def verify(self, runtime: Runtime) -> bool:
        """Connect, upgrade, authenticate and say goodbye, within the limit on connections.

        Raises:
            MailError: What a send would raise at its first attempt.
        """
        ticket = Ticket(runtime)
        try:
            connection = await self._leases.lease_new(ticket)
            await connection.quit(runtime, runtime.now() + FAREWELL)
        finally:
            self._leases.drop(ticket)
            self._leases.settle(ticket, Outcome.NOT_SENT)
        return True

    # --- the end -----------------------------------------------------------------------------------------------------

    async def close(self, runtime: Runtime, *, drain: bool = True, timeout: float | None = None) -> CloseReport:
        """Take no more messages, finish those that were taken, and close all connections.

        Args:
            runtime: Waits.
            drain: Send what is queued; without it, that fails with `PoolClosedError` and only what is on its way over
                a connection is finished.
            timeout: Seconds for that; then what has not begun fails, and what has begun is reported as unknown and
                left to its own time limits.

        Returns:
            How many messages were sent since the call, and which were not.
        """
        deadline = None if timeout is None else runtime.now() + timeout
        return await shut_down(self._leases, runtime, drain=drain, deadline=deadline)

    def start_anew(self) -> None:
        """In a forked child: the connections are the parent's, so they are let go of without a word."""
        inherited, state = self._guard.state, self._new_state()
        state.closed = state.over = inherited.closed
        self._guard.replace(state)
        for place in inherited.places.everywhere():
            if place.connection is not None:
                place.connection.close()

    # --- seeing ------------------------------------------------------------------------------------------------------

    def is_idle(self) -> bool:
        """Whether there is room for more: a message that came now would not wait for a connection."""
        return self._guard.state.room

    def stats(self) -> PoolStats:
        """What can be counted, now and since the beginning."""
        self._leases.tidy(self._clock(), worn=True)
        return self._guard(PoolState.stats)

    def on(self, event: str, callback: Callable[..., object]) -> Callable[[], None]:
        """Listen for ``"idle"``, ``"clear"``, ``"error"``, ``"log"``, ``"token"``; the returned function ends that."""
        return self._journal.events.on(event, callback)
