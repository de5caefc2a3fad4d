"""How a message waits: in line for a connection, or for a time to come. The pool waits nowhere else.

Knows tickets and their time limits; must not know what is waited for. Closing the pool ends every wait in here.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import attrs

from pymailer.errors import MailError, MailTimeoutError, PoolTimeoutError
from pymailer.outcome import Stage
from pymailer_smtp_pool.place import NEVER, Place
from pymailer_smtp_pool.state import PoolState

if TYPE_CHECKING:
    from collections.abc import Generator

    from pymailer_smtp_pool.guard import Guard
    from pymailer_smtp_pool.ticket import Ticket


@attrs.define(eq=False)
class Waiting:
    """The waits of all messages.

    Attributes:
        guard: The state.
        peer: Host and port of the server, for error messages.
        queue_timeout: Seconds that one may wait for a connection.
    """

    guard: Guard
    peer: str
    queue_timeout: float | None

    def begin(self, ticket: Ticket) -> None:
        """From now on this ticket waits for a connection."""
        if self.queue_timeout is not None:
            ticket.patience = ticket.runtime.now() + self.queue_timeout

    async def for_place(self, ticket: Ticket) -> Place:
        """A place for a connection, when its turn has come and the server may be asked.

        Raises:
            MailError: There will be none, or none in time.
        """
        place = ticket.place
        if place is None:
            with _waits(ticket):
                place = await self._in_line(ticket)
        if place.connection is None:
            await self.until(ticket, place.not_before)
        return place

    async def until(self, ticket: Ticket, time: float) -> None:
        """Let time pass.

        Raises:
            MailError: The ticket has not so much time, or the pool was closed.
        """
        runtime = ticket.runtime
        if time <= runtime.now():
            return
        if time >= ticket.patience or time >= ticket.ends:
            raise self._late(ticket)
        with _waits(ticket):
            while runtime.now() < time:
                ticket.waiter = runtime.waiter()
                self.guard(PoolState.rest, ticket)
                with suppress(TimeoutError):
                    await ticket.waiter.wait(time)

    async def _in_line(self, ticket: Ticket) -> Place:
        # Whoever gives way wakes us; who is woken without need (it happens) stands in line again, where it stood.
        until = min(ticket.patience, ticket.ends)
        while True:
            ticket.waiter = ticket.runtime.waiter()
            place = self.guard(PoolState.wait, ticket, ticket.runtime.now())
            if place is not None:
                return place
            try:
                await ticket.waiter.wait(None if until == NEVER else until)
            except TimeoutError:
                raise self._late(ticket) from ticket.trouble

    def _late(self, ticket: Ticket) -> MailError:
        """Whose time it was that ran out: the message's own, or that which one may wait for a connection."""
        trouble = f"; the last attempt ended with: {ticket.trouble}" if ticket.trouble else ""
        if ticket.patience < ticket.ends:
            limit = f"queue_timeout ({self.queue_timeout:g} s)"
            error: MailError = PoolTimeoutError(
                f"no connection to {self.peer} became free within {limit}{trouble}", stage=Stage.QUEUE
            )
        else:
            error = MailTimeoutError(
                f"the message's time was over before it could be sent over a connection to {self.peer}{trouble}",
                stage=Stage.QUEUE,
            )
        error.__cause__ = ticket.trouble
        return error


@contextmanager
def _waits(ticket: Ticket) -> Generator[None]:
    """The time in here is time that the ticket's message waited."""
    started = ticket.runtime.now()
    try:
        yield
    finally:
        ticket.waiter = None
        ticket.queue_time += ticket.runtime.now() - started
