"""Wishes for delivery status notifications (RFC 3461): what a message may ask, checked where it is written down.

Plain data, shared by the message that carries it and the commands that say it; knows neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, cast

import attrs

from pymailer.errors import MessageError
from pymailer.names import unknown

__all__ = ["DSN", "parse_dsn"]

_RET: Final = {"FULL": "FULL", "BODY": "FULL", "HDRS": "HDRS", "HEADERS": "HDRS"}
_NOTIFY: Final = ("NEVER", "SUCCESS", "FAILURE", "DELAY")
_MAX_ENVID: Final = 100
_MAX_RECIPIENT: Final = 500

_FIELDS: Final = {
    "return": "ret",
    "return_": "ret",
    "ret": "ret",
    "id": "envid",
    "envid": "envid",
    "notify": "notify",
    "recipient": "orcpt",
    "orcpt": "orcpt",
}


def _ret(value: object) -> Literal["FULL", "HDRS"] | None:
    if value is None:
        return None
    ret = _RET.get(value.upper()) if isinstance(value, str) else None
    if ret is None:
        raise MessageError(f"dsn return is 'FULL' or 'HDRS', not {value!r}")
    return cast('Literal["FULL", "HDRS"]', ret)


def _envid(value: object) -> str | None:
    if value is None:
        return None
    # RFC 3461 4.4: printable ASCII, and not more than a hundred characters of it
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ENVID or not (value.isascii() and value.isprintable()):
        raise MessageError(f"dsn id is up to {_MAX_ENVID} printable ASCII characters, not {value!r}")
    return value


def _notify(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, Iterable):
        raise MessageError(f"dsn notify is a list of {', '.join(_NOTIFY)}, not {value!r}")
    conditions = tuple(dict.fromkeys(_condition(word) for word in cast("Iterable[object]", words)))
    # RFC 3461 4.1: NEVER stands alone
    if "NEVER" in conditions and len(conditions) > 1:
        raise MessageError("dsn notify is either NEVER or some of the others, not both")
    return conditions


def _condition(word: object) -> str:
    condition = word.strip(" ").upper() if isinstance(word, str) else ""
    if condition not in _NOTIFY:
        raise MessageError(f"dsn notify is a list of {', '.join(_NOTIFY)}; {word!r} is none of them")
    return condition


def _orcpt(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_RECIPIENT or not value.isprintable():
        raise MessageError(
            f"dsn recipient is an address, with or without its type ('rfc822;a@b.example'), not {value!r}"
        )
    kind, semicolon, address = value.partition(";")
    if not semicolon:
        kind, address = ("rfc822" if value.isascii() else "utf-8"), value
    if not (address and kind.isascii() and kind.replace("-", "").isalnum()):
        raise MessageError(f"dsn recipient {value!r} has no address type that could be sent")
    return f"{kind};{address}"


@attrs.frozen
class DSN:
    """What to report about a message, and how (RFC 3461).

    Attributes:
        ret: Whether a failure report returns the message (``"FULL"``) or its headers (``"HDRS"``).
        envid: An identifier of the envelope that comes back in each report.
        notify: When to report: ``("NEVER",)``, or some of ``SUCCESS``, ``FAILURE`` and ``DELAY``; empty is the server's
            default.
        orcpt: The original recipient with its address type, such as ``"rfc822;a@b.example"``.

    Raises:
        MessageError: A value cannot be said in a command.
    """

    ret: Literal["FULL", "HDRS"] | None = attrs.field(default=None, converter=_ret)
    envid: str | None = attrs.field(default=None, converter=_envid)
    notify: tuple[str, ...] = attrs.field(default=(), converter=_notify)
    orcpt: str | None = attrs.field(default=None, converter=_orcpt)


def parse_dsn(value: object) -> DSN | None:
    """The wishes in a message's ``dsn`` field: a mapping with Nodemailer's keys, a `DSN`, or ``None``.

    Raises:
        MessageError: A key is unknown or given twice, or a value cannot be said in a command.
    """
    if value is None or isinstance(value, DSN):
        return value
    if not isinstance(value, Mapping):
        raise MessageError(f"dsn is a mapping such as {{'return': 'HDRS', 'notify': ['FAILURE']}}, not {value!r}")
    fields: dict[str, object] = {}
    for key, wish in cast("Mapping[object, object]", value).items():
        field = _FIELDS.get(key) if isinstance(key, str) else None
        if field is None:
            raise MessageError(unknown("dsn key", key, _FIELDS))
        if field in fields:
            raise MessageError(f"dsn key {key!r} says again what another key said")
        fields[field] = wish
    return DSN(**fields)
