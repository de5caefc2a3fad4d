"""What DNS messages say, as values that do not need dnspython any more.

Pure: a message in, records and their time to live out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from dns.message import Message

_BROKEN_TTL: Final = 30.0
"""Seconds that an answer holds which makes no sense, such as aliases in a circle."""


@attrs.frozen
class MailHost:
    """A host that takes mail for a domain, and how much the domain prefers it: less is more. ``""`` is a null MX."""

    name: str
    preference: int


@attrs.frozen
class MailHosts:
    """Where the mail of a domain goes.

    Attributes:
        hosts: In the order in which they are tried.
        secure: Whether the answer was validated by DNSSEC, on this machine.
        implicit: Whether there is no MX, so that the domain itself is the host (RFC 5321 5.1).
    """

    hosts: tuple[MailHost, ...]
    secure: bool = False
    implicit: bool = False


@attrs.frozen
class TLSARecord:
    """What the key or certificate of a server has to match (RFC 6698 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


@attrs.frozen
class Records:
    """The answer to one question.

    Attributes:
        values: Empty if there is no record of that kind.
        exists: Whether the name exists at all.
        secure: Whether the answer was validated by DNSSEC, on this machine.
    """

    values: tuple[Any, ...]
    exists: bool = True
    secure: bool = False


def read_records(message: Message, kind: str, *, trusted: bool) -> tuple[Records, float]:
    """What the answer to a question about `kind` says, and for how many seconds.

    Args:
        message: Whose code is NOERROR or NXDOMAIN.
        kind: Such as ``"MX"``.
        trusted: Whether the server's word on validation counts.
    """
    from dns.exception import DNSException
    from dns.flags import AD
    from dns.message import QueryMessage
    from dns.rcode import NXDOMAIN

    exists = message.rcode() != NXDOMAIN
    secure = trusted and bool(message.flags & AD)
    if not isinstance(message, QueryMessage):
        return Records((), exists, secure), _BROKEN_TTL
    try:
        chain = message.resolve_chaining()
    except DNSException:  # aliases without end, or an answer for a name that is said not to exist
        return Records((), exists, secure), _BROKEN_TTL
    answer: Iterable[Any] = chain.answer or ()
    values = tuple(map(_READERS[kind], answer))
    return Records(values, exists, secure), float(chain.minimum_ttl)


def _read_address(record: Any) -> str:
    return str(record.address)


def _read_mail_host(record: Any) -> MailHost:
    return MailHost(record.exchange.to_text(omit_final_dot=True).removesuffix("."), int(record.preference))


def _read_text(record: Any) -> str:
    return b"".join(record.strings).decode("utf-8", "replace")


def _read_tlsa(record: Any) -> TLSARecord:
    return TLSARecord(record.usage, record.selector, record.mtype, bytes(record.cert))


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "A": _read_address,
    "AAAA": _read_address,
    "MX": _read_mail_host,
    "TXT": _read_text,
    "TLSA": _read_tlsa,
}
