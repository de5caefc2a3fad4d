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
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail
    from pymailer_smtp_pool.connection import Connection
    from pymailer_smtp_pool.gate import Gate
    from pymailer_smtp_pool.leases import Leases


@attrs.define(eq=False)
class Sending:
    """One message on its way.

    Attributes:
        mail: The message.
        leases: Where its connections come from.
        gate: Where it waits for its turn.
        policy: What is tried again.
        ticket: Its claim to a connection.
    """

    mail: Mail
    leases: Leases
    gate: Gate
    policy: RetryPolicy
    ticket: Ticket = attrs.field(init=False)
    _persistence: Persistence = attrs.field(init=False)
    _trouble: Trouble | None = None
    _attempts: int = 0

    def __attrs_post_init__(self) -> None:
        mail = self.mail
        self.ticket = Ticket(mail.runtime, mail.deadline, mail.queue_priority, mail)
        self._persistence = Persistence(self.policy)

    async def run(self) -> SentMessageInfo:
        """Send the message; however this ends, nothing of the pool's is left in its hands.

        Raises:
            MailError: It was not sent, or nobody can say.
        """
        outcome, ticket = Outcome.NOT_SENT, self.ticket
        try:
            info = await self._deliver()
        except MailError as error:
            outcome = error.outcome
            raise
        except GeneratorExit:  # the event loop is gone; this runs wherever garbage is collected
            outcome = self.mail.outcome
            self.leases.drop(ticket)
            raise
        except BaseException:
            outcome = self.mail.outcome
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

    def failed(self, error: MailError) -> float | None:
        """An attempt that was made in company ended with `error`: seconds until `retry`; ``None``: there is none."""
        self._attempts += 1
        self._note(error)
        delay = self._delay()
        self.leases.guard.later(PoolState.leave, self.ticket, self.ticket.runtime.now())
        return delay

    async def retry(self, delay: float) -> SentMessageInfo:
        """Go on alone after `failed`.

        Raises:
            MailError: As `run`.
        """
        try:
            await self._pause(delay)
        except BaseException:
            self.leases.settle(self.ticket, Outcome.NOT_SENT)
            raise
        return await self.run()

    async def _deliver(self) -> SentMessageInfo:
        while True:
            try:
                return await self._attempt()
            except MailError:
                delay = self._delay()
                if delay is None:
                    raise
            await self._pause(delay)

    async def _pause(self, seconds: float) -> None:
        await self.leases.waiting.until(self.ticket, self.ticket.runtime.now() + seconds)

    # --- one attempt -------------------------------------------------------------------------------------------------

    async def _attempt(self) -> SentMessageInfo:
        ticket, leases = self.ticket, self.leases
        ticket.connect_time = 0.0
        try:
            connection = await self._connection()
            self._attempts += 1
            info = await connection.send(self.mail.runtime, self.mail)
            self.mail.outcome = info.outcome
        except MailError as error:
            self._note(error)
            raise
        except GeneratorExit:
            leases.drop(ticket)
            raise
        finally:
            leases.give_back(ticket)
        return self._completed(info)

    async def _connection(self) -> Connection:
        """A connection that can carry the message, which begins right now."""
        while True:
            connection = await self.leases.lease(self.ticket)
            wait = await self.gate.begin(self.ticket)
            if not wait:
                return connection
            await self._pause(wait)

    def _completed(self, info: SentMessageInfo) -> SentMessageInfo:
        ticket = self.ticket
        if not ticket.queue_time and not ticket.connect_time and self._attempts == 1:
            return info
        return attrs.evolve(
            info, queue_time=ticket.queue_time, connect_time=ticket.connect_time, attempts=self._attempts
        )

    # --- another attempt? --------------------------------------------------------------------------------------------

    def _note(self, error: MailError) -> None:
        """What this failure says about the server and the connection, while the connection is still ours."""
        ticket, leases, place = self.ticket, self.leases, self.ticket.place
        throttle = throttle_of(error, leases.options.replies)
        trouble = Trouble(error, ticket.begun, place is not None and place.reused, throttle)
        if ticket.begun and throttle is not None:
            leases.slowed(ticket, throttle, error)
        elif trouble.stale and place is not None and place.connection is not None:
            leases.guard(PoolState.ended, place, place.connection.messages - 1, ticket.runtime.now())
        self._trouble, ticket.trouble = trouble, error

    def _delay(self) -> float | None:
        """Seconds until the message is tried again; ``None``: it is not."""
        trouble, self._trouble = self._trouble, None
        ticket, now = self.ticket, self.ticket.runtime.now()
        if trouble is None or ticket.refusal is not None or self.leases.guard.state.over:
            return None
        delay = self._persistence.delay(trouble, now)
        if delay is None or now + delay >= ticket.ends or self._used_up(trouble):
            return None
        self._announce(trouble, delay)
        return delay

    def _announce(self, trouble: Trouble, delay: float) -> None:
        journal = self.leases.journal
        if trouble.stale:  # replaced for free, and not counted
            self._attempts -= 1
            journal.note(logging.DEBUG, "the server had closed a connection; another takes its place")
            return
        self.leases.guard(PoolState.retried)
        when = f" in {delay:.1f} s" if delay else ""
        journal.hushed(trouble.error, f"trying again{when}", attempt=self._attempts, message_id=self.mail.message_id)

    def _used_up(self, trouble: Trouble) -> bool:
        """Whether the content was read and cannot be read again; then the error says so."""
        if self.mail.message.replayable or not trouble.body_read:
            return False
        error = trouble.error
        error.args = (f"{error}; it is not tried again, because its content can be read only once", *error.args[1:])
        return True
