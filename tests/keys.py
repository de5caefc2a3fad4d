"""Certificates and keys that live as long as a test: for S/MIME, and a key ring of GnuPG.

Knows how they are made; nothing of what is signed with them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


def certificate(subject_key: Any, name: str, issuer: Any = None) -> x509.Certificate:
    """A certificate for `name`, signed by itself or by `issuer`, a pair of certificate and key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(subject_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name("a@example.com")]), critical=False)
    )
    return builder.sign(issuer[1] if issuer else subject_key, SHA256())


def pem(thing: Any, password: bytes | None = None) -> bytes:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(Encoding.PEM)
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return thing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def certificate_of_ed25519(key: ed25519.Ed25519PrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a@example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return dated.sign(key, None)


@contextmanager
def key_ring(home: Path, passphrase: str) -> Iterator[Any]:
    """A `gnupg.GPG` with a key for a@example.com."""
    import gnupg

    home.chmod(0o700)
    gpg = gnupg.GPG(gnupghome=str(home))
    key = f"Key-Type: EDDSA\nKey-Curve: ed25519\nName-Email: a@example.com\nPassphrase: {passphrase}\n%commit\n"
    gpg.gen_key(key)
    try:
        yield gpg
    finally:  # GnuPG leaves an agent behind
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True, timeout=30)
