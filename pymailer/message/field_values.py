"""What may stand in a header field: the name, and the value by the grammar of that name.

Knows which fields are structured and who reads their values; everything else is text. Refuses what no header may hold
and never repairs it. Knows nothing of encoding or folding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import cast

from pymailer.errors import MessageError
from pymailer.message.addresses import format_addresses, parse_addresses
from pymailer.message.characters import BLANKS, CONTROL, described, shown
from pymailer.message.dates import date_value
from pymailer.message.encoded_words import Encoded
from pymailer.message.keys import Keys
from pymailer.message.message_ids import content_id, message_id, references

MAX_NAME = 76
_PAIR_KEYS = Keys.of("key of a header", ("key", "value"))

_NAME = re.compile(r"[!-9;-~]++")  # RFC 5322 3.6.8


@lru_cache(maxsize=256)
def check_name(name: str) -> str:
    """`name`, if it is a field name.

    Raises:
        MessageError: It is not one (RFC 5322 3.6.8): printable ASCII without blanks and colons.
    """
    if not isinstance(name, str) or len(name) > MAX_NAME or _NAME.fullmatch(name) is None:
        raise MessageError(f"{shown(name)} is not a header name (RFC 5322 3.6.8)")
    return name


def structured(value: object) -> Encoded:
    """A value of a structured field that is given in its wire form: ASCII, and nothing in it is ever encoded.

    Raises:
        MessageError: It holds something else.
    """
    text = _text(value)
    if not text.isascii():
        raise MessageError(f"{shown(text)} is not ASCII, and this header takes no encoded words")
    return Encoded(text.strip(BLANKS))


def _addresses(value: object) -> Encoded:
    return format_addresses(parse_addresses(value))


def _text(value: object) -> str:
    """Text without control characters; a number is its digits."""
    if not isinstance(value, str):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        raise MessageError(f"a header value is text or a number, not {type(value).__name__}: {shown(value)}")
    if not value.isprintable() and (control := CONTROL.search(value)):
        raise MessageError(f"a header value contains {described(control[0])}: {shown(value)}")
    return value


def _names(names: str) -> Iterator[str]:
    for name in names.split():
        yield name
        yield f"resent-{name}"


_READERS: dict[str, Callable[[object], Encoded]] = {
    **dict.fromkeys(_names("from sender to cc bcc reply-to"), _addresses),
    **dict.fromkeys(("disposition-notification-to", "return-receipt-to", "errors-to", "mail-followup-to"), _addresses),
    **dict.fromkeys(_names("message-id"), message_id),
    **dict.fromkeys(("in-reply-to", "references"), references),
    **dict.fromkeys(_names("date"), date_value),
    "content-id": content_id,
    **dict.fromkeys(
        (
            *("mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-location"),
            *("list-archive", "list-help", "list-owner", "list-post", "list-subscribe", "list-unsubscribe"),
            *("list-unsubscribe-post", "auto-submitted", "importance", "precedence", "otp-token"),
            *("return-path", "received", "authentication-results", "dkim-signature"),
            *("arc-seal", "arc-message-signature", "arc-authentication-results"),
        ),
        structured,
    ),
}


def field_value(name: str, value: object) -> str:
    """What a user gave for the field `name`, checked: in wire form for a structured field, as text for any other.

    Args:
        name: Decides which grammar counts; in any case.
        value: Text, a number, a `datetime` for a date, anything `parse_addresses` takes for an address field, or a
            list of ids for ``References``.

    Raises:
        MessageError: It cannot stand in this field (`AddressError` in an address field).
    """
    if type(value) is Encoded:
        return value
    reader = _READERS.get(name.lower(), _text)
    return reader(value)


def custom_fields(headers: object) -> list[tuple[str, str]]:
    """The fields in the `headers` of a message: a mapping, or an iterable of pairs.

    A value may be a list, which repeats the field; ``None`` leaves it out.

    Raises:
        MessageError: A field that the message itself decides (``Bcc``, ``MIME-Version``, ``Content-*``), or a name or
            value that no header may have.
    """
    return [(_own(name), field_value(name, value)) for name, given in _pairs(headers) for value in _repeated(given)]


def _pairs(headers: object) -> Iterable[tuple[str, object]]:
    if isinstance(headers, Mapping):
        return list(cast("Mapping[str, object]", headers).items())
    if headers is None:
        return ()
    if isinstance(headers, (str, bytes)) or not isinstance(headers, Iterable):
        raise MessageError(f"headers are a mapping or pairs of name and value, not {type(headers).__name__}")
    return [_pair(item) for item in cast("Iterable[object]", headers)]


def _pair(item: object) -> tuple[str, object]:
    if isinstance(item, Mapping):  # as Nodemailer writes pairs
        given = _PAIR_KEYS.read(cast("Mapping[object, object]", item))
        return given.get("key", ""), given.get("value")
    try:
        name, value = cast("tuple[str, object]", None if isinstance(item, (str, bytes)) else item)
    except (TypeError, ValueError):
        raise MessageError(f"a header is a pair of name and value, not {shown(item)}") from None
    return name, value


def _repeated(value: object) -> Iterable[object]:
    if value is None:
        return ()
    return cast("list[object]", value) if isinstance(value, (list, tuple)) else (value,)


def _own(name: str) -> str:
    lower = check_name(name).lower()
    if lower in {"bcc", "resent-bcc"}:
        raise MessageError(f"{name} is never a header of what is sent; give such recipients as 'bcc'")
    if lower == "mime-version" or lower.startswith("content-"):
        raise MessageError(f"{name} follows from the message's parts and cannot be set among its headers")
    return name
