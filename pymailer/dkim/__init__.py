"""DKIM signatures (RFC 6376): `DKIM` holds a key, `sign` puts its signature on a composed message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pymailer.dkim.canonical import BodyHash
from pymailer.dkim.key import DKIM as DKIM
from pymailer.dkim.key import parse_keys as parse_keys
from pymailer.dkim.signer import signature

if TYPE_CHECKING:
    from pymailer.message.composed import ComposedMessage
    from pymailer.runtime import Runtime

__all__ = ["DKIM", "parse_keys", "sign"]


async def sign(runtime: Runtime, message: ComposedMessage, keys: object) -> None:
    """Sign a message, with every key, over exactly the octets that will be sent.

    Args:
        runtime: What reading the message waits through.
        message: Composed and past its transforms; content that can be read only once is moved to where it can be read
            again, for the signature stands in front of what it is computed from.
        keys: A `DKIM`, a mapping, ``{"keys": [...]}`` of those, or several.

    Raises:
        ConfigError: A key is unusable.
        MessageError: The message has no From, or cannot be read.
    """
    signers = parse_keys(keys)
    await message.materialize(runtime)
    header = b""
    body = BodyHash()
    in_body = False
    async for chunk in message.chunks(runtime):
        if in_body:
            body.feed(chunk)
            continue
        header += chunk
        end = header.find(b"\r\n\r\n")
        if end >= 0:
            in_body = True
            body.feed(header[end + 4 :])
            header = header[: end + 2]
    fields = list(header_fields(header))
    digest = body.digest()
    message.prepend(b"".join(signature(key, fields, digest) for key in signers))


def header_fields(header: bytes) -> Iterator[bytes]:
    """Each field of a header, folded as it stands, with its CRLF."""
    field = b""
    for line in header.splitlines(keepends=True):
        if field and not line.startswith((b" ", b"\t")):
            yield field
            field = b""
        field += line
    if field.strip():
        yield field
