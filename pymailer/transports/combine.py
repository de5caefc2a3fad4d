"""Transports made of transports: the next one where the first fails, or each in turn.

Knows the order in which they are tried; whether another may be tried at all is decided in `members`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from pymailer.__about__ import __version__
from pymailer.errors import MailError
from pymailer.front_door import discreet
from pymailer.options import duration
from pymailer.outcome import Outcome
from pymailer.results import CloseReport
from pymailer.transport import call, deliver
from pymailer.transports.members import (
    Member,
    all_failed,
    build_members,
    lacks_an_extension,
    somebody_else_may_try,
)

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail

RETRY_AFTER: Final = 60.0
"""Seconds that a member rests which failed."""

_logger = logging.getLogger("pymailer.transports")


class FailoverTransport:
    """Tries its members in their order until one has sent the message or said no for good.

    Args:
        transports: The members, in any form that `create_transport` takes.
        retry_after: Seconds that a member rests which failed. While others are awake it is not tried.

    Raises:
        ConfigError: The list is empty, or one of them is no transport.
    """

    name = "Failover"
    version: str = __version__

    def __init__(self, transports: Iterable[object], retry_after: float | timedelta = RETRY_AFTER) -> None:
        self._members = build_members(transports)
        self._retry_after = duration("retry_after", retry_after)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {[member.transport for member in self._members]}>"

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Send one message through the first member that can.

        Raises:
            MailError: The last member's error; if several were tried, its `errors` has what each one said.
        """
        order = self._order(mail.runtime.now())
        errors: list[MailError] = []
        if len(order) > 1:
            await mail.message.materialize(mail.runtime)  # so that the next one has something to send
        for member in order:
            mail.outcome = Outcome.NOT_SENT
            try:
                info = await deliver(member.transport, mail)
            except MailError as error:
                errors.append(error)
                if not self._go_on(member, error, mail):
                    break
            else:
                return attrs.evolve(info, attempts=info.attempts + len(errors))
        raise all_failed(order, errors)

    def _go_on(self, member: Member, error: MailError, mail: Mail) -> bool:
        if not somebody_else_may_try(error, mail.message):
            return False
        now = mail.runtime.now()
        if not lacks_an_extension(error):
            member.resting_until = now + self._retry_after
        _logger.warning(
            "%s did not send a message: %s", member.name, error, extra={"transport": member.name, "code": error.code}
        )
        return mail.deadline is None or now < mail.deadline

    def _order(self, now: float) -> list[Member]:
        """Who is awake first; one that rests is still better than nobody."""
        awake = [member for member in self._members if member.resting_until <= now]
        resting = [member for member in self._members if member not in awake]
        return self._turn(awake) + sorted(resting, key=lambda member: member.resting_until)

    def _turn(self, awake: list[Member]) -> list[Member]:
        return awake

    # --- what a mailer may ask besides -------------------------------------------------------------------------------

    @property
    def max_connections(self) -> int:
        """How many messages may be under way at once."""
        return max(self._capacities())

    def _capacities(self) -> list[int]:
        return [getattr(member.transport, "max_connections", 1) for member in self._members]

    async def verify(self, runtime: Runtime) -> bool:
        """Ask each member to prove that it would work; those that would not are logged.

        Raises:
            MailError: None of them would.
        """
        errors: list[MailError] = []
        for member in self._members:
            verify = getattr(member.transport, "verify", None)
            try:
                if callable(verify):
                    await call(runtime, verify, runtime)
            except MailError as error:
                errors.append(error)
                _logger.warning("%s would not send: %s", member.name, error, extra={"transport": member.name})
        if len(errors) == len(self._members):
            raise all_failed(self._members, errors)
        return True

    async def close(self, runtime: Runtime, *, drain: bool = True, timeout: float | None = None) -> CloseReport:
        """Close every member that can be closed, within `timeout` seconds for all of them.

        Returns:
            What became of the messages of all of them.

        Raises:
            ExceptionGroup: Some could not be closed; the others are.
        """
        deadline = None if timeout is None else runtime.now() + timeout
        report, failures = CloseReport(), list[Exception]()
        for member in self._members:
            left = None if deadline is None else max(deadline - runtime.now(), 0)
            try:
                report = _together(report, await _close(member, runtime, drain=drain, timeout=left))
            except Exception as error:  # noqa: BLE001 - the others are closed all the same
                failures.append(error)
        if failures:
            raise ExceptionGroup("not every transport could be closed", failures)
        return report

    def is_idle(self) -> bool:
        """Whether any member has room for more."""
        return any(_ask(member, "is_idle", True) for member in self._members)

    def stats(self) -> Any:
        """The members' numbers added up, ``None`` if none keeps any."""
        return _sum([each for member in self._members if (each := _ask(member, "stats", None)) is not None])

    def on(self, event: str, callback: Callable[..., object]) -> Callable[[], None]:
        """Listen for an event of any member; the returned function ends that."""
        listens = [getattr(member.transport, "on", None) for member in self._members]
        endings = [cast("Callable[[], None]", listen(event, callback)) for listen in listens if callable(listen)]

        def unsubscribe() -> None:
            for end in endings:
                end()

        return unsubscribe


class RoundRobinTransport(FailoverTransport):
    """Begins with the next member at each message, and goes on from there as `FailoverTransport` does."""

    name = "Round robin"

    def __init__(self, transports: Iterable[object], retry_after: float | timedelta = RETRY_AFTER) -> None:
        super().__init__(transports, retry_after)
        self._turns = count()  # next() of it is one step, whichever threads ask

    @property
    def max_connections(self) -> int:
        """How many messages may be under way at once."""
        return sum(self._capacities())

    def _turn(self, awake: list[Member]) -> list[Member]:
        # Taken among those that are awake, so that the neighbour of one that rests does not get its share too.
        first = next(self._turns) % max(len(awake), 1)
        return awake[first:] + awake[:first]


def _ask(member: Member, name: str, otherwise: object) -> Any:
    answer = getattr(member.transport, name, None)
    return answer() if callable(answer) else otherwise


def _sum(figures: list[Any]) -> Any:
    """Figures of one attrs class, number by number; what is no number is the first one's."""
    if not figures:
        return None
    first = figures[0]
    names = [field.name for field in attrs.fields(first.__class__) if isinstance(getattr(first, field.name), int)]
    return attrs.evolve(first, **{name: sum(getattr(each, name, 0) for each in figures) for name in names})


async def _close(member: Member, runtime: Runtime, *, drain: bool, timeout: float | None) -> CloseReport:
    close = getattr(member.transport, "close", None)
    report = await call(runtime, close, runtime, drain=drain, timeout=timeout) if callable(close) else None
    return report if isinstance(report, CloseReport) else CloseReport()


def _together(one: CloseReport, other: CloseReport) -> CloseReport:
    return CloseReport(one.sent + other.sent, one.not_sent + other.not_sent, one.unknown + other.unknown)


@discreet
def failover(transports: Iterable[object], /, *, retry_after: float | timedelta = RETRY_AFTER) -> FailoverTransport:
    """A transport that tries several in their order.

    Only what is proved not sent, and what a server refused for now, goes on to the next. What may have been delivered
    never does.

    Args:
        transports: Transports, in any form that `create_transport` takes.
        retry_after: Seconds that one rests which failed.

    Raises:
        ConfigError: The list is empty, or one of them is no transport.
    """
    return FailoverTransport(transports, retry_after)


@discreet
def round_robin(
    transports: Iterable[object], /, *, retry_after: float | timedelta = RETRY_AFTER
) -> RoundRobinTransport:
    """A transport that shares messages evenly among several; one that fails is stepped over as in `failover`.

    Args:
        transports: Transports, in any form that `create_transport` takes.
        retry_after: Seconds that one rests which failed.

    Raises:
        ConfigError: The list is empty, or one of them is no transport.
    """
    return RoundRobinTransport(transports, retry_after)
