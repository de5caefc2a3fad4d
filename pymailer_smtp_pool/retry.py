"""What is tried again, and after how long.

A pure policy over errors: it is told what happened and how often, and says "not again" or a number of seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import ConnectionLostError, MailError, PoolError, ProtocolError
from pymailer.outcome import Outcome, Stage

if TYPE_CHECKING:
    from pymailer_smtp_pool.backoff import Backoff

_IN_STEP: Final = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY})
"""Where nonsense from a server that talked sense before may be a connection out of step, and not a wrong server."""
_CLOSING: Final = 421
_TIMED_OUT: Final = "4.4.2"
"""RFC 3463 3.5: the connection timed out."""


@attrs.frozen
class RetryPolicy:
    """Only what is proved not to be sent is tried again, and what the user allowed besides.

    Attributes:
        most: How often one message is tried again.
        temporary: Whether a refusal with a 4xx is.
        unknown: Whether what may have been delivered is: duplicates are then possible.
        backoff: How long to wait before.
    """

    most: int
    temporary: bool
    unknown: bool
    backoff: Backoff

    def delay(self, error: MailError, retries: int, *, connecting: bool) -> float | None:
        """Seconds until the message may be tried again; ``None``: it may not.

        Args:
            error: What the attempt ended with.
            retries: How often the message was tried again so far.
            connecting: Whether there was no connection yet. Then the pool's own back-off is for all who wait, and
                the pool has told this message if there is no hope.
        """
        if retries >= self.most or isinstance(error, PoolError) or error.stage is Stage.QUEUE:
            return None
        if connecting:
            return 0.0
        return self.backoff(retries + 1) if self._allows(error, retries) else None

    def _allows(self, error: MailError, retries: int) -> bool:
        if error.outcome is Outcome.NOT_SENT:
            return error.temporary or (_out_of_step(error) and retries == 0)
        if error.outcome is Outcome.REJECTED:
            return self.temporary and error.temporary
        return self.unknown and error.outcome is Outcome.UNKNOWN


def _out_of_step(error: MailError) -> bool:
    return isinstance(error, ProtocolError) and error.stage in _IN_STEP


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
