"""What is tried again, and after how long.

A pure policy over errors: it is told what happened and how often, and says "not again" or a number of seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import ConnectionLostError, MailError, PoolError, ProtocolError
from pymailer.outcome import Outcome, Stage
from pymailer_smtp_pool.place import NEVER

if TYPE_CHECKING:
    from pymailer_smtp_pool.backoff import Backoff
    from pymailer_smtp_pool.throttle import Throttle

THROTTLE_PATIENCE: Final = 600.0
"""Seconds that a message bears with a server that says "too fast". Amazon SES speaks of ten minutes."""

_BEFORE_THE_BODY: Final = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA})
_IN_STEP: Final = _BEFORE_THE_BODY | {Stage.BODY}
"""Where nonsense from a server that talked sense before may be a connection out of step, and not a wrong server."""
_CLOSING: Final = 421
_TIMED_OUT: Final = "4.4.2"
"""RFC 3463 3.5: the connection timed out."""


@attrs.frozen
class RetryPolicy:
    """What the user allows.

    Attributes:
        most: How often one message is tried again.
        temporary: Whether a refusal with a 4xx is tried again.
        unknown: Whether what may have been delivered is: duplicates are then possible.
        replacements: How many connections that were too old may be replaced for one message, for free.
        backoff: How long to wait before another attempt.
    """

    most: int
    temporary: bool
    unknown: bool
    replacements: int
    backoff: Backoff

    def allows(self, error: MailError, retries: int) -> bool:
        """Whether a message that ended so may be sent again, its connection aside."""
        if isinstance(error, PoolError) or error.stage is Stage.QUEUE:
            return False  # it was the pool that gave up
        if error.outcome is Outcome.NOT_SENT:
            return error.temporary or (_out_of_step(error) and retries == 0)
        if error.outcome is Outcome.REJECTED:
            return self.temporary and error.temporary
        return self.unknown and error.outcome is Outcome.UNKNOWN


@attrs.frozen
class Trouble:
    """What an attempt ended with, and what the pool knows besides.

    Attributes:
        error: The error.
        begun: Whether there was a connection, and the message was on its way.
        reused: Whether that connection had been used before.
        throttle: What the server wants of us, if it complained.
    """

    error: MailError
    begun: bool
    reused: bool = False
    throttle: Throttle | None = None

    @property
    def stale(self) -> bool:
        """Whether it was the connection that was too old: this says nothing about the message."""
        return self.begun and self.reused and self.throttle is None and hung_up_early(self.error)

    @property
    def body_read(self) -> bool:
        """Whether the message's content was read, as far as it went."""
        return self.begun and self.error.stage not in _BEFORE_THE_BODY


@attrs.define
class Persistence:
    """How often one message was tried again, and whether it is tried once more."""

    policy: RetryPolicy
    _retries: int = 0
    _replaced: int = 0
    _bears_until: float = NEVER

    def delay(self, trouble: Trouble, now: float) -> float | None:
        """Seconds until the message may be tried again; ``None``: it may not."""
        if trouble.stale and self._replaced < self.policy.replacements:
            self._replaced += 1
            return 0.0
        if trouble.throttle is not None:
            # Not counted. How long the server is left alone, the state knows, for all messages.
            self._bears_until = min(self._bears_until, now + THROTTLE_PATIENCE)
            return 0.0 if now < self._bears_until else None
        return self._try_again(trouble)

    def _try_again(self, trouble: Trouble) -> float | None:
        retries = self._retries
        if retries >= self.policy.most:
            return None
        self._retries += 1
        if trouble.begun:
            return self.policy.backoff(self._retries) if self.policy.allows(trouble.error, retries) else None
        # Who could not connect stands in line again: the back-off is the door's, and the state tells when there is no
        # hope. Another connection, that is alive, may serve even where this one was refused for good.
        return None if isinstance(trouble.error, PoolError) or trouble.error.stage is Stage.QUEUE else 0.0


def hung_up_early(error: MailError) -> bool:
    """Whether the server ended the connection before it had heard anything of the message but MAIL.

    On a connection that was used before, that is about its age and not about this message. Some servers say 421 first
    (RFC 5321 3.8), Amazon SES says "451 4.4.2 Timeout waiting for data" at a moment of its own choice.
    """
    if error.stage is not Stage.MAIL or error.outcome not in (Outcome.NOT_SENT, Outcome.REJECTED):
        return False
    reply = error.reply
    if reply is None:
        return isinstance(error, ConnectionLostError)
    return reply.code == _CLOSING or (reply.temporary and reply.enhanced == _TIMED_OUT)


def _out_of_step(error: MailError) -> bool:
    return isinstance(error, ProtocolError) and error.stage in _IN_STEP
