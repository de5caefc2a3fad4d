"""Everybody whom a message names: parsed once, so that header and envelope cannot tell different stories.

Knows addresses and who may stand where; nothing of how a header is written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from pymailer.errors import MessageError
from pymailer.message.addresses import Address, Group, format_addresses, mailboxes, parse_addresses
from pymailer.message.encoded_words import Encoded
from pymailer.message.envelope import checked, envelope_of, given_envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymailer.message.model import Message
    from pymailer.results import Envelope

_SHORT: Final = 320
"""Characters of an author that are worth remembering."""


class Party(NamedTuple):
    """Those in one address field.

    Attributes:
        parsed: As they were given, in order.
        mailboxes: Every mailbox, those in groups included.
        value: The value of the field, not yet folded.
    """

    parsed: Sequence[Address | Group]
    mailboxes: Sequence[Address]
    value: Encoded

    @classmethod
    def of(cls, value: object) -> Self:
        """Those for whom `value` stands: a recipient, of whom each message has others.

        Raises:
            AddressError: An address is malformed, or has more than one reading.
        """
        parsed = parse_addresses(value)
        return cls(parsed, mailboxes(parsed), format_addresses(parsed))

    @classmethod
    def author(cls, value: object) -> Party:
        """The same, at once for an author who has written before."""
        return _author(value) if type(value) is str and len(value) <= _SHORT else cls.of(value)


_author: Final = lru_cache(128)(Party.of)
_NOBODY: Final = Party([], [], Encoded())


class Parties(NamedTuple):
    """The addresses of a message, by the field they stand in."""

    from_: Party
    sender: Party
    to: Party
    cc: Party
    bcc: Sequence[Address]

    @classmethod
    def of(cls, data: Message) -> Parties:
        """The parties of a message.

        Raises:
            AddressError: An address is malformed, or has more than one reading.
            MessageError: Several authors and no sender, or several senders (RFC 5322 3.6.2).
        """
        found = cls(
            Party.author(data.from_),
            Party.author(data.sender) if data.sender else _NOBODY,
            Party.of(data.to),
            Party.of(data.cc) if data.cc else _NOBODY,
            mailboxes(parse_addresses(data.bcc)) if data.bcc else [],
        )
        if found.sender.parsed and (len(found.sender.parsed) > 1 or isinstance(found.sender.parsed[0], Group)):
            raise MessageError("sender is one mailbox (RFC 5322 3.6.2)")
        if not found.sender.parsed and len(found.from_.mailboxes) > 1:
            raise MessageError("a message from several mailboxes needs a sender (RFC 5322 3.6.2)")
        return found

    def envelope(self, data: Message, max_recipients: int | None) -> Envelope:
        """The envelope of `data`: its own, or what follows from the parties."""
        if data.envelope is not None:
            return checked(given_envelope(data.envelope), max_recipients)
        recipients = [*self.to.mailboxes, *self.cc.mailboxes, *self.bcc]
        return envelope_of(self.from_.parsed, self.sender.parsed, recipients, max_recipients)

    def domain(self, envelope: Envelope) -> str:
        """The domain under which the message is known."""
        if self.from_.mailboxes:
            return self.from_.mailboxes[0].domain
        return envelope.from_.rpartition("@")[2] or "localhost"
