"""A place for one open connection, and the ticket with which one message holds it.

Plain data; what becomes of it is decided in `state`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from pymailer.errors import MailError
    from pymailer.runtime import Runtime, Waiter
    from pymailer.transport import Mail
    from pymailer_smtp_pool.connection import Connection

NEVER = float("inf")


@attrs.define(eq=False)
class Place:
    """The right to one open connection; it is counted from before the connect until after the close.

    Attributes:
        connection: What is there, ``None`` while there is nothing yet.
        not_before: When it may be opened: a server in trouble is left alone until then.
        epoch: The epoch of the door in which it was given.
        most_messages: How many messages the connection may carry.
        retires_at: When it is too old to be used again.
        idle_since: When it was used last.
        reused: Whether the connection has been lent before.
    """

    connection: Connection | None = None
    not_before: float = 0.0
    epoch: int = 0
    most_messages: int = 0
    retires_at: float = NEVER
    idle_since: float = 0.0
    reused: bool = False


@attrs.define(eq=False)
class Ticket:
    """One message in the pool, from its admission until it settles. Its sender is the only one to use its place.

    Attributes:
        runtime: What its sender waits through.
        deadline: When it must be settled.
        priority: Lower is served first.
        mail: The message; ``None`` for a mere test of the connection.
        number: Its turn among those of its priority, kept when it is tried again; 0 before it is admitted.
        place: The place it holds.
        waiter: Where its sender waits, while it does.
        patience: Until when it waits for a connection.
        refusal: Why it will get no place any more.
        trouble: What its last attempt ended with.
        served: Whether it has held a place before: what is tried again is never turned away from the line.
        turn: When the user's limiter lets it begin, once that was asked.
        begun: Whether the message is on its way over a connection.
        queue_time: Seconds that it waited so far.
        connect_time: Seconds that making its connection took, 0 for one that was there.
    """

    runtime: Runtime
    deadline: float | None = None
    priority: int = 0
    mail: Mail | None = None
    number: int = 0
    place: Place | None = None
    waiter: Waiter | None = None
    patience: float = NEVER
    refusal: MailError | None = None
    trouble: MailError | None = None
    served: bool = False
    turn: float | None = None
    begun: bool = False
    queue_time: float = 0.0
    connect_time: float = 0.0

    @property
    def ends(self) -> float:
        """The same as `deadline`, as a number."""
        return NEVER if self.deadline is None else self.deadline
