"""Everybody whom a message names: parsed once, so that header and envelope cannot tell different stories.

Knows addresses and who may stand where; nothing of how a header is written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import MessageError
from pymailer.message.addresses import Address, Group, mailboxes, parse_addresses
from pymailer.message.envelope import checked, envelope_of, given_envelope

if TYPE_CHECKING:
    from pymailer.message.model import Message
    from pymailer.results import Envelope

_Parsed = list[Address | Group]

_SHORT: Final = 320
"""Characters of an author that are worth remembering."""


@lru_cache(128)
def _parsed_text(text: str) -> tuple[Address | Group, ...]:
    return tuple(parse_addresses(text))


def _author(value: object) -> _Parsed:
    """The same as `parse_addresses`, at once for an author who has written before."""
    short = type(value) is str and len(value) <= _SHORT
    return list(_parsed_text(value)) if short else parse_addresses(value)


@attrs.frozen
class Parties:
    """The addresses of a message, by the field they stand in."""

    from_: _Parsed
    sender: _Parsed
    to: _Parsed
    cc: _Parsed
    bcc: _Parsed

    @classmethod
    def of(cls, data: Message) -> Parties:
        """The parties of a message.

        Raises:
            AddressError: An address is malformed, or has more than one reading.
            MessageError: Several authors and no sender, or several senders (RFC 5322 3.6.2).
        """
        found = cls(
            _author(data.from_),
            parse_addresses(data.sender) if data.sender else [],
            parse_addresses(data.to),
            parse_addresses(data.cc) if data.cc else [],
            parse_addresses(data.bcc) if data.bcc else [],
        )
        if found.sender and (len(found.sender) > 1 or isinstance(found.sender[0], Group)):
            raise MessageError("sender is one mailbox (RFC 5322 3.6.2)")
        if not found.sender and len(mailboxes(found.from_)) > 1:
            raise MessageError("a message from several mailboxes needs a sender (RFC 5322 3.6.2)")
        return found

    def envelope(self, data: Message, max_recipients: int | None) -> Envelope:
        """The envelope of `data`: its own, or what follows from the parties."""
        if data.envelope is not None:
            return checked(given_envelope(data.envelope), max_recipients)
        return envelope_of(self.from_, self.sender, [*self.to, *self.cc, *self.bcc], max_recipients)

    def domain(self, envelope: Envelope) -> str:
        """The domain under which the message is known."""
        for mailbox in mailboxes(self.from_):
            return mailbox.domain
        return envelope.from_.rpartition("@")[2] or "localhost"
