"""One message from what a mailer's user says in three places: the data, the keywords of the call, the defaults.

Knows who wins; nothing of what the fields mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pymailer.errors import MessageError
from pymailer.message.model import MESSAGE_KEYS, Message, headers_dict

_PARTIES: Final = frozenset({"from_", "sender", "to", "cc", "bcc"})
_BESIDE_RAW: Final = _PARTIES | {
    *("envelope", "dsn", "dkim", "require_tls"),
    *("disable_file_access", "disable_url_access", "normalize_header_key"),
}
"""What a ready-made message inherits: no content, no header, and parties only where it names none itself."""


def merge_message(data: object, fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> Message:
    """A new message: `fields` win over `data`, and what neither gives comes from `defaults`.

    Headers of both are merged without regard to case. What is given as ``None`` takes nothing from the defaults.

    Args:
        data: A mapping, a `Message`, an `email.message.EmailMessage`, or ``None``. It is not changed.
        fields: The keywords of one call.
        defaults: What each message inherits.

    Raises:
        MessageError: An unknown field, one in two spellings, or a value of the wrong type.
    """
    given = {**_given(data), **MESSAGE_KEYS.read(fields)} if fields else _given(data)
    if not defaults:
        return Message(**given)
    inherited = MESSAGE_KEYS.read(defaults)
    if given.get("raw") is not None:
        return _beside_raw(given, inherited)
    merged = {**inherited, **given}
    if given.get("headers") is not None and inherited.get("headers"):
        merged["headers"] = _merged_headers(given["headers"], inherited["headers"])
    return Message(**merged)


def _beside_raw(given: dict[str, Any], inherited: dict[str, Any]) -> Message:
    taken = {name: value for name, value in inherited.items() if name in _BESIDE_RAW and name not in given}
    message = Message(**taken, **given)
    message.inherited = _PARTIES.intersection(taken)
    return message


def _given(data: object) -> dict[str, Any]:
    if data is None:
        return {}
    if isinstance(data, (dict, Mapping)):  # nearly always a dict, and asked sooner than what is abstract
        return MESSAGE_KEYS.read(cast("Mapping[str, Any]", data))
    if isinstance(data, Message):
        return data.given()
    if hasattr(data, "as_bytes") and hasattr(data, "get_content_type"):  # email.message, without its import
        return {"raw": data}
    raise MessageError(f"a message is a mapping, a Message or an EmailMessage, not {type(data).__name__}")


def _merged_headers(given: object, inherited: object) -> dict[str, Any]:
    own = headers_dict(given)
    names = {name.lower() for name in own}
    return {name: value for name, value in headers_dict(inherited).items() if name.lower() not in names} | own
