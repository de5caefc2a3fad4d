"""The line of those who wait: first come, first served within a priority; and who of them has got an answer.

Pure; it knows tickets by their priority and number, and must not know what they wait for.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

import attrs

from pymailer_smtp_pool.closing import Closing
from pymailer_smtp_pool.telling import copy_of
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymailer.errors import MailError

_SMALL = 16
"""Entries of those who left that are not worth a sweep."""

Entry = tuple[int, int, int, Ticket]
"""Priority, number, a number of its own, and whose it is."""


@attrs.define
class Line:
    """Joining and leaving cost the same however long it is; who comes back stands where it stood.

    Attributes:
        waiting: Who stands in it, in the order in which they came.
        unwoken: Who has got an answer and may still be asleep.
    """

    waiting: dict[Ticket, None] = attrs.field(factory=dict[Ticket, None])
    unwoken: dict[Ticket | Closing, None] = attrs.field(factory=dict[Ticket | Closing, None])
    # Who leaves stays in the heap until it comes up, or until such entries are most of it. One who left and came back
    # may be there twice, so each entry has a number of its own: tickets are never compared.
    _heap: list[Entry] = attrs.field(factory=list[Entry])
    _entries: Iterator[int] = attrs.field(factory=count, repr=False)

    def join(self, ticket: Ticket) -> None:
        """Take the place in the line that priority and number give."""
        if ticket not in self.waiting:
            self.waiting[ticket] = None
            heappush(self._heap, (ticket.priority, ticket.number, next(self._entries), ticket))

    def leave(self, ticket: Ticket) -> None:
        """Stand in line no longer; harmless for one who does not."""
        self.waiting.pop(ticket, None)
        if len(self._heap) > 2 * len(self.waiting) + _SMALL:
            self._heap = [entry for entry in self._heap if entry[-1] in self.waiting]
            heapify(self._heap)

    def first(self) -> Ticket:
        """Whose turn it is; the line must not be empty."""
        while self._heap[0][-1] not in self.waiting:
            heappop(self._heap)
        return self._heap[0][-1]

    # --- answers -----------------------------------------------------------------------------------------------------

    def answer(self, ticket: Ticket) -> None:
        """This one has got what it waited for, or knows that it will not."""
        self.leave(ticket)
        self.unwoken[ticket] = None  # waking one who is awake is harmless

    def refuse(self, ticket: Ticket, error: MailError) -> None:
        """Tell one that it will get nothing."""
        error.__cause__ = error.__cause__ or ticket.trouble
        ticket.refusal = error
        self.answer(ticket)

    def refuse_all(self, error: MailError) -> None:
        """Tell all who wait, each with an error of its own."""
        for ticket in tuple(self.waiting):
            self.refuse(ticket, copy_of(error, error))

    def notify(self, closings: Iterable[Closing]) -> None:
        """Those who wait for everybody to be gone have waited long enough."""
        self.unwoken |= dict.fromkeys(closings)
