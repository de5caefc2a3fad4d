"""The parts of a message as leaves of its tree: which header fields each has, and where its content comes from.

Decides names, types and dispositions; reads no content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from urllib.parse import unquote, urlsplit

import attrs

from pymailer.errors import MessageError
from pymailer.message.attachment import Attachment, ICalEvent
from pymailer.message.coding import IDENTITY
from pymailer.message.content import encoded
from pymailer.message.data_uri import is_data_uri, parse_data_uri
from pymailer.message.field_values import check_name, field_value
from pymailer.message.format_flowed import flowed
from pymailer.message.headers import Encoded
from pymailer.message.media_types import OCTETS, MediaType, extension_of, parse_media_type, type_of
from pymailer.message.model import headers_dict, several
from pymailer.message.node import Leaf
from pymailer.message.origins import Access, charset_given, encoding_left, origin_of
from pymailer.message.parameters import base_name, encode_fallback, with_parameters
from pymailer.message.part_head import PartHead

if TYPE_CHECKING:
    from pymailer.message.model import Message

_BODIES: Final = {
    "text": "text/plain",
    "watch_html": "text/watch-html",
    "amp": "text/x-amp-html",
    "html": "text/html",
}
"""The bodies of a message in the order of its alternatives, which is Nodemailer's."""

_HEADS: Final = {
    name: PartHead((("Content-Type", Encoded(f"{media_type}; charset=utf-8")),)) for name, media_type in _BODIES.items()
}
_NO_HEAD: Final = PartHead(())

_Pairs: TypeAlias = tuple[tuple[str, str], ...]
_SHORT: Final = 200
"""Characters in the name of an attachment that are worth remembering."""

_WIDE: Final = ("utf-16", "utf-32", "utf16", "utf32", "ucs")
"""Character sets whose line ends are not the octets CR and LF."""
_READABLE: Final = frozenset({"7bit", "8bit", "quoted-printable"})
_OWN_FIELD: Final = {
    "content-type": "content_type",
    "content-disposition": "content_disposition",
    "content-transfer-encoding": "content_transfer_encoding",
    "content-id": "cid",
}


def body_leaves(message: Message, access: Access) -> list[Leaf]:
    """The forms of the body, least preferred first.

    An empty text makes no part, unless there is no other body.
    """
    given = [(name, value) for name in _BODIES if (value := getattr(message, name)) is not None]
    full = [(name, value) for name, value in given if not _is_empty(value)]
    others = message.ical_event or message.alternatives
    return [body_leaf(name, value, message, access) for name, value in full or ([] if others else given[:1])]


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value
    if isinstance(value, Attachment):
        value = value.content
    elif isinstance(value, Mapping):
        value = cast("Mapping[str, Any]", value).get("content", value)
    return isinstance(value, (str, bytes)) and not value


def body_leaf(name: str, value: Any, message: Message, access: Access) -> Leaf:
    """The leaf of the body `value` that `message` has in its field `name`."""
    if type(value) is str and message.encoding is None:  # nearly all there is
        return Leaf(_BODIES[name], _HEADS[name], encoded(value), True, message.text_encoding)
    part = Attachment.body(value)
    if part.encoding is None and message.encoding is not None and isinstance(part.content, str):
        part = attrs.evolve(part, encoding=message.encoding)
    if part.raw is not None:
        return _whole(part, access)
    media = parse_media_type(part.content_type or _BODIES[name])
    leaf = _text_leaf(media, part, access)
    leaf.transfer = leaf.transfer or message.text_encoding
    return leaf


def _text_leaf(media: MediaType, part: Attachment, access: Access) -> Leaf:
    """Text: with a charset, with CRLF line ends, encoded as its content asks for."""
    parameters = dict(media.parameters)
    if media.main == "text":
        parameters.setdefault("charset", charset_given(part))
    charset = parameters.get("charset", "utf-8")
    if _to_be_flowed(part, parameters):
        part = attrs.evolve(part, content=flowed(str(part.content)))
    return Leaf(
        media.name,
        PartHead([("Content-Type", with_parameters(media.name, parameters)), *_own_fields(part)]),
        origin_of(part, access, charset),
        text=media.main == "text" and not charset.lower().startswith(_WIDE),
        transfer=part.content_transfer_encoding,
        content_encoding=encoding_left(part),
    )


def _to_be_flowed(part: Attachment, parameters: Mapping[str, str]) -> bool:
    """Whether text that was given as `str` is to be written as RFC 3676 has it; octets are what they are."""
    asked = parameters.get("format", "").lower() == "flowed" and parameters.get("delsp", "no").lower() == "no"
    return asked and isinstance(part.content, str) and part.encoding is None


def alternative_leaf(part: Attachment, access: Access) -> Leaf:
    """The leaf of one more form of the body."""
    if part.raw is not None:
        return _whole(part, access)
    return _text_leaf(_media_type(part, _given_name(part) or "body.txt"), part, access)


def event_leaf(event: ICalEvent, access: Access) -> Leaf:
    """The leaf of a calendar event among the forms of the body."""
    part = attrs.evolve(event.source(), headers=event.headers)
    return _text_leaf(MediaType("text/calendar", {"charset": "utf-8", "method": event.method}), part, access)


def event_attachment(event: ICalEvent, alternative: Leaf) -> Leaf:
    """The event once more for those who can only open a file, with the content of its `alternative`."""
    fields = [
        ("Content-Type", _named("application/ics", {}, event.filename)),
        ("Content-Disposition", with_parameters("attachment", {"filename": base_name(event.filename)})),
    ]
    return Leaf("application/ics", PartHead(fields), alternative.origin, content_encoding=alternative.content_encoding)


# --- attachments -----------------------------------------------------------------------------------------------------


def attachment_leaf(part: Attachment, number: int, access: Access) -> Leaf:
    """The leaf of an attachment; one without any name is called by its `number`, from 1."""
    if part.raw is not None:
        return _whole(part, access)
    name = _given_name(part)
    media = _media_type(part, name)
    message = media.main == "message"
    if name is None and part.filename is None and not message:
        name = f"attachment-{number}.{extension_of(media.name)}"
    parameters = dict(media.parameters)
    if media.main == "text" and isinstance(part.content, str) and not part.encoding:
        parameters.setdefault("charset", "utf-8")
    disposition = part.content_disposition or (
        "inline" if message or (part.cid and media.main == "image") else "attachment"
    )
    transfer = _transfer_of_message(media, part) if message else part.content_transfer_encoding
    return Leaf(
        media.name,
        _attachment_head(media.name, tuple(parameters.items()), name, disposition, tuple(_own_fields(part))),
        origin_of(part, access, parameters.get("charset", "utf-8")),
        text=message or (media.main == "text" and transfer in _READABLE),
        transfer=transfer,
        content_encoding=encoding_left(part),
        inline=part.cid is not None,
    )


def _attachment_head(media_type: str, parameters: _Pairs, name: str | None, disposition: str, own: _Pairs) -> PartHead:
    """The header of an attachment; the same one for many messages, unless there is something unusual about it."""
    usual = len(name or "") <= _SHORT and all(type(value) is Encoded for _, value in own)
    make = _usual_attachment_head if usual else _new_attachment_head
    return make(media_type, parameters, name, disposition, own)


def _new_attachment_head(
    media_type: str, parameters: _Pairs, name: str | None, disposition: str, own: _Pairs
) -> PartHead:
    filename = {"filename": name} if name else {}
    return PartHead(
        [
            ("Content-Type", _named(media_type, dict(parameters), name)),
            *own,
            ("Content-Disposition", with_parameters(disposition, filename)),
        ]
    )


_usual_attachment_head: Final = lru_cache(256)(_new_attachment_head)


def _transfer_of_message(media: MediaType, part: Attachment) -> str:
    """RFC 2046 5.2.1: a message in a message goes as it is."""
    if part.content_transfer_encoding in {"base64", "quoted-printable"}:
        raise MessageError(f"{media.name} may not be in {part.content_transfer_encoding} (RFC 2046 5.2.1)")
    return part.content_transfer_encoding or IDENTITY


def _whole(part: Attachment, access: Access) -> Leaf:
    """A part that comes with its header."""
    inner = Attachment.body(part.raw)
    return Leaf("", _NO_HEAD, origin_of(inner, access), text=True, transfer=IDENTITY, whole=True)


def _media_type(part: Attachment, name: str | None) -> MediaType:
    if part.content_type is not None:
        return parse_media_type(part.content_type)
    for uri in (part.path, part.href):
        if isinstance(uri, str) and is_data_uri(uri):
            return parse_media_type(parse_data_uri(uri).content_type)
    for guess in (name, _name_in_place(part)):
        if guess and (found := type_of(guess)):
            return MediaType(found)
    return MediaType(OCTETS)


def _given_name(part: Attachment) -> str | None:
    """The name to show: the last part of what was given, or of the path or address of the content."""
    name = _name_in_place(part) if part.filename is None else base_name(part.filename or "")
    return name if name and name.strip() else None


def _name_in_place(part: Attachment) -> str | None:
    path = part.content if isinstance(part.content, PurePath) else part.path
    if path is not None and not is_data_uri(path):
        return base_name(str(path)) or None
    if part.href is not None and not is_data_uri(part.href):
        return base_name(unquote(urlsplit(part.href).path)) or None
    return None


def _named(media_type: str, parameters: Mapping[str, str], name: str | None) -> Encoded:
    """A content type with the ``name`` that some programs read instead of the disposition's ``filename``."""
    value = with_parameters(media_type, parameters)
    fallback = encode_fallback("name", name) if name and "name" not in parameters else None
    return Encoded(f"{value}; {fallback}") if fallback else value


def _own_fields(part: Attachment) -> Iterator[tuple[str, str]]:
    """The fields that a user gave for this part."""
    for name, given in headers_dict(part.headers).items():
        own = _OWN_FIELD.get(check_name(name).lower())
        if own is not None:
            raise MessageError(f"{name} of a part is given as {own}")
        if name.lower() in {"bcc", "resent-bcc"}:
            raise MessageError(f"{name} is never a header of what is sent")
        for value in several(given):
            if value is not None:
                yield name, field_value(name, value)
    if part.cid is not None:
        yield "Content-ID", field_value("Content-ID", f"<{part.cid}>")
