"""A place for one open connection.

Plain data; what becomes of it is decided in `lending`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from pymailer_smtp_pool.connection import Connection

NEVER: Final = float("inf")
"""A time that does not come."""


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
