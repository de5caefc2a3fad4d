"""How a message gets a connection, and how it gives it back: the deeds that follow from what the state decides.

Opens and closes, outside the lock. It knows connections by their verbs only, and nothing of messages.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pymailer.errors import MailError, PoolError
from pymailer.outcome import Outcome
from pymailer.runtime import run
from pymailer.runtime.blocking import BlockingRuntime
from pymailer_smtp_pool.breaker import Breaker
from pymailer_smtp_pool.guard import Guard
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.throttle import Throttle, throttle_of
from pymailer_smtp_pool.waiting import Waiting

if TYPE_CHECKING:
    from pymailer_smtp_pool.connection import Connect, Connection
    from pymailer_smtp_pool.journal import Journal
    from pymailer_smtp_pool.options import PoolOptions
    from pymailer_smtp_pool.place import Place
    from pymailer_smtp_pool.ticket import Ticket

FAREWELL: Final = 1.0
"""Seconds that a server is given to say goodbye; all connections together when the pool is closed."""
PAST: Final = 0.0
"""A deadline that has passed: what waits until then does not wait."""
_NEVER_BLOCKS: Final = BlockingRuntime()


class Leases:
    """Connections, lent to one ticket at a time.

    Args:
        state: Who decides.
        options: The limits.
        connect: Makes a connection.
        journal: Is told what happens.

    Attributes:
        guard: The state, one change at a time.
        waiting: How tickets wait.
    """

    def __init__(self, state: PoolState, options: PoolOptions, connect: Connect, journal: Journal) -> None:
        self.guard: Guard = Guard(state, journal.events.emit, self.abandon)
        self.waiting: Waiting = Waiting(self.guard, journal.peer, options.queue_timeout)
        self.options = options
        self.journal = journal
        self._connect = connect

    # --- getting a connection ----------------------------------------------------------------------------------------

    async def lease(self, ticket: Ticket) -> Connection:
        """An open connection for this ticket and nobody else, until it is given back; the one it has, while it is fit.

        Whether the message has begun with that already, the ticket tells.

        Raises:
            MailError: There is none to be had, for now or for good.
        """
        self.waiting.begin(ticket)
        while True:
            place = self.guard(PoolState.request, ticket, ticket.runtime.now())
            if place is None or place.connection is None:
                place = await self.waiting.for_place(ticket)
            if place.connection is None:
                return await self._open(ticket, place)
            if self.fit(ticket):
                return place.connection
            await self._part(ticket, place.connection)
            self.discard(ticket)

    async def lease_new(self, ticket: Ticket) -> Connection:
        """A connection made now, in the place of an idle one if need be, so that it shows whether one can be made."""
        self.waiting.begin(ticket)
        self.guard(PoolState.request, ticket, ticket.runtime.now())
        place = await self.waiting.for_place(ticket)
        if place.connection is not None:
            self.guard(PoolState.reopen, ticket, ticket.runtime.now())
            await self._part(ticket, place.connection)
        return await self._open(ticket, place)

    def fit(self, ticket: Ticket) -> bool:
        """Whether this ticket's connection can carry a message now: it is not worn, and the server still listens."""
        place, runtime = ticket.place, ticket.runtime
        if place is None or place.connection is None:
            return False
        if not (ticket.begun or self.guard.state.wear.fit(place, runtime.now())):  # to begin, it had to be fit
            return False
        if place.connection.stale():  # the server hung up, or said something that nobody asked
            self.guard(PoolState.ended, place, place.connection.messages, runtime.now())
            place.connection.close()
            return False
        return True

    async def _part(self, ticket: Ticket, connection: Connection) -> None:
        """A server counts a connection until it has seen the end of it: at the limit, wait for its own goodbye."""
        state, now = self.guard.state, ticket.runtime.now()
        if connection.usable and state.places.open >= state.limit.current:
            with suppress(Exception):  # what becomes of a goodbye is nobody's business
                await connection.quit(ticket.runtime, min(now + FAREWELL, ticket.ends))
        part(connection)

    async def _open(self, ticket: Ticket, place: Place) -> Connection:
        connection = place.connection = self._connect()
        started = ticket.runtime.now()
        try:
            await connection.open(ticket.runtime, ticket.deadline)
        except MailError as error:
            self._failed(ticket, error)
            raise
        now = ticket.runtime.now()
        ticket.connect_time = now - started
        self.guard(PoolState.opened, place, now)
        return connection

    def _failed(self, ticket: Ticket, error: MailError) -> None:
        now = ticket.runtime.now()
        if now >= ticket.ends:
            return  # the message had no time left, which says nothing about the server
        throttle = throttle_of(error, self.options.replies)
        self.guard(PoolState.failed, ticket, error, throttle, now)
        if throttle is not None:
            self.journal.throttled(throttle, self.guard.state.limit.current, error)
        elif self.guard.state.door.mode is Breaker.OPEN:
            self.journal.note(logging.ERROR, f"no connection is tried for {self.options.breaker_timeout:g} s: {error}")

    def slowed(self, ticket: Ticket, throttle: Throttle, error: MailError) -> None:
        """The server complained about a message that this ticket's connection carried."""
        self.guard(PoolState.slowed, throttle, str(error.reply), ticket.runtime.now())
        self.journal.throttled(throttle, self.guard.state.limit.current, error)

    # --- giving it back ----------------------------------------------------------------------------------------------

    def give_back(self, ticket: Ticket) -> None:
        """Let the next one have this ticket's connection, if it is good for more; harmless without one."""
        if not (_usable(ticket) and self.guard(PoolState.check_in, ticket, ticket.runtime.now())):
            self.discard(ticket)

    def discard(self, ticket: Ticket) -> None:
        """Say goodbye to this ticket's connection."""
        if ticket.place is not None and ticket.place.connection is not None:
            part(ticket.place.connection)
        self.guard.later(PoolState.leave, ticket, ticket.runtime.now())

    def drop(self, ticket: Ticket) -> None:
        """Close this ticket's connection without a word, from wherever the garbage is collected."""
        if ticket.place is not None and ticket.place.connection is not None:
            ticket.place.connection.close()
        self.guard.later(PoolState.leave, ticket, ticket.runtime.now())

    def settle(self, ticket: Ticket, outcome: Outcome) -> None:
        """The end of a ticket, whatever happened before: nothing of the pool's is left in its hands."""
        if _usable(ticket) and self.guard(PoolState.complete, ticket, outcome, ticket.runtime.now()):
            return
        if ticket.place is not None:
            self.discard(ticket)
        self.guard.later(PoolState.settle, ticket, outcome, ticket.runtime.now())

    def abandon(self, ticket: Ticket) -> None:
        """Nobody waits there any more: the event loop of this ticket's sender is closed. What it had passes on."""
        self.settle(ticket, Outcome.NOT_SENT)
        error = PoolError("a message was lost: its event loop was closed while it waited for a connection")
        self.journal.hushed(error, "nobody is there to be told")

    def tidy(self, now: float, *, worn: bool = False) -> None:
        """Close what has been idle for too long; `worn`: and what only waits to be replaced."""
        if not worn and now < self.guard.state.next_expiry:
            return
        for place in self.guard(PoolState.expired, now, worn):
            if place.connection is not None:
                part(place.connection)
            self.guard(PoolState.gone, place, now)


def _usable(ticket: Ticket) -> bool:
    place = ticket.place
    return place is not None and place.connection is not None and place.connection.usable


def part(connection: Connection) -> None:
    """Say goodbye as RFC 5321 4.1.1.10 wants it, but wait for no answer: nobody may be cancelled, or kept, by that.

    A blocking wait whose deadline has passed does not block, so this serves both colours.
    """
    if connection.usable:
        with suppress(Exception):
            run(connection.quit(_NEVER_BLOCKS, PAST))
    connection.close()
