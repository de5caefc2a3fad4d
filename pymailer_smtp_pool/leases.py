"""How a message gets a connection, and how it gives it back: the deeds that follow from what the state decides.

Waits, opens and closes, outside the lock. It knows connections by their verbs only, and nothing of messages.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from pymailer.errors import MailError, MailTimeoutError, PoolError, PoolTimeoutError
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import run
from pymailer.runtime.blocking import BlockingRuntime
from pymailer_smtp_pool.guard import Guard
from pymailer_smtp_pool.place import NEVER, Place, Ticket
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.throttle import throttle_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from pymailer_smtp_pool.connection import Connect, Connection
    from pymailer_smtp_pool.journal import Journal
    from pymailer_smtp_pool.options import PoolOptions

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
    """

    def __init__(self, state: PoolState, options: PoolOptions, connect: Connect, journal: Journal) -> None:
        self.guard = Guard(state, journal.events.emit, self.abandon)
        self.options = options
        self.journal = journal
        self._connect = connect

    # --- getting a connection ----------------------------------------------------------------------------------------

    async def lease(self, ticket: Ticket) -> Connection:
        """An open connection for this ticket and nobody else, until it is given back; the one it has, while it is fit.

        Raises:
            MailError: There is none to be had, for now or for good.
        """
        if self.options.queue_timeout is not None:
            ticket.patience = ticket.runtime.now() + self.options.queue_timeout
        while True:
            place = await self._place(ticket)
            if place.connection is None:
                return await self._open(ticket, place)
            if self.fit(ticket):
                return place.connection
            self.discard(ticket)

    def fit(self, ticket: Ticket) -> bool:
        """Whether this ticket's connection can carry a message now: it is not worn, and the server still listens."""
        place, now = ticket.place, ticket.runtime.now()
        if place is None or place.connection is None or not self.guard.state.wear.fit(place, now):
            return False
        if place.connection.stale():  # the server hung up, or said something that nobody asked
            self.ended(place, place.connection.messages, now)
            place.connection.close()
            return False
        return True

    async def lease_new(self, ticket: Ticket) -> Connection:
        """A connection made now, in the place of an idle one if need be, so that it shows whether one can be made."""
        place = await self._place(ticket)
        if place.connection is not None:
            self.guard(PoolState.reopen, ticket, ticket.runtime.now())
            part(place.connection)
        return await self._open(ticket, place)

    async def pause(self, ticket: Ticket, until: float) -> None:
        """Wait until then; closing the pool ends it.

        Raises:
            MailError: The ticket has no time for it, or the pool was closed.
        """
        if until <= ticket.runtime.now():
            return
        if until >= min(ticket.patience, _deadline(ticket)):
            raise self._late(ticket)
        with _waiting(ticket):
            while ticket.runtime.now() < until:
                ticket.waiter = ticket.runtime.waiter()
                self.guard(PoolState.rest, ticket)
                with suppress(TimeoutError):
                    await ticket.waiter.wait(until)

    async def _place(self, ticket: Ticket) -> Place:
        place = self.guard(PoolState.request, ticket, ticket.runtime.now())
        if place is None:
            with _waiting(ticket):
                place = await self._stand_in_line(ticket)
        if place.connection is None:
            await self.pause(ticket, place.not_before)
        return place

    async def _stand_in_line(self, ticket: Ticket) -> Place:
        while True:
            ticket.waiter = ticket.runtime.waiter()
            place = self.guard(PoolState.wait, ticket, ticket.runtime.now())
            if place is not None:
                return place
            until = min(ticket.patience, _deadline(ticket))
            try:
                await ticket.waiter.wait(None if until == NEVER else until)
            except TimeoutError:
                raise self._late(ticket) from ticket.trouble

    def _late(self, ticket: Ticket) -> MailError:
        """Whose time it was that ran out: the message's own, or that which one may wait for a connection."""
        trouble = f"; the last attempt ended with: {ticket.trouble}" if ticket.trouble else ""
        if ticket.patience < _deadline(ticket):
            timeout = self.options.queue_timeout
            error: MailError = PoolTimeoutError(
                f"no connection to {self.journal.peer} within queue_timeout ({timeout:g} s){trouble}", stage=Stage.QUEUE
            )
        else:
            error = MailTimeoutError(
                f"the message's time was over before there was a connection to {self.journal.peer}{trouble}",
                stage=Stage.QUEUE,
            )
        error.__cause__ = ticket.trouble
        return error

    # --- opening one -------------------------------------------------------------------------------------------------

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
        if now >= _deadline(ticket):
            return  # the message had no time left, which says nothing about the server
        throttle = throttle_of(error, self.options.replies)
        self.guard(PoolState.failed, ticket, error, throttle, now)

    # --- giving it back ----------------------------------------------------------------------------------------------

    def give_back(self, ticket: Ticket) -> None:
        """Let the next one have this ticket's connection, if it is good for more; harmless without one."""
        place = ticket.place
        if place is None:
            return
        usable = place.connection is not None and place.connection.usable
        if not (usable and self.guard(PoolState.check_in, ticket, ticket.runtime.now())):
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
        self.give_back(ticket)
        self.guard.later(PoolState.settle, ticket, outcome, ticket.runtime.now())

    def abandon(self, ticket: Ticket) -> None:
        """Nobody waits there any more: the event loop of this ticket's sender is closed. What it had passes on."""
        self.settle(ticket, Outcome.NOT_SENT)
        error = PoolError("a message was lost: its event loop was closed while it waited for a connection")
        self.journal.hushed(error, "nobody is there to be told")

    def tidy(self, now: float) -> None:
        """Close what has been idle for too long."""
        if self.guard.state.places.idle_longest > now - self.options.idle_timeout:
            return
        for place in self.guard(PoolState.expired, now):
            if place.connection is not None:
                part(place.connection)
            self.guard(PoolState.gone, place, now)

    def ended(self, place: Place, messages: int, now: float) -> None:
        """The server ended this connection by itself, after so many messages; it may do so again."""
        self.guard(PoolState.ended, place, messages, now)


def part(connection: Connection) -> None:
    """Say goodbye as RFC 5321 4.1.1.10 wants it, but wait for no answer: nobody may be cancelled, or kept, by that.

    A blocking wait whose deadline has passed does not block, so this serves both colours.
    """
    with suppress(Exception):  # what becomes of a goodbye is nobody's business
        run(connection.quit(_NEVER_BLOCKS, PAST))
    connection.close()


@contextmanager
def _waiting(ticket: Ticket) -> Generator[None]:
    """The time in here is time that the ticket's message waited."""
    started = ticket.runtime.now()
    try:
        yield
    finally:
        ticket.waiter = None
        ticket.queue_time += ticket.runtime.now() - started


def _deadline(ticket: Ticket) -> float:
    return NEVER if ticket.deadline is None else ticket.deadline
