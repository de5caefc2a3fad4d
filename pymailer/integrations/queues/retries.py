"""What a queue hands to a worker once more, and after how long.

A pure policy over errors. The pool has its own for the seconds of one attempt; this one is for the minutes and hours
that a queue can wait.
"""

from __future__ import annotations

import random
from typing import Final

import attrs

from pymailer.errors import EnvelopeError, MailError
from pymailer.outcome import Outcome

FIRST_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 600.0
"""Below what a broker takes for the death of a worker, which is an hour for Celery on Redis."""


@attrs.frozen
class QueuePolicy:
    """Only what is proved not to be sent is tried again, and what the user allowed besides.

    Attributes:
        most: How often one message is tried again.
        temporary: Whether a refusal with a 4xx is.
        unknown: Whether what may have been delivered is: duplicates are then possible.
    """

    most: int = 10
    temporary: bool = False
    unknown: bool = False

    def delay(self, error: MailError, retries: int) -> float | None:
        """Seconds until the message may be tried again; ``None``: it may not.

        Args:
            error: What the attempt ended with.
            retries: How often the message was tried again so far.
        """
        if retries >= self.most or not self._allows(error):
            return None
        longest = min(FIRST_SECONDS * 2.0**retries, LONGEST_SECONDS)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 -- so that they do not all come back at once

    def _allows(self, error: MailError) -> bool:
        if error.outcome is Outcome.NOT_SENT:
            # A wrong password or certificate is put right by an operator while the queue waits; a wrong message never.
            return not isinstance(error, (ValueError, EnvelopeError))
        if error.outcome is Outcome.REJECTED:
            return self.temporary and error.temporary
        return self.unknown and error.outcome is Outcome.UNKNOWN
