"""A message as a user says it: one attrs class with all its fields, before anything is read, parsed or encoded.

Knows the names and the forms of the fields; must not know how any of them looks on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, cast

import attrs

from pymailer.errors import MessageError
from pymailer.message.attachment import Attachment, Content, ICalEvent, transfer_encoding
from pymailer.message.keys import Keys

if TYPE_CHECKING:
    from datetime import datetime

    from pymailer.message.mailbox import Address
    from pymailer.results import Envelope

Recipients: TypeAlias = "str | Address | Mapping[str, Any] | Iterable[Recipients]"
"""An address in any of its forms, or several of them."""

Body: TypeAlias = "Content | Mapping[str, Any] | Attachment"
"""What a text or an attachment consists of."""

Attachments: TypeAlias = "list[Attachment]"

_NO_FIELDS: Final[frozenset[str]] = frozenset()


def headers_dict(value: Any) -> dict[str, Any]:
    """Headers by name as a new dict, in the order given; what stands twice in pairs becomes a list.

    Raises:
        MessageError: It is neither a mapping nor pairs.
    """
    if not value:
        return {}
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    return _gathered(value)


def _gathered(pairs: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for name, item in _pairs(pairs):
        key = spelled.setdefault(name.lower(), name)
        result[key] = [*several(result[key]), *several(item)] if key in result else item
    return result


def _pairs(value: Any) -> Iterable[tuple[str, Any]]:
    name: Any
    try:
        for pair in value:
            name, item = (pair["key"], pair["value"]) if hasattr(pair, "keys") else pair
            if not isinstance(name, str):
                raise MessageError(f"the name of a header is text, not {name!r}")
            yield name, item
    except (TypeError, ValueError, KeyError) as error:
        raise MessageError(f"headers are a mapping or pairs of name and value: {error}") from error


def several(value: Any) -> list[Any]:
    """The values of a header that may be given as a list."""
    return list(cast("Iterable[Any]", value)) if isinstance(value, (list, tuple)) else [value]


def _attachments(value: Any) -> list[Attachment]:
    if not value:
        return []
    return [Attachment.of(value)] if _single(value) else [Attachment.of(item) for item in value]


def _single(value: object) -> bool:
    return isinstance(value, (Mapping, str, bytes)) or not hasattr(value, "__iter__")


def _no_attachments() -> list[Attachment]:
    return []


def _no_headers() -> dict[str, Any]:
    return {}


def _event(value: Any) -> ICalEvent | None:
    return None if value is None else ICalEvent.of(value)


def _switch(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not isinstance(value, bool):
        raise MessageError(f"{attribute.name} must be True or False, not {value!r}")


def _callable(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise MessageError(f"{attribute.name} must be a function, not {type(value).__name__}")


def _flag() -> Any:
    return attrs.field(default=None, validator=_switch)


@attrs.define(kw_only=True, eq=False)
class Message:
    """A message to send. All fields are optional until it is composed.

    Attributes:
        from_: Who it is from; several mailboxes need a `sender`.
        sender: Who sends it on behalf of them (RFC 5322 3.6.2).
        to: Whom it is for.
        cc: Who gets a copy.
        bcc: Who gets a copy unseen: in the envelope, and never in a header.
        reply_to: Where answers go.
        in_reply_to: The Message-ID this one answers.
        references: The Message-IDs of the conversation, as text or a list.
        subject: What it is about.
        text: The body as plain text.
        html: The body as HTML.
        watch_html: The body for small screens (``text/watch-html``).
        amp: The body as AMP for Email (``text/x-amp-html``).
        ical_event: A calendar event.
        alternatives: More forms of the body, least preferred first.
        attachments: What goes with it.
        headers: More headers; a list repeats one, ``None`` drops it.
        list: List-* headers (RFC 2369, RFC 2919, RFC 8058).
        priority: ``"high"``, ``"normal"`` or ``"low"``.
        message_id: Its Message-ID; made up if not given.
        date: When it was written, with a time zone; now if not given.
        encoding: How texts given as `str` stand for octets (``"base64"``, ``"hex"``).
        text_encoding: How text travels: ``"quoted-printable"`` or ``"base64"``; chosen by content if not given.
        envelope: Sender and recipients for the server, instead of those of the headers.
        raw: The whole message, ready made.
        dsn: Which delivery status notifications are wanted (RFC 3461).
        attach_data_urls: Turn ``data:`` images of the HTML into attachments.
        disable_file_access: Refuse content from files.
        disable_url_access: Refuse content from the web.
        normalize_header_key: Called with name and value of each header; returns the name to write.
        dkim: How to sign it.
        x_mailer: The X-Mailer header; ``False`` for none, whatever the mailer says.
        require_tls: Deliver over TLS all the way or not at all (RFC 8689).
        otp: A one-time password that is in it, for programs to find.
    """

    from_: Recipients | None = None
    sender: Recipients | None = None
    to: Recipients | None = None
    cc: Recipients | None = None
    bcc: Recipients | None = None
    reply_to: Recipients | None = None
    in_reply_to: str | Iterable[str] | None = None
    references: str | Iterable[str] | None = None
    subject: str | None = None
    text: Body | None = attrs.field(default=None, repr=False)
    html: Body | None = attrs.field(default=None, repr=False)
    watch_html: Body | None = attrs.field(default=None, repr=False)
    amp: Body | None = attrs.field(default=None, repr=False)
    ical_event: ICalEvent | None = attrs.field(default=None, converter=_event, repr=False)
    alternatives: Attachments = attrs.field(factory=_no_attachments, converter=_attachments, repr=False)
    attachments: Attachments = attrs.field(factory=_no_attachments, converter=_attachments, repr=False)
    headers: dict[str, Any] = attrs.field(factory=_no_headers, converter=headers_dict, repr=False)
    list: Any = None
    priority: str | None = None
    message_id: str | None = None
    date: datetime | str | None = None
    encoding: str | None = None
    text_encoding: str | None = attrs.field(default=None, converter=transfer_encoding)
    envelope: Envelope | Mapping[str, Any] | None = None
    raw: Any = attrs.field(default=None, repr=False)
    dsn: Any = None
    attach_data_urls: bool | None = _flag()
    disable_file_access: bool | None = _flag()
    disable_url_access: bool | None = _flag()
    normalize_header_key: Callable[[str, str], str | None] | None = attrs.field(default=None, validator=_callable)
    dkim: Any = attrs.field(default=None, repr=False)
    x_mailer: str | bool | None = None
    require_tls: bool | None = _flag()
    otp: Any = attrs.field(default=None, repr=False)
    inherited: frozenset[str] = attrs.field(default=_NO_FIELDS, init=False, repr=False)
    """The fields that come from a mailer's defaults, where that makes a difference: beside `raw`."""
    _emptied: frozenset[str] = attrs.field(init=False, repr=False)

    def __new__(cls, **given: Any) -> Self:
        """Note which fields are given as nothing: they unset a default, which a field that is not given does not."""
        self = object.__new__(cls)
        emptied = _NO_FIELDS
        copied = len(given) == len(FIELD_NAMES)  # by attrs.evolve, which knows no field that is not given
        if not copied and not all(given.values()):
            emptied = frozenset([name for name, value in given.items() if not value])
        object.__setattr__(self, "_emptied", emptied)
        return self

    def given(self) -> dict[str, Any]:
        """The fields that say something, or were given as nothing on purpose, by name."""
        return {name: value for name in FIELD_NAMES if (value := getattr(self, name)) or name in self._emptied}


FIELD_NAMES: Final = tuple(field.name for field in attrs.fields(Message) if field.init)
MESSAGE_KEYS: Final = Keys.of("message field", FIELD_NAMES, {"from": "from_", "requireTLS": "require_tls"})
