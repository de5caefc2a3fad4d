"""What happens to a pool that nobody closed: its sockets are closed, and lost messages do not go unmentioned.

Runs when the pool is collected, and at the interpreter's exit.
"""

from __future__ import annotations

import logging
import sys
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
    messages = [ticket for ticket in state.tickets if ticket.mail]
    if messages:
        begun = sum(ticket.begun for ticket in messages)
        _mention(len(messages) - begun, begun, journal)
    for place in state.places.everywhere():
        if place.connection is not None:
            place.connection.close()


def _mention(not_sent: int, unknown: int, journal: Journal) -> None:
    text = (
        f"the pool was not closed: {not_sent} messages were not sent, and of {unknown} nobody can say; "
        f"close the mailer before the program ends"
    )
    journal.note(logging.ERROR, text, not_sent=not_sent, unknown=unknown)
    with warnings.catch_warnings():
        if not sys.warnoptions:  # Python hides this kind of warning unless it is asked for; lost mail is worth a line
            warnings.simplefilter("default", ResourceWarning)
        warnings.warn(f"{journal.peer}: {text}", ResourceWarning, stacklevel=2)
