"""How a connection to a mail host has to be protected: by what its domain published, and by what we asked for.

Pure. DANE (RFC 7672) comes before MTA-STS (RFC 8461 2), and where a domain promises nothing, TLS is taken if it is
offered, from whoever offers it (RFC 7435).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.net.certificates import public_key_info

if TYPE_CHECKING:
    from pymailer.net.dns_records import TLSARecord
    from pymailer.transports.mta_sts import Policy

_DOMAIN_ISSUED: Final = 3
"""DANE-EE: the record is about the host's own key, and neither names nor dates in the certificate matter."""
_PUBLIC_KEY: Final = 1
_WHOLE: Final = 0
_SHA256: Final = 1


@attrs.frozen
class Protection:
    """What a connection needs.

    Attributes:
        required: Nothing goes in plain text.
        verified: The certificate is valid, from an issuer we trust, and for the host.
        pins: SHA-256 of acceptable public keys, base64; they stand in for `verified`.
    """

    required: bool = False
    verified: bool = False
    pins: tuple[str, ...] = ()


def protection(records: Iterable[TLSARecord], policy: Policy | None, *, demanded: bool) -> Protection:
    """What a host needs.

    Args:
        records: Its TLSA records, if they were validated; an unvalidated one says nothing.
        policy: The MTA-STS policy of the domain.
        demanded: Whether the sender wants a verified connection or none.
    """
    published = tuple(records)
    if published:
        # RFC 7672 2.2: records that cannot be used still forbid plain text.
        pins = dane_pins(published)
        return Protection(required=True, verified=demanded and not pins, pins=pins)
    if demanded or (policy is not None and policy.enforced):
        return Protection(required=True, verified=True)
    return Protection()


def dane_pins(records: Iterable[TLSARecord]) -> tuple[str, ...]:
    """The keys that TLSA records accept, as far as they say so themselves.

    Only DANE-EE records over a public key, or with the whole certificate, are used: RFC 7672 3.1 recommends "3 1 1",
    and a hash of something else cannot be compared with what the `ssl` module shows of a connection.
    """
    return tuple(dict.fromkeys(pin for record in records if (pin := _pin(record)) is not None))


def _pin(record: TLSARecord) -> str | None:
    if record.usage != _DOMAIN_ISSUED:
        return None
    if (record.selector, record.matching) == (_PUBLIC_KEY, _SHA256):
        return b64encode(record.data).decode() if len(record.data) == sha256().digest_size else None
    if record.matching != _WHOLE:
        return None
    try:
        key = record.data if record.selector == _PUBLIC_KEY else public_key_info(record.data)
    except ValueError:
        return None
    return b64encode(sha256(key).digest()).decode()
