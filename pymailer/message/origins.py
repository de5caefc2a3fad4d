"""Where the content of a part comes from, and whether it may be opened at all.

Decides; opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from pymailer.errors import MessageError
from pymailer.message.content import Source, encoded, source_of
from pymailer.message.data_uri import is_data_uri, parse_data_uri
from pymailer.message.encoding import decode_content
from pymailer.message.web_address import WebAddress
from pymailer.secret import Secret

if TYPE_CHECKING:
    from pymailer.message.attachment import Attachment

_BINARY_ENCODINGS: Final = frozenset({"base64", "base64url", "hex"})


@attrs.frozen
class Access:
    """Which content may be opened."""

    files: bool = True
    urls: bool = True


@attrs.frozen
class Remote:
    """Content that has to be fetched.

    Attributes:
        href: Its address.
        headers: Headers for the request.
    """

    href: Secret[str]
    headers: Secret[Mapping[str, str]]


Origin: TypeAlias = bytes | Source | Path | Remote
"""Octets, or where they come from; of a path or an address nothing is known before somebody looks."""


def origin_of(part: Attachment, access: Access, charset: str = "utf-8") -> Origin:
    """Where the content of `part` comes from; text in memory in `charset`.

    Raises:
        MessageError: It must not be opened (``EFILEACCESS``, ``EURLACCESS``), or is no content.
    """
    for uri in (part.path, part.href):
        if isinstance(uri, str) and is_data_uri(uri):
            return parse_data_uri(uri).data
    if part.href is not None:
        return _remote(Secret(part.href), Secret(part.http_headers or {}), access)
    if part.path is not None:
        return _file(Path(part.path), access)
    content = part.content
    if isinstance(content, (str, bytes)) and part.encoding is not None:
        return decode_content(content, part.encoding)
    if isinstance(content, str):
        return encoded(content, charset)
    origin = source_of(content)
    if isinstance(origin, bytes) and part.encoding is not None:  # a bytearray, or an open file in memory
        return decode_content(origin, part.encoding)
    return _file(origin, access) if isinstance(origin, Path) else origin


def encoding_left(part: Attachment) -> str | None:
    """The encoding that is to be undone once the content was read."""
    return None if isinstance(part.content, (str, bytes)) else part.encoding


def charset_given(part: Attachment) -> str:
    """The character set in which text in memory becomes octets."""
    if part.encoding is None or not isinstance(part.content, str):
        return "utf-8"
    name = part.encoding.lower().replace("-", "").replace("_", "")
    return "utf-8" if name in _BINARY_ENCODINGS else part.encoding


def _file(path: Path, access: Access) -> Path:
    if not access.files:
        raise MessageError(f"file access is disabled, and {path} is a file", code="EFILEACCESS")
    return path


def _remote(href: Secret[str], headers: Secret[Mapping[str, str]], access: Access) -> Remote:
    address = WebAddress.of(href)
    if not access.urls:
        raise MessageError(f"URL access is disabled, and content is at {address.host}", code="EURLACCESS")
    return Remote(href, headers)
