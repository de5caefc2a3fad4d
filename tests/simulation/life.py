"""One pool living through one schedule, and what must hold whatever happens.

Everything follows from the seed: options, faults, arrivals, cancellations and the end.
"""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from pymailer.errors import ConfigError, DeliveryUnknownError, MailError
from pymailer.outcome import Outcome
from pymailer.results import CloseReport
from pymailer.transport import Mail
from pymailer_smtp_pool.journal import Journal
from pymailer_smtp_pool.options import PoolOptions
from pymailer_smtp_pool.pool import SMTPPool
from tests.simulation.scheduler import NEVER, Cancelled, Scheduler, Task
from tests.simulation.world import Nature, Server, envelope

SPAN = 60.0
"""Seconds in which messages come."""
SLOW_TIMERS = 5
"""How many timers of this world may ring late, one after the other, between a deadline and its sender."""
SENT = {Outcome.ACCEPTED, Outcome.PARTIAL}


@attrs.frozen
class Message:
    replayable: bool
    message_id: str = "<m>"


@attrs.frozen
class Sent:
    """One message and its task."""

    number: int
    task: Task
    deadline: float | None
    settled: list[float]

    @property
    def outcome(self) -> Outcome | None:
        """What its sender was told; a cancelled one is told nothing."""
        error = self.task.error
        if error is None:
            return self.task.result.outcome
        return error.outcome if isinstance(error, MailError) else None


class Life:
    """One schedule, played."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.scheduler = Scheduler(self.random, lag=self.random.choice([0.0, 0.001, 0.2]))
        self.options = PoolOptions(**self._options())
        self.server = Server(self._nature(), self.scheduler, self.random)
        self.pool = SMTPPool(
            self.options,
            self.server.connect,
            Journal("world:25"),
            clock=self.scheduler.now,
            random=self.random.random,
        )
        self.sent: list[Sent] = []
        self.reports: list[CloseReport] = []

    # --- making it up ---

    def _options(self) -> dict[str, Any]:
        pick = self.random.choice
        return {
            "max_connections": self.random.randint(1, 5),
            "max_messages": pick([1, 3, 100]),
            "max_age": pick([1.0, 300.0]),
            "idle_timeout": pick([0.5, 60.0]),
            "rate_limit": pick([None, None, 1, 3]),
            "rate_delta": pick([0.5, 2.0]),
            "max_requeues": pick([0, 1, 5]),
            "retry_temporary": pick([False, True]),
            "retry_unknown": pick([False, False, True]),
            "breaker_timeout": pick([1.0, 30.0]),
            "max_queue": pick([None, None, 3]),
            "queue_timeout": pick([None, None, 5.0]),
        }

    def _nature(self) -> Nature:
        pick = self.random.choice
        return Nature(
            most=pick([None, None, 1, 3]),
            outages=self._times(0.3),
            locked_out=self._times(0.15),
            hangs_up_after=pick([None, None, 1, 4]),
            idle_limit=pick([None, 2.0]),
            latency=pick([0.0, 0.02, 0.5]),
            busy=pick([0.0, 0.0, 0.3]),
            rude=pick([0.0, 0.0, 0.05, 0.3]),
            silent=pick([0.0, 0.0, 0.02]),
            fast=pick([0.0, 0.0, 0.2]),
            refuses=pick([0.0, 0.0, 0.2]),
        )

    def _times(self, chance: float) -> tuple[tuple[float, float], ...]:
        if self.random.random() >= chance:
            return ()
        begin = self.scheduler.now() + self.random.uniform(-1, SPAN / 2)
        return ((begin, begin + self.random.uniform(0.1, SPAN)),)

    # --- living ---

    def play(self) -> None:
        """Let it all happen."""
        start = self.scheduler.now()
        for begin, _ in self.server.nature.outages:
            self.scheduler.at(begin, self.server.drop_all)
        burst = self.random.random() < 0.5
        for number in range(self.random.randint(1, 12)):
            self._arrange(number, start + (0.0 if burst else self.random.uniform(0, SPAN)))
        if self.random.random() < 0.1:
            self.scheduler.spawn(self.pool.verify(self.scheduler), "verify")
        self.scheduler.spawn(self._close(start + self.random.choice([0.1, SPAN / 3, 10 * SPAN, 10 * SPAN])), "close")
        self.scheduler.run()

    def _arrange(self, number: int, when: float) -> None:
        deadline = self.random.choice([None, when + self.random.uniform(0.01, SPAN)])
        mail = Mail(
            number,
            self.scheduler,
            deadline=deadline,
            queue_priority=self.random.choice([0, 0, -1]),
            message=Message(self.random.random() < 0.9),
            envelope=envelope(),
        )
        settled: list[float] = []

        async def send() -> Any:
            await self.scheduler.sleep(when - self.scheduler.now())
            try:
                return await self.pool.send(mail)
            finally:
                settled.append(self.scheduler.now())

        task = self.scheduler.spawn(send(), f"message {number}")
        self.sent.append(Sent(number, task, deadline, settled))
        if self.random.random() < 0.15:
            at = when + self.random.choice([0.0, self.random.random(), self.random.uniform(0, SPAN)])
            self.scheduler.at(at, lambda: self.scheduler.cancel(task))

    async def _close(self, when: float) -> None:
        await self.scheduler.sleep(when - self.scheduler.now())
        timeout = self.random.choice([None, 0.5, 30.0])
        drain = self.random.random() < 0.7
        self.reports.append(await self.pool.close(self.scheduler, drain=drain, timeout=timeout))

    def held(self, sent: Sent) -> int:
        """How often the server has this message."""
        return self.server.held[sent.number]

    # --- what must hold ---

    def check(self) -> None:
        """Each line is one promise of the pool."""
        self._everyone_settled()
        self._the_server_agrees()
        self._limits_held()
        self._nothing_is_left()

    def _everyone_settled(self) -> None:
        for sent in self.sent:
            assert isinstance(sent.task.error, (MailError, Cancelled, type(None))), repr(sent.task.error)
            assert not isinstance(sent.task.error, ConfigError)
            if sent.settled:
                assert len(sent.settled) == 1
                late = sent.settled[0] - (NEVER if sent.deadline is None else sent.deadline)
                assert late <= SLOW_TIMERS * self.scheduler.lag + 1e-6, (
                    f"message {sent.number} settled {late:.3f} s after its deadline"
                )

    def _the_server_agrees(self) -> None:
        for sent in self.sent:
            held = self.held(sent)
            if sent.outcome in SENT:
                assert held >= 1, f"message {sent.number} was reported as sent and is not there"
            if sent.outcome in (Outcome.NOT_SENT, Outcome.REJECTED) and not self.options.retry_unknown:
                assert held == 0, f"message {sent.number} was reported as {sent.outcome} and is there"
            assert held <= 1 or self.options.retry_unknown, f"message {sent.number} was delivered {held} times"
            if isinstance(sent.task.error, DeliveryUnknownError):
                assert sent.outcome is Outcome.UNKNOWN

    def _limits_held(self) -> None:
        assert self.server.most_at_once <= self.options.max_connections
        limit, begun = self.options.rate_limit, self.server.begun
        if limit is not None:
            for first, last in zip(begun, begun[limit:], strict=False):
                assert last - first >= self.options.rate_delta, (
                    f"{limit + 1} messages began within {last - first:.3f} s"
                )
        shut_until = 0.0
        for refused in self.server.logins_refused:
            if refused >= shut_until:  # else it was on its way before the door was shut
                shut_until = refused + self.options.breaker_timeout
                meanwhile = [at for at in self.server.knocked if refused < at < shut_until]
                assert not meanwhile, "a password that was refused is tried again at once"

    def _nothing_is_left(self) -> None:
        state = self.pool._guard.state
        assert not self.server.open, "connections are left open"
        assert state.places.everywhere() == []
        assert not state.tickets
        assert not state.line.waiting
        assert not state.line.unwoken
        assert not state.closings
        stats = self.pool.stats()
        assert stats.opened == stats.closed
        assert len(self.reports) == 1
