"""Pins and channel bindings against the `cryptography` package, and what is no certificate."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.net.certificates import endpoint_hash, public_key_info
from pymailer.net.tls import pin_of

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()


def certificate(key, algorithm):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("mx.test")]), critical=False)
    return builder.sign(key, algorithm)


def der(made):
    return made.public_bytes(serialization.Encoding.DER)


SOME = der(certificate(EC, hashes.SHA256()))


@pytest.mark.parametrize("key", [EC, RSA, ED], ids=["EC", "RSA", "Ed25519"])
def test_the_pin_is_that_of_the_public_key(key):
    made = certificate(key, None if key is ED else hashes.SHA256())
    info = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert public_key_info(der(made)) == info
    assert pin_of(der(made)) == base64.b64encode(hashlib.sha256(info).digest()).decode()


@pytest.mark.parametrize("key", [EC, RSA], ids=["EC", "RSA"])
@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_the_endpoint_binding_uses_the_hash_of_the_signature(key, algorithm):
    made = der(certificate(key, algorithm))
    assert endpoint_hash(made) == hashlib.new(algorithm.name, made).digest()


def test_the_endpoint_binding_is_undefined_for_a_signature_without_a_hash():
    assert endpoint_hash(der(certificate(ED, None))) is None


@given(st.binary(max_size=300))
def test_noise_is_no_certificate(noise):
    with pytest.raises(ValueError):
        public_key_info(noise)
    with pytest.raises(ValueError):
        endpoint_hash(noise)


@settings(max_examples=200)
@given(st.integers(0, len(SOME) - 1), st.integers(0, 255))
def test_a_damaged_certificate_gives_something_or_a_value_error(position, octet):
    damaged = SOME[:position] + bytes([octet]) + SOME[position + 1 :]
    for reader in (public_key_info, endpoint_hash):
        try:
            reader(damaged)
        except ValueError:
            continue


@given(st.integers(0, len(SOME) - 1))
def test_a_certificate_that_was_cut_short_is_none(length):
    with pytest.raises(ValueError):
        public_key_info(SOME[:length])
