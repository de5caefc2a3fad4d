"""How a mail host has to be reached, by what its domain published."""

from __future__ import annotations

import ssl
from base64 import b64decode
from hashlib import sha256

import pytest

from pymailer.net.certificates import public_key_info
from pymailer.net.dns_records import TLSARecord
from pymailer.net.tls import pin_of
from pymailer.transports.mta_sts import Policy
from pymailer.transports.protection import Protection, dane_pins, protection
from tests.faults import certificates

ENFORCED = Policy("enforce", ("mx.test",), 60)
TESTED = Policy("testing", ("mx.test",), 60)
USABLE = TLSARecord(3, 1, 1, bytes(32))
UNUSABLE = TLSARecord(2, 0, 1, bytes(32))


def certificate() -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificates.authority_pem())


@pytest.mark.parametrize(
    ("records", "policy", "demanded", "needed"),
    [
        ([], None, False, Protection()),
        ([], TESTED, False, Protection()),
        ([], ENFORCED, False, Protection(required=True, verified=True)),
        ([], None, True, Protection(required=True, verified=True)),
        ([UNUSABLE], None, False, Protection(required=True)),
        ([UNUSABLE], None, True, Protection(required=True, verified=True)),
    ],
)
def test_what_a_host_needs(records, policy, demanded, needed) -> None:
    assert protection(records, policy, demanded=demanded) == needed


def test_dane_comes_before_mta_sts() -> None:
    needed = protection([USABLE], ENFORCED, demanded=False)
    assert (needed.required, needed.verified, len(needed.pins)) == (True, False, 1)


def test_a_usable_record_among_others_is_used() -> None:
    assert len(protection([UNUSABLE, USABLE, USABLE], None, demanded=True).pins) == 1


def test_all_forms_of_one_key_are_one_pin() -> None:
    der = certificate()
    key = public_key_info(der)
    digest = sha256(key).digest()
    forms = [TLSARecord(3, 1, 1, digest), TLSARecord(3, 1, 0, key), TLSARecord(3, 0, 0, der)]
    assert dane_pins(forms) == (pin_of(der),)
    assert b64decode(pin_of(der)) == digest


@pytest.mark.parametrize(
    "record",
    [
        TLSARecord(3, 0, 1, bytes(32)),
        TLSARecord(3, 1, 2, bytes(64)),
        TLSARecord(3, 1, 1, bytes(20)),
        TLSARecord(3, 0, 0, b"no certificate"),
        TLSARecord(0, 1, 1, bytes(32)),
        TLSARecord(2, 1, 1, bytes(32)),
    ],
)
def test_what_cannot_be_compared_is_no_pin(record) -> None:
    assert dane_pins([record]) == ()
