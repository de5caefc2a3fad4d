"""The header of a message from its fields, in Nodemailer's order: a user's own first.

Knows which field becomes which header; the grammar of each is known elsewhere, and nothing here of any body.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Final

from pymailer.errors import MessageError
from pymailer.message.dates import date_value
from pymailer.message.headers import custom_fields, field_value
from pymailer.message.list_fields import list_fields
from pymailer.message.message_ids import make_message_id
from pymailer.message.parties import Party
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
    own = [(name, field) for name in data.headers if (field := _FIELDS.get(_lower(name)))] if data.headers else []
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


def header_fields(
    data: Message, parties: Parties, own_id: str, x_mailer: str | bool | None = None
) -> list[tuple[str, str]]:
    """The fields of a message's header but those of its body, checked: a user's own first, as Nodemailer has it.

    Args:
        data: The message.
        parties: Whom its address fields name.
        own_id: Its Message-ID.
        x_mailer: What X-Mailer says, unless the message says otherwise.

    Raises:
        MessageError: A value that cannot stand in its field.
    """
    found = _address_fields(data, parties)
    if data.in_reply_to:
        found.append(("In-Reply-To", field_value("In-Reply-To", data.in_reply_to)))
    if data.references:
        found.append(("References", field_value("References", data.references)))
    if data.subject is not None and data.subject != "":
        if not isinstance(data.subject, str):
            raise MessageError(f"subject is text, not {type(data.subject).__name__}")
        found.append(("Subject", field_value("Subject", data.subject)))
    found.append(("Message-ID", own_id))
    found.append(("Date", date_value(data.date)))
    found += [(name, field_value(name, value)) for name, value in special_fields(data, x_mailer)]
    if not data.headers:
        return found
    named = {name.lower() for name, _ in found}
    return [*(field for field in custom_fields(data.headers) if field[0].lower() not in named), *found]


def own_message_id(data: Message, parties: Parties, envelope: Envelope) -> str:
    """The Message-ID that the message was given, or a new one.

    Raises:
        MessageError: What was given is none.
    """
    if data.message_id:
        return field_value("Message-ID", data.message_id)
    return make_message_id(parties.domain(envelope))


def _address_fields(data: Message, parties: Parties) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if parties.from_.parsed:
        found.append(("From", parties.from_.value))
    if parties.sender.parsed:
        found.append(("Sender", parties.sender.value))
    if parties.to.parsed:
        found.append(("To", parties.to.value))
    if parties.cc.parsed:
        found.append(("Cc", parties.cc.value))
    if data.reply_to and (reply_to := Party.author(data.reply_to)).parsed:
        found.append(("Reply-To", reply_to.value))
    return found


def special_fields(data: Message, x_mailer: str | bool | None = None) -> list[tuple[str, object]]:
    """What a message says of itself besides: the program, how urgent it is, the list it is from, a one-time code."""
    found: list[tuple[str, object]] = []
    if x_mailer := x_mailer if data.x_mailer is None else data.x_mailer:
        found.append(("X-Mailer", x_mailer))
    if data.priority is not None:
        found += priority_fields(data.priority)
    if data.list is not None:
        found += list_fields(data.list)
    if data.otp is not None:
        found.append(otp_field(data.otp))
    return found
