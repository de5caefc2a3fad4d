"""One message's way through the pool: a connection, its turn, the attempt, and perhaps another attempt.

Knows the order of things. What is allowed is decided by the state and the retry policy; how mail is transferred is the
connection's business.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import attrs

from pymailer.errors import MailError
from pymailer.outcome import Outcome
from pymailer_smtp_pool.retry import Persistence, RetryPolicy, Trouble
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.throttle import throttle_of

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer_smtp_pool.connection import Connection
    from pymailer_smtp_pool.gate import Gate
    from pymailer_smtp_pool.leases import Leases
    from pymailer_smtp_pool.place import Place
    from pymailer_smtp_pool.ticket import Ticket


@attrs.frozen
class Ride:
    """The connection that a message travelled on.

    Attributes:
        place: Where it is.
        before: How many messages had begun on it before.
        reused: Whether it had been used before.
    """

    place: Place
    before: int
    reused: bool


@attrs.define(eq=False)
class Courier:
    """Takes messages through the pool, each with a ticket of its own.

    Attributes:
        leases: Where connections come from.
        gate: Where a message waits for its turn.
        policy: What is tried again.
    """

    leases: Leases
    gate: Gate
    policy: RetryPolicy

    async def deliver(self, ticket: Ticket) -> SentMessageInfo:
        """Send the message; however this ends, nothing of the pool's is left in its hands.

        Raises:
            MailError: It was not sent, or nobody can say.
        """
        outcome = ticket.mail.outcome
        try:
            info = await self._try(ticket)
        except MailError as error:
            outcome = error.outcome
            raise
        except GeneratorExit:  # the event loop is gone; this runs wherever garbage is collected
            outcome = ticket.mail.outcome
            self.leases.drop(ticket)
            raise
        except BaseException:
            outcome = ticket.mail.outcome
            raise
        else:
            outcome = info.outcome
            return info
        finally:
            try:
                self.leases.settle(ticket, outcome)
            except BaseException:  # Ctrl-C comes while things are put away, too; but it comes once
                self.leases.settle(ticket, outcome)
                raise

    async def retry(self, ticket: Ticket, delay: float) -> SentMessageInfo:
        """Go on after `failed`.

        Raises:
            MailError: As `deliver`.
        """
        try:
            await self._pause(ticket, delay)
        except BaseException:
            self.leases.settle(ticket, Outcome.NOT_SENT)
            raise
        return await self.deliver(ticket)

    async def _try(self, ticket: Ticket) -> SentMessageInfo:
        """One attempt after the other, until one goes well or there is no use in another."""
        mail = ticket.mail
        while True:
            try:
                connection = await self.board(ticket)
                ticket.attempts += 1
                info = await connection.send(mail.runtime, mail)
            except MailError as error:
                delay = self.failed(ticket, error)
                if delay is None:
                    raise
            else:
                mail.outcome = info.outcome
                return completed(info, ticket)
            await self._pause(ticket, delay)

    async def board(self, ticket: Ticket) -> Connection:
        """A connection over which the message begins now; the one it has, if it has begun.

        Raises:
            MailError: There is none to be had, or the message may not begin any more.
        """
        if not ticket.begun:
            ticket.connect_time = 0.0
        connection = await self.leases.lease(ticket)
        while not ticket.begun and (wait := await self.gate.begin(ticket)):
            await self._pause(ticket, wait)
            connection = await self.leases.lease(ticket)
        return connection

    async def _pause(self, ticket: Ticket, seconds: float) -> None:
        await self.leases.waiting.until(ticket, ticket.runtime.now() + seconds)

    # --- another attempt? --------------------------------------------------------------------------------------------

    def failed(self, ticket: Ticket, error: MailError, ride: Ride | None = None) -> float | None:
        """An attempt ended with `error`: seconds until the message is tried again; ``None``: it is not.

        Args:
            ticket: The message's.
            error: What happened.
            ride: The connection, if it is not the ticket's own.
        """
        trouble = self._note(ticket, error, ride or _own(ticket))
        self.leases.give_back(ticket)
        now = ticket.runtime.now()
        if ticket.refusal is not None or self.leases.guard.state.over:
            return None
        ticket.persistence = ticket.persistence or Persistence(self.policy)
        delay = ticket.persistence.delay(trouble, now)
        if delay is None or now + delay >= ticket.ends or _used_up(ticket, trouble):
            return None
        self._announce(ticket, trouble, delay)
        return delay

    def _note(self, ticket: Ticket, error: MailError, ride: Ride | None) -> Trouble:
        """What this failure says about the server and the connection, while the connection is still ours."""
        leases = self.leases
        throttle = throttle_of(error, leases.options.replies)
        trouble = Trouble(error, ticket.begun, ride is not None and ride.reused, throttle)
        if ticket.begun and throttle is not None:
            leases.slowed(ticket, throttle, error)
        elif trouble.stale and ride is not None:
            leases.guard(PoolState.ended, ride.place, ride.before, ticket.runtime.now())
        ticket.trouble = error
        return trouble

    def _announce(self, ticket: Ticket, trouble: Trouble, delay: float) -> None:
        journal = self.leases.journal
        if trouble.stale:  # replaced for free, and not counted
            ticket.attempts -= 1
            journal.note(logging.DEBUG, "the server had closed a connection; another takes its place")
            return
        self.leases.guard(PoolState.retried)
        when, message_id = f" in {delay:.1f} s" if delay else "", ticket.mail.message_id
        journal.hushed(trouble.error, f"trying again{when}", attempt=ticket.attempts, message_id=message_id)


def _own(ticket: Ticket) -> Ride | None:
    place = ticket.place
    if place is None or place.connection is None:
        return None
    return Ride(place, place.connection.messages - 1, reused=place.reused)


def completed(info: SentMessageInfo, ticket: Ticket) -> SentMessageInfo:
    """The result, with what the pool did for it."""
    if not ticket.queue_time and not ticket.connect_time and ticket.attempts == 1:
        return info
    return attrs.evolve(info, queue_time=ticket.queue_time, connect_time=ticket.connect_time, attempts=ticket.attempts)


def _used_up(ticket: Ticket, trouble: Trouble) -> bool:
    """Whether the content was read and cannot be read again; then the error says so."""
    if ticket.mail.message.replayable or not trouble.body_read:
        return False
    error = trouble.error
    error.args = (f"{error}; it is not tried again, because its content can be read only once", *error.args[1:])
    return True
