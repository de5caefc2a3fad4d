"""The few bytes of a certificate that pins and channel bindings are made of.

A bounded walk over DER (X.690) to two fields of RFC 5280 4.1; no trust is decided here, OpenSSL has done that.
"""

from __future__ import annotations

import hashlib
from typing import Final

_SEQUENCE: Final = 0x30
_OBJECT_IDENTIFIER: Final = 0x06
_VERSION: Final = 0xA0  # [0] EXPLICIT, absent from certificates of version 1

# RFC 5929 4.1: the hash of the signature, but SHA-256 where that is MD5 or SHA-1. What is not in here (Ed25519,
# RSASSA-PSS) has no single hash, and the RFC leaves it undefined.
_SIGNATURE_HASHES: Final = {
    "2a864886f70d010104": "sha256",  # md5WithRSAEncryption
    "2a864886f70d010105": "sha256",  # sha1WithRSAEncryption
    "2a864886f70d01010e": "sha224",  # sha224WithRSAEncryption
    "2a864886f70d01010b": "sha256",  # sha256WithRSAEncryption
    "2a864886f70d01010c": "sha384",  # sha384WithRSAEncryption
    "2a864886f70d01010d": "sha512",  # sha512WithRSAEncryption
    "2a8648ce3d0401": "sha256",  # ecdsa-with-SHA1
    "2a8648ce3d040301": "sha224",  # ecdsa-with-SHA224
    "2a8648ce3d040302": "sha256",  # ecdsa-with-SHA256
    "2a8648ce3d040303": "sha384",  # ecdsa-with-SHA384
    "2a8648ce3d040304": "sha512",  # ecdsa-with-SHA512
}


def public_key_info(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate, whole, as DER.

    Raises:
        ValueError: This is not a certificate.
    """
    to_be_signed, _ = _certificate(certificate)
    fields = _elements(to_be_signed)
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    # RFC 5280 4.1: serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    if len(fields) < 6 or fields[5][0] != _SEQUENCE:
        raise ValueError("the certificate has no public key")
    return fields[5][1]


def endpoint_hash(certificate: bytes) -> bytes | None:
    """The ``tls-server-end-point`` channel binding (RFC 5929 4.1), or ``None`` where the RFC defines none.

    Raises:
        ValueError: This is not a certificate.
    """
    _, algorithm = _certificate(certificate)
    parts = _elements(algorithm)
    if not parts or parts[0][0] != _OBJECT_IDENTIFIER:
        raise ValueError("the certificate does not say how it is signed")
    name = _SIGNATURE_HASHES.get(_content(parts[0][1]).hex())
    return hashlib.new(name, certificate).digest() if name else None


def _certificate(der: bytes) -> tuple[bytes, bytes]:
    """The contents of tbsCertificate and signatureAlgorithm."""
    outer = _elements(der)
    if len(outer) != 1 or outer[0][0] != _SEQUENCE:
        raise ValueError("not a certificate in DER")
    parts = _elements(_content(outer[0][1]))
    if len(parts) != 3 or parts[0][0] != _SEQUENCE or parts[1][0] != _SEQUENCE:
        raise ValueError("not a certificate in DER")
    return _content(parts[0][1]), _content(parts[1][1])


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """Each element as its tag and all its octets."""
    elements: list[tuple[int, bytes]] = []
    position = 0
    while position < len(data):
        start, length = _extent(data, position)
        elements.append((data[position], data[position : start + length]))
        position = start + length
    return elements


def _content(element: bytes) -> bytes:
    return element[_extent(element, 0)[0] :]


def _extent(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of an element begins, and its length (X.690 8.1.3)."""
    header = data[position : position + 2]
    if len(header) < 2 or header[0] & 0x1F == 0x1F:
        raise ValueError("DER ends early, or has a tag that no certificate has")
    start, length = position + 2, header[1]
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("DER with a length that no certificate has")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + length > len(data):
        raise ValueError("DER ends early")
    return start, length
