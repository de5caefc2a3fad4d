"""What a part of a message is made of, as a user says it: an attachment, a body given as a mapping, a calendar event.

Checks the form of what was given; opens nothing.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any, BinaryIO, Final, Literal, TypeAlias, cast

import attrs

from pymailer.errors import MessageError
from pymailer.message.data_uri import is_data_uri
from pymailer.message.keys import Keys
from pymailer.message.media_types import parse_media_type
from pymailer.message.message_ids import content_id
from pymailer.message.web_address import WebAddress
from pymailer.secret import Secret

Content: TypeAlias = (
    "str | bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO | Iterable[bytes] | AsyncIterable[bytes]"
)
"""Octets, or where they come from. A `str` is the content itself, never the name of a file."""

_TRANSFER_ENCODINGS: Final = {"7bit", "8bit", "quoted-printable", "base64"}
_SOURCES: Final = ("content", "path", "href", "raw")


def _type_checked(_: object, __: object, value: str | None) -> None:
    if value is None:
        return
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] -- what a user gave
        raise MessageError(f"content_type must be text, not {type(value).__name__}")
    if parse_media_type(value).main == "multipart":
        raise MessageError(f"{value!r}: a part with content of its own cannot be a multipart (RFC 2046 5.1)")


def _cid(value: str | None) -> str | None:
    """A content id without its brackets."""
    return None if value is None else content_id(value)[1:-1]


def _disposition(value: str | None) -> str | None:
    if value is None:
        return None
    word = value.strip().lower() if isinstance(value, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]
    if word not in {"attachment", "inline"}:
        raise MessageError(f"content_disposition must be 'attachment' or 'inline', not {value!r}")
    return word


def transfer_encoding(value: str | None) -> str | None:
    """A Content-Transfer-Encoding by its name, or ``None`` to choose by content.

    Raises:
        MessageError: It is none that mail can carry.
    """
    if value is None:
        return None
    word = value.strip().lower() if isinstance(value, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]
    if word not in _TRANSFER_ENCODINGS:
        raise MessageError(f"a transfer encoding is one of {', '.join(sorted(_TRANSFER_ENCODINGS))}, not {value!r}")
    return word


def _path(value: str | os.PathLike[str] | None) -> str | os.PathLike[str] | None:
    if value is None or isinstance(value, os.PathLike):
        return value
    if not isinstance(value, str) or not value:  # pyright: ignore[reportUnnecessaryIsInstance] -- what a user gave
        raise MessageError(f"path must be a path, not {value!r}")
    scheme = value.partition(":")[0].lower() if "://" in value else ""
    if scheme in {"http", "https", "ftp", "file"}:
        raise MessageError(f"path names a file, and {scheme}: does not; a web address goes in href")
    if value.startswith("\\\\"):
        raise MessageError("a path on another machine is not read: its name would be told to that machine")
    return value


def _href(value: str | None) -> str | None:
    if value is None or is_data_uri(value):
        return value
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] -- what a user gave
        raise MessageError(f"href must be text, not {type(value).__name__}")
    WebAddress.of(Secret(value))
    return value


def _text_or_none(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and value is not False and not isinstance(value, str):
        raise MessageError(f"{attribute.name} must be text, not {type(value).__name__}")


def _mapping_or_none(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise MessageError(f"{attribute.name} must be a mapping, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class Attachment:
    """A file that goes with a message, or a body with more to say than its text.

    Exactly one of `content`, `path`, `href` and `raw` says where its octets come from.

    Attributes:
        filename: The name that is shown; taken from `path` or `href`, or made up, if not given; ``False`` for none.
        content: The octets, or where they come from; text counts as UTF-8.
        path: A file to read, or a ``data:`` URI.
        href: An ``http:`` or ``https:`` address to fetch, or a ``data:`` URI.
        content_type: The media type with its parameters; else by the extension of the name.
        content_disposition: ``"attachment"``, or ``"inline"``.
        cid: The content id by which HTML refers to it (``cid:…``), with or without angle brackets.
        encoding: How a `content` of text stands for octets: ``"base64"``, ``"hex"``, or a character set.
        content_transfer_encoding: How it travels: ``"base64"`` if not given, but for messages and text bodies.
        headers: More headers for this part.
        http_headers: Headers for the request to `href`.
        raw: The whole part with its headers, instead of all else.
    """

    filename: str | Literal[False] | None = attrs.field(default=None, validator=_text_or_none)
    content: Content | None = attrs.field(default=None, repr=False)
    path: str | os.PathLike[str] | None = attrs.field(default=None, converter=_path)
    href: str | None = attrs.field(default=None, converter=_href, repr=False)
    content_type: str | None = attrs.field(default=None, validator=_type_checked)
    content_disposition: str | None = attrs.field(default=None, converter=_disposition)
    cid: str | None = attrs.field(default=None, converter=_cid)
    encoding: str | None = attrs.field(default=None, validator=_text_or_none)
    content_transfer_encoding: str | None = attrs.field(default=None, converter=transfer_encoding)
    headers: Any = None
    http_headers: Mapping[str, str] | None = attrs.field(default=None, validator=_mapping_or_none, repr=False)
    raw: Any = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        given = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            what = " and ".join(given) or "none"
            raise MessageError(f"{self._label()} needs one of content, path, href and raw, and has {what}")

    def _label(self) -> str:
        return f"the part {self.filename!r}" if self.filename else "a part"

    @classmethod
    def of(cls, value: object, keys: Keys | None = None) -> Attachment:
        """The attachment that a given value is: one already, a mapping, or a path.

        Raises:
            MessageError: It is none.
        """
        if isinstance(value, Attachment):
            return value
        if isinstance(value, os.PathLike):
            return cls(path=value)  # pyright: ignore[reportUnknownArgumentType] -- a path of text or a mistake
        if isinstance(value, Mapping):
            return cls(**(keys or ATTACHMENT_KEYS).read(value))  # pyright: ignore[reportUnknownArgumentType]
        raise MessageError(f"an attachment is a mapping or an Attachment, not {type(value).__name__}")

    @classmethod
    def body(cls, value: Any) -> Attachment:
        """The same for the body of a message, which may be plain content as well."""
        if isinstance(value, (Attachment, Mapping)):
            return cls.of(cast("object", value), BODY_KEYS)
        return cls(content=value)


_NAMES = tuple(field.name for field in attrs.fields(Attachment))
ATTACHMENT_KEYS: Final = Keys.of("attachment field", _NAMES)
BODY_KEYS: Final = Keys.of("field of a body", _NAMES)


def _method(value: str) -> str:
    """An iTIP method (RFC 5546 1.4), in capitals."""
    word = value.strip().upper() if isinstance(value, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]
    if not word.isascii() or not word.replace("-", "").isalnum():
        raise MessageError(f"an event's method is a word such as 'REQUEST', not {value!r}")
    return word


def _file_name(value: str | None) -> str:
    if value is not None and not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise MessageError(f"filename must be text, not {type(value).__name__}")
    return value or "invite.ics"


@attrs.frozen(kw_only=True)
class ICalEvent:
    """A calendar event (RFC 5545), sent as an alternative that calendars act on and as an attachment for the rest.

    Attributes:
        method: What the event asks for (RFC 5546 1.4).
        filename: The name of the attachment.
        content: The iCalendar text, or where it comes from.
        path: A file to read it from.
        href: An address to fetch it from.
        encoding: How a `content` of text stands for octets.
        http_headers: Headers for the request to `href`.
        headers: More headers for the alternative.
    """

    method: str = attrs.field(default="PUBLISH", converter=_method)
    filename: str = attrs.field(default="invite.ics", converter=_file_name)
    content: Content | None = attrs.field(default=None, repr=False)
    path: str | os.PathLike[str] | None = None
    href: str | None = attrs.field(default=None, repr=False)
    encoding: str | None = None
    http_headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    headers: Any = None

    @classmethod
    def of(cls, value: Any) -> ICalEvent:
        """The event that a given value is: one already, a mapping, or its content.

        Raises:
            MessageError: It is none.
        """
        if isinstance(value, ICalEvent):
            return value
        if isinstance(value, Mapping):
            return cls(**EVENT_KEYS.read(value))  # pyright: ignore[reportUnknownArgumentType] -- a user's own mapping
        return cls(content=value)

    def source(self) -> Attachment:
        """Where its octets come from."""
        return Attachment(
            content=self.content,
            path=self.path,
            href=self.href,
            encoding=self.encoding,
            http_headers=self.http_headers,
        )


EVENT_KEYS: Final = Keys.of("field of ical_event", (field.name for field in attrs.fields(ICalEvent)))
