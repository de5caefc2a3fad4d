"""What happens to a pool that nobody closed: its sockets are closed, and lost messages do not go unmentioned.

Runs when the pool is collected, and at the interpreter's exit.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING
from weakref import finalize

if TYPE_CHECKING:
    from pymailer_smtp_pool.guard import Guard
    from pymailer_smtp_pool.journal import Journal


def clean_up_after(pool: object, guard: Guard, journal: Journal) -> None:
    """Have the leftovers of `pool` cleaned up once it is gone."""
    finalize(pool, _clean_up, guard, journal)


def _clean_up(guard: Guard, journal: Journal) -> None:
    state = guard.state
    messages = [ticket for ticket in state.tickets if ticket.mail is not None]
    if messages:
        _mention(messages_waiting=sum(not ticket.begun for ticket in messages), of=len(messages), journal=journal)
    for place in state.places.everywhere():
        if place.connection is not None:
            place.connection.close()


def _mention(messages_waiting: int, of: int, journal: Journal) -> None:
    text = (
        f"the pool was not closed: {messages_waiting} messages were not sent, "
        f"and of {of - messages_waiting} nobody can say; close the mailer before the program ends"
    )
    journal.note(logging.WARNING, text, not_sent=messages_waiting, unknown=of - messages_waiting)
    warnings.warn(f"{journal.peer}: {text}", ResourceWarning, stacklevel=2)
