"""One message's way through the pool: a connection, its turn, the attempt, and perhaps another attempt.

Knows the order of things. What is allowed is decided by the state and the retry policy; how mail is transferred is the
connection's business.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import MailError
from pymailer.outcome import Outcome, Stage
from pymailer_smtp_pool.place import NEVER, Ticket
from pymailer_smtp_pool.retry import RetryPolicy, hung_up_early
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.throttle import Throttle, throttle_of

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail
    from pymailer_smtp_pool.connection import Connection
    from pymailer_smtp_pool.gate import Gate
    from pymailer_smtp_pool.leases import Leases

_BEFORE_THE_BODY: Final = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA})
THROTTLE_PATIENCE: Final = 600.0
"""Seconds that a message bears with a server that says "too fast". Amazon SES speaks of ten minutes."""


@attrs.define(eq=False)
class Sending:
    """One message on its way.

    Attributes:
        mail: The message.
        leases: Where its connections come from.
        gate: Where it waits for its turn.
        policy: What is tried again.
    """

    mail: Mail
    leases: Leases
    gate: Gate
    policy: RetryPolicy
    ticket: Ticket = attrs.field(init=False)
    _attempts: int = 0
    _retries: int = 0
    _replaced: int = 0
    _begun: bool = False
    _stale: bool = False
    _throttle: Throttle | None = None
    _bears_until: float = NEVER

    def __attrs_post_init__(self) -> None:
        mail = self.mail
        self.ticket = Ticket(mail.runtime, mail.deadline, mail.queue_priority, mail)

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
        delay = self._delay(error)
        self.leases.guard.later(PoolState.leave, self.ticket, self.ticket.runtime.now())
        return delay

    async def retry(self, delay: float) -> SentMessageInfo:
        """Go on alone after `failed`.

        Raises:
            MailError: As `run`.
        """
        try:
            await self.leases.pause(self.ticket, self.ticket.runtime.now() + delay)
        except BaseException:
            self.leases.settle(self.ticket, Outcome.NOT_SENT)
            raise
        return await self.run()

    async def _deliver(self) -> SentMessageInfo:
        while True:
            try:
                return await self._attempt()
            except MailError as error:
                delay = self._delay(error)
                if delay is None:
                    raise
            await self.leases.pause(self.ticket, self.ticket.runtime.now() + delay)

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
            await self.leases.pause(self.ticket, self.ticket.runtime.now() + wait)

    def _completed(self, info: SentMessageInfo) -> SentMessageInfo:
        ticket = self.ticket
        if not ticket.queue_time and not ticket.connect_time and self._attempts == 1:
            return info
        return attrs.evolve(
            info, queue_time=ticket.queue_time, connect_time=ticket.connect_time, attempts=self._attempts
        )

    def _note(self, error: MailError) -> None:
        """What this failure says about the server and the connection, while the connection is still ours."""
        ticket, leases, place = self.ticket, self.leases, self.ticket.place
        self._begun = ticket.begun
        self._stale = ticket.begun and place is not None and place.reused and hung_up_early(error)
        self._throttle = throttle_of(error, leases.options.replies)
        if not ticket.begun:
            return
        if self._throttle is not None:
            leases.guard(PoolState.slowed, self._throttle, str(error.reply), ticket.runtime.now())
        elif self._stale and place is not None and place.connection is not None:
            leases.ended(place, place.connection.messages - 1, ticket.runtime.now())

    # --- another attempt? --------------------------------------------------------------------------------------------

    def _delay(self, error: MailError) -> float | None:
        """Seconds until the message is tried again; ``None``: it is not."""
        self.ticket.trouble = error
        if self.ticket.refusal is not None or self.leases.guard.state.over or self._used_up(error):
            return None
        if self._stale and self._replaced < self.leases.options.max_connections:
            return self._replace()
        delay = self._bear() if self._throttle is not None else self._policy_delay(error)
        if delay is None or self.mail.runtime.now() + delay >= (self.mail.deadline or NEVER):
            return None
        self.leases.guard(PoolState.retried)
        when = f" in {delay:.1f} s" if delay else ""
        self.leases.journal.hushed(
            error, f"trying again{when}", attempt=self._attempts, message_id=self.mail.message_id
        )
        return delay

    def _replace(self) -> float:
        """For free: it was the connection that was too old."""
        self._replaced += 1
        self._attempts -= 1
        self.leases.journal.note(logging.DEBUG, "a connection had been closed by the server; another takes its place")
        return 0.0

    def _bear(self) -> float | None:
        """The state knows how long to leave the server alone; here it is for how long that is borne."""
        now = self.mail.runtime.now()
        self._bears_until = min(self._bears_until, now + THROTTLE_PATIENCE)
        return 0.0 if now < self._bears_until else None

    def _policy_delay(self, error: MailError) -> float | None:
        delay = self.policy.delay(error, self._retries, connecting=not self._begun)
        self._retries += 1
        return delay

    def _used_up(self, error: MailError) -> bool:
        """Whether the body was read and cannot be read again; then the error says so."""
        if not self._begun or self.mail.message.replayable or error.stage in _BEFORE_THE_BODY:
            return False
        error.args = (f"{error}; it is not tried again, because its content can be read only once", *error.args[1:])
        return True
