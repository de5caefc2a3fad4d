"""One task, one delivery: the way of a message through a worker, however often its task is handed over.

Written once for all queues and both colours. Knows the ledger and the policy; must not know any queue.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from pymailer.errors import DeliveryUnknownError, MailError
from pymailer.integrations.queues.ledger import BEGUN, Ledger
from pymailer.outcome import Outcome
from pymailer.results import CompiledMail
from pymailer.runtime import maybe_await

if TYPE_CHECKING:
    from pymailer.integrations.queues.retries import QueuePolicy

Send = Callable[[CompiledMail], Any]
OnUnknown = Callable[[CompiledMail, DeliveryUnknownError], Any]
"""Told, plain or ``async``, of each message of which nobody can say whether it was delivered."""

_HELD_BY_NOBODY: Final = (Outcome.NOT_SENT, Outcome.REJECTED)
_logger = logging.getLogger("pymailer.integrations")


class TryAgainError(Exception):
    """The message is proved not to be held by the server, and may be tried again.

    Attributes:
        delay: Seconds to wait before.
        error: Why it was not sent this time.
    """

    def __init__(self, delay: float, error: MailError) -> None:
        super().__init__(f"again in {delay:.0f} s: {error}")
        self.delay = delay
        self.error = error


@attrs.frozen
class Once:
    """Sends each message once, or says that nobody can tell.

    Attributes:
        ledger: What was begun.
        policy: What is tried again.
        on_unknown: Who is told of what nobody can tell.
    """

    ledger: Ledger
    policy: QueuePolicy
    on_unknown: OnUnknown | None = None

    async def deliver(self, key: str, mail: CompiledMail, send: Send, retries: int) -> dict[str, Any]:
        """Send the message, unless it was begun before.

        Args:
            key: What the queue calls the task, the same each time it is handed over.
            mail: The message.
            send: Sends it, plain or ``async``.
            retries: How often the message was tried again so far.

        Returns:
            The result as JSON-ready data.

        Raises:
            TryAgainError: It was not sent, and may be tried again.
            DeliveryUnknownError: It may have been delivered, now or by a worker that is no more.
            MailError: It was not sent, and trying again is of no use or not allowed.
        """
        noted = await self._begin(key, retries)
        if noted is not None:
            return await self._begun_before(mail, noted)
        try:
            info = await maybe_await(send(mail))
        except BaseException as error:
            await self._failed(key, mail, error, retries)
            raise
        result = info.to_dict()
        await self._note(self.ledger.settle, key, json.dumps(result))
        return cast("dict[str, Any]", result)

    async def _begin(self, key: str, retries: int) -> str | None:
        try:
            noted = await maybe_await(self.ledger.begin(key))
        except Exception as error:
            # Nothing was sent, and nothing may be while nobody would know of it.
            failure = MailError(f"the ledger does not answer: {error}", temporary=True)
            delay = self.policy.delay(failure, retries)
            raise (failure if delay is None else TryAgainError(delay, failure)) from error
        return noted.decode() if isinstance(noted, bytes) else noted

    async def _begun_before(self, mail: CompiledMail, noted: str) -> dict[str, Any]:
        if noted != BEGUN:
            return cast("dict[str, Any]", json.loads(noted))  # sent, and the worker was lost before it could say so
        error = DeliveryUnknownError("a worker began to send this message and was lost; it may or may not be delivered")
        await self._tell(mail, error)
        raise error

    async def _failed(self, key: str, mail: CompiledMail, error: BaseException, retries: int) -> None:
        """What follows from a failure; raises `TryAgainError` if the message may be tried again."""
        outcome = getattr(error, "outcome", Outcome.UNKNOWN)
        delay = self.policy.delay(error, retries) if isinstance(error, MailError) else None
        if outcome in _HELD_BY_NOBODY or delay is not None:
            await self._note(self.ledger.forget, key)
        if isinstance(error, MailError) and delay is not None:
            raise TryAgainError(delay, error) from error
        if isinstance(error, DeliveryUnknownError):
            await self._tell(mail, error)

    async def _note(self, change: Callable[..., Any], *arguments: str) -> None:
        """What cannot be noted leaves `BEGUN` behind, which is on the safe side; the message itself is settled."""
        try:
            await maybe_await(change(*arguments))
        except Exception:
            _logger.exception("the ledger does not answer", extra={"key": arguments[0]})

    async def _tell(self, mail: CompiledMail, error: DeliveryUnknownError) -> None:
        _logger.error("nobody can say whether %s was delivered: %s", mail.message_id, error)
        try:
            if self.on_unknown is not None:
                await maybe_await(self.on_unknown(mail, error))
        except Exception:
            _logger.exception("on_unknown failed", extra={"message_id": mail.message_id})
