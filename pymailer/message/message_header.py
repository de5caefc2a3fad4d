"""The header of a message from its fields, in Nodemailer's order: a user's own first.

Knows which field becomes which header; the grammar of each is known elsewhere, and nothing here of any body.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Final

from pymailer.errors import MessageError
from pymailer.message.addresses import format_addresses, parse_addresses
from pymailer.message.dates import date_value
from pymailer.message.headers import custom_fields
from pymailer.message.list_fields import list_fields
from pymailer.message.message_ids import make_message_id
from pymailer.message.special import otp_field, priority_fields

if TYPE_CHECKING:
    from pymailer.message.model import Message
    from pymailer.message.parties import Parties
    from pymailer.results import Envelope

_FIELDS: Final = {
    "from": "from_",
    "sender": "sender",
    "to": "to",
    "cc": "cc",
    "reply-to": "reply_to",
    "in-reply-to": "in_reply_to",
    "references": "references",
    "subject": "subject",
    "message-id": "message_id",
    "date": "date",
    "x-mailer": "x_mailer",
}
"""Headers that a message has fields of its own for."""


def with_own_fields(data: Message) -> Message:
    """The message with each header that has a field of its own moved there; a field that is set wins."""
    own = [(name, field) for name in data.headers if (field := _FIELDS.get(_lower(name)))]
    if not own:
        return data
    data = copy(data)
    data.headers = dict(data.headers)
    for name, field in own:
        value = data.headers.pop(name)
        if getattr(data, field) is None:
            setattr(data, field, value)
    return data


def _lower(name: Any) -> str:
    return name.lower() if isinstance(name, str) else ""


def header_fields(data: Message, parties: Parties, envelope: Envelope) -> list[tuple[str, object]]:
    """The fields of a message's header but those of its body: a user's own first, as Nodemailer has it.

    Raises:
        MessageError: A value that cannot stand in its field.
    """
    found = _address_fields(data, parties)
    if data.in_reply_to:
        found.append(("In-Reply-To", data.in_reply_to))
    if data.references:
        found.append(("References", data.references))
    if data.subject is not None and data.subject != "":
        if not isinstance(data.subject, str):
            raise MessageError(f"subject is text, not {type(data.subject).__name__}")
        found.append(("Subject", data.subject))
    found.append(("Message-ID", data.message_id or make_message_id(parties.domain(envelope))))
    found.append(("Date", date_value(data.date)))
    found += special_fields(data)
    if not data.headers:
        return found
    named = {name.lower() for name, _ in found}
    return [*(field for field in custom_fields(data.headers) if field[0].lower() not in named), *found]


def _address_fields(data: Message, parties: Parties) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    if parties.from_:
        found.append(("From", format_addresses(parties.from_)))
    if parties.sender:
        found.append(("Sender", format_addresses(parties.sender)))
    if parties.to:
        found.append(("To", format_addresses(parties.to)))
    if parties.cc:
        found.append(("Cc", format_addresses(parties.cc)))
    if data.reply_to and (reply_to := parse_addresses(data.reply_to)):
        found.append(("Reply-To", format_addresses(reply_to)))
    return found


def special_fields(data: Message) -> list[tuple[str, object]]:
    """What a message says of itself besides: the program, how urgent it is, the list it is from, a one-time code."""
    found: list[tuple[str, object]] = []
    if data.x_mailer:
        found.append(("X-Mailer", data.x_mailer))
    if data.priority is not None:
        found += priority_fields(data.priority)
    if data.list is not None:
        found += list_fields(data.list)
    if data.otp is not None:
        found.append(otp_field(data.otp))
    return found
