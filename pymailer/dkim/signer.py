"""Signing: canonical header fields and a body hash in, a DKIM-Signature field out (RFC 6376 3.5, 3.7).

Pure. Knows no message and reads no body; never writes ``l=`` (RFC 6376 8.2) and never SHA-1 (RFC 8301).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pymailer.dkim.canonical import relaxed_field
from pymailer.dkim.key import DKIM, OVERSIGNED

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_WIDTH: Final = 72


def signature(key: DKIM, fields: Sequence[bytes], body_hash: str) -> bytes:
    """The DKIM-Signature field, folded, with its CRLF.

    Args:
        key: Signs.
        fields: The message's header fields as they are sent, each with its CRLF.
        body_hash: Base64 of the SHA-256 over the relaxed body.
    """
    names, covered = _covered(key, fields)
    unsigned = _field(key, names, body_hash)
    data = b"".join(covered) + relaxed_field(unsigned).removesuffix(b"\r\n")
    return unsigned.removesuffix(b"\r\n") + _folded_base64(_sign(key, data)) + b"\r\n"


def _covered(key: DKIM, fields: Sequence[bytes]) -> tuple[list[str], list[bytes]]:
    """Names for ``h=`` and the fields they stand for: the last occurrence first (RFC 6376 5.4.2)."""
    present: dict[str, list[bytes]] = {}
    for field in fields:
        present.setdefault(field.partition(b":")[0].strip().lower().decode("ascii"), []).append(field)
    names: list[str] = []
    covered: list[bytes] = []
    for name in key.signed_names():
        occurrences = present.get(name, [])
        covered += (relaxed_field(field) for field in reversed(occurrences))
        names += [name] * (len(occurrences) + (name in OVERSIGNED))
    return names, covered


def _field(key: DKIM, names: Sequence[str], body_hash: str) -> bytes:
    tags = (
        f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain_name};",
        f"s={key.key_selector}; q=dns/txt;",
        *_folded_names(names),
        f"bh={body_hash};",
        "b=",
    )
    return ("DKIM-Signature: " + "\r\n ".join(tags) + "\r\n").encode("ascii")


def _folded_names(names: Sequence[str]) -> list[str]:
    lines = ["h="]
    for position, name in enumerate(names):
        word = name + (";" if position == len(names) - 1 else ":")
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += word
    return lines


def _folded_base64(signed: bytes) -> bytes:
    text = b64encode(signed)
    first, rest = text[: _WIDTH - 2], text[_WIDTH - 2 :]
    return b"\r\n ".join((first, *(rest[at : at + _WIDTH] for at in range(0, len(rest), _WIDTH))))


def _sign(key: DKIM, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key.private_key, RSAPrivateKey):
        return _sign_rsa(key.private_key, data)
    return key.private_key.sign(hashlib.sha256(data).digest())  # RFC 8463 3: the digest is what is signed


def _sign_rsa(private_key: RSAPrivateKey, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return private_key.sign(data, PKCS1v15(), SHA256())
