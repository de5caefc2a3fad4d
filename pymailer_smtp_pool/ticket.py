"""The ticket of one message: with it the message waits, and holds a place for a connection.

Plain data; what becomes of it is decided in `state`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer_smtp_pool.place import NEVER, Place

if TYPE_CHECKING:
    from pymailer.errors import MailError
    from pymailer.runtime import Runtime, Waiter
    from pymailer.transport import Mail
    from pymailer_smtp_pool.retry import Persistence


@attrs.define(eq=False)
class Ticket:
    """One message in the pool, from its admission until it settles. Its sender is the only one to use its place.

    Attributes:
        runtime: What its sender waits through.
        deadline: When it must be settled.
        priority: Lower is served first.
        mail: The message; ``None`` for one that only holds a connection.
        number: Its turn among those of its priority, kept when it is tried again; 0 before it is admitted.
        place: The place it holds.
        waiter: Where its sender waits, while it does.
        patience: Until when it waits for a connection.
        refusal: Why it will get no place any more.
        trouble: What its last attempt ended with.
        served: Whether it has held a place before: what is tried again is never turned away from the line.
        turn: When the user's limiter lets it begin, once that was asked.
        begun: Whether the message is on its way over a connection.
        attempts: How often that was so.
        persistence: How often it is tried again, once there was trouble.
        queue_time: Seconds that it waited so far.
        connect_time: Seconds that making its connection took, 0 for one that was there.
    """

    runtime: Runtime
    deadline: float | None = None
    priority: int = 0
    mail: Mail = attrs.field(default=None)
    number: int = 0
    place: Place | None = None
    waiter: Waiter | None = None
    patience: float = NEVER
    refusal: MailError | None = None
    trouble: MailError | None = None
    served: bool = False
    turn: float | None = None
    begun: bool = False
    attempts: int = 0
    persistence: Persistence | None = None
    queue_time: float = 0.0
    connect_time: float = 0.0

    @classmethod
    def of(cls, mail: Mail) -> Ticket:
        """The ticket of this message."""
        return cls(mail.runtime, mail.deadline, mail.queue_priority, mail)

    @property
    def ends(self) -> float:
        """The same as `deadline`, as a number."""
        return NEVER if self.deadline is None else self.deadline
