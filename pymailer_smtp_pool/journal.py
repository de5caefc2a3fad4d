"""What the pool tells the outside: log records, and events for who listens.

Knows how to say things; must not decide anything.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.events import Emitter

if TYPE_CHECKING:
    from pymailer.errors import MailError
    from pymailer_smtp_pool.throttle import Throttle

LOGGER: Final = logging.getLogger("pymailer_smtp_pool")


@attrs.define(eq=False)
class Journal:
    """Log records have the facts in `extra`: ``peer``, ``cid`` and those of the occasion.

    Attributes:
        peer: Host and port of the server.
        debug: Whether each line goes out as a ``"log"`` event too.
    """

    peer: str
    debug: bool = False
    logger: Any = LOGGER
    events: Emitter = attrs.field(factory=Emitter)

    def note(self, level: int, message: str, cid: str | None = None, **facts: Any) -> None:
        """Something happened that an operator may want to know."""
        if self.debug:
            self.events.emit("log", {"type": "pool", "message": message, "cid": cid})
        if self.logger.isEnabledFor(level):
            self.logger.log(level, "%s: %s", self.peer, message, extra={"peer": self.peer, "cid": cid, **facts})

    def throttled(self, throttle: Throttle, limit: int, error: MailError) -> None:
        """The server complained, and this is how many connections it gets from now on."""
        text = f"the server says {throttle}: it gets {limit} connections at most for now ({error.reply})"
        self.note(logging.WARNING, text, limit=limit, reason=str(error.reply))

    def hushed(self, error: MailError, message: str, **facts: Any) -> None:
        """Something failed, and no message is told of it, because it is tried again."""
        facts |= {"code": error.code, "stage": error.stage and str(error.stage), "outcome": str(error.outcome)}
        self.note(logging.WARNING, f"{message}: {error}", **facts)
        self.events.emit("error", error)
