"""``data:`` URIs (RFC 2397): octets and their media type, written out in place of an address.

One pass, no guessing: what is not well formed is refused.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Final
from urllib.parse import unquote_to_bytes

import attrs

from pymailer.errors import MessageError
from pymailer.message.media_types import parse_media_type

MAX_SIZE: Final = 50 * 1024 * 1024
"""Characters that a ``data:`` URI may have."""

DEFAULT_TYPE: Final = "text/plain;charset=US-ASCII"
"""What RFC 2397 says of a URI that names no type."""


@attrs.frozen
class DataURI:
    """What a ``data:`` URI holds.

    Attributes:
        content_type: The media type with its parameters.
        data: The octets.
    """

    content_type: str
    data: bytes = attrs.field(repr=False)


def is_data_uri(value: object) -> bool:
    """Whether `value` is text that begins with ``data:``."""
    return isinstance(value, str) and value[:5].lower() == "data:"


def parse_data_uri(uri: str) -> DataURI:
    """Read ``data:[type][;parameters][;base64],octets``.

    Raises:
        MessageError: It is malformed, or larger than `MAX_SIZE`.
    """
    if len(uri) > MAX_SIZE:
        raise MessageError(f"a data: URI of {len(uri)} characters is too long; the limit is {MAX_SIZE}")
    head, comma, body = uri[5:].partition(",")
    if not comma and head:
        raise MessageError("a data: URI has a comma before its content (RFC 2397)")
    media_type, _, last = head.rpartition(";")
    if last.strip().lower() == "base64":
        return DataURI(_media_type(media_type), _from_base64(body))
    return DataURI(_media_type(head), _from_percent(body))


def _media_type(text: str) -> str:
    text = text.strip()
    if text.startswith(";"):
        text = f"text/plain{text}"
    if not text:
        return DEFAULT_TYPE
    parse_media_type(text)
    return text


def _from_base64(text: str) -> bytes:
    data = unquote_to_bytes(text)
    try:
        return b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except ValueError as error:
        raise MessageError(f"a data: URI has content that is not base64: {error}") from error


def _from_percent(text: str) -> bytes:
    try:
        return unquote_to_bytes(text)
    except UnicodeEncodeError as error:
        raise MessageError(f"a data: URI has content that cannot be read: {error}") from error
