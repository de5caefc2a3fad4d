"""A composed message as the fields of a mapping that could be composed to the same message again.

Read back from the octets that would have been sent, so whatever its content came from has been read exactly once, and
what middleware did to it is in there. Knows MIME through the standard library's parser; takes nothing from outside.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from pymailer.transport import Mail

Fields = dict[str, Any]

_ADDRESSES: Final = {"From": "from", "Sender": "sender", "Reply-To": "reply_to", "To": "to", "Cc": "cc"}
_TEXTS: Final = {
    "Subject": "subject",
    "In-Reply-To": "in_reply_to",
    "References": "references",
    "Message-ID": "message_id",
    "Date": "date",
}
_BODIES: Final = {
    "text/plain": "text",
    "text/html": "html",
    "text/watch-html": "watch_html",
    "text/x-amp-html": "amp",
}
_NOT_SAID_AGAIN: Final = frozenset({"mime-version", "dkim-signature"})
"""Headers that composing adds: a signature is of one writing of a message, and the next has other boundaries."""


def read_fields(mail: Mail, content: bytes) -> Fields:
    """The message as JSON-ready data: texts as `str`, other content in base64.

    Args:
        mail: The mail, for what is not in the message itself: the envelope, and how it is to be delivered.
        content: Its octets.
    """
    if mail.data.raw is not None:
        return {"raw": _base64(content), **_delivery(mail, explicit=True)}
    from email import message_from_bytes, policy

    message = message_from_bytes(content, policy=policy.SMTPUTF8.clone(refold_source="none"))
    fields = _header(message)
    for part in _leaves(message):
        _add_part(fields, part)
    for name in ("text", "html"):
        if name in fields:
            fields[name] = _as_given(getattr(mail.data, name), fields[name])
    return {**fields, **_unseen(mail, fields), **_delivery(mail, explicit=mail.data.envelope is not None)}


# --- the header ------------------------------------------------------------------------------------------------------


def _header(message: EmailMessage) -> Fields:
    fields: Fields = {}
    headers: dict[str, Any] = {}
    for name, value in message.items():
        if name in _ADDRESSES:
            fields[_ADDRESSES[name]] = _addresses(value, several=name not in ("From", "Sender"))
        elif name in _TEXTS:
            fields[_TEXTS[name]] = str(value)
        elif name.lower() not in _NOT_SAID_AGAIN and not name.lower().startswith("content-"):
            headers.setdefault(name, []).append(str(value))
    if headers:
        fields["headers"] = {name: values[0] if len(values) == 1 else values for name, values in headers.items()}
    return fields


def _addresses(header: Any, *, several: bool) -> Any:
    """One address as a mapping, several as a list; a group has a name, and is kept as text."""
    found: list[Any] = []
    for group in header.groups:
        members = [{"name": each.display_name, "address": each.addr_spec} for each in group.addresses]
        found += members if group.display_name is None else [str(group)]
    return found if several or len(found) != 1 else found[0]


def _unseen(mail: Mail, fields: Fields) -> Fields:
    """Recipients that no header names."""
    if mail.data.envelope is not None:
        return {}
    seen = {address for name in ("to", "cc") for address in _all_addresses(fields.get(name, ()))}
    unseen = [to for to in mail.envelope.to if to not in seen]
    return {"bcc": [{"name": "", "address": to} for to in unseen]} if unseen else {}


def _all_addresses(given: list[Any]) -> Iterator[str]:
    from pymailer.message.addresses import mailboxes, parse_addresses

    return (mailbox.address for mailbox in mailboxes(parse_addresses(given)))


def _delivery(mail: Mail, *, explicit: bool) -> Fields:
    """What the server is told, where the header does not say it."""
    fields: Fields = {}
    if explicit:
        fields["envelope"] = {"from": mail.envelope.from_, "to": list(mail.envelope.to)}
    if mail.dsn is not None:
        wishes = {
            "ret": mail.dsn.ret,
            "envid": mail.dsn.envid,
            "notify": list(mail.dsn.notify),
            "orcpt": mail.dsn.orcpt,
        }
        fields["dsn"] = {name: wish for name, wish in wishes.items() if wish}
    if mail.require_tls:
        fields["require_tls"] = True
    return fields


# --- the parts -------------------------------------------------------------------------------------------------------


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for child in part.iter_parts():
        yield from _leaves(cast("EmailMessage", child))


def _add_part(fields: Fields, part: EmailMessage) -> None:
    kind = part.get_content_type()
    if part.get_content_disposition() is None:
        if kind in _BODIES and _BODIES[kind] not in fields:
            fields[_BODIES[kind]] = _text(part)
        elif kind == "text/calendar" and "ical_event" not in fields:
            fields["ical_event"] = {"method": part.get_param("method", "PUBLISH"), "content": part.get_content()}
        else:
            fields.setdefault("alternatives", []).append(_attachment(part))
    elif kind == "application/ics" and "ical_event" in fields and "filename" not in fields["ical_event"]:
        fields["ical_event"]["filename"] = part.get_filename("invite.ics")
    else:
        fields.setdefault("attachments", []).append(_attachment(part))


def _text(part: EmailMessage) -> str:
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def _as_given(given: object, sent: str) -> str:
    """The text as the user wrote it, if it is what was sent but for its last line end."""
    return given if isinstance(given, str) and given.splitlines() == sent.splitlines() else sent


def _attachment(part: EmailMessage) -> Fields:
    own = {
        "filename": part.get_filename(),
        "content_type": str(part["Content-Type"]),
        "content_disposition": part.get_content_disposition(),
        "cid": str(part["Content-ID"]).strip("<>") if part["Content-ID"] else None,
    }
    headers = {name: str(value) for name, value in part.items() if not name.lower().startswith("content-")}
    fields: Fields = {name: value for name, value in own.items() if value}
    if headers:
        fields["headers"] = headers
    return {**fields, **_base64(_octets(part))}


def _octets(part: EmailMessage) -> bytes:
    if part.get_content_maintype() == "message":
        return part.get_payload(0).as_bytes() if part.is_multipart() else b""  # type: ignore[union-attr]
    return cast("bytes", part.get_payload(decode=True) or b"")


def _base64(content: bytes) -> Fields:
    return {"content": b64encode(content).decode("ascii"), "encoding": "base64"}
