"""The form of a signed message: its content as it was, and the signature beside it (RFC 1847 2.1).

Knows the layout and what the way of a message could break; nothing of how anything is signed.
"""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import TYPE_CHECKING

import attrs

from pymailer.errors import MessageError
from pymailer.message.composed import ComposedMessage

if TYPE_CHECKING:
    from pymailer.transport import Mail


@attrs.frozen
class Scheme:
    """What the parts of a signed message are called.

    Attributes:
        protocol: The media type of the signature.
        micalg: The name of the digest.
        filename: The signature's file name.
    """

    protocol: str
    micalg: str
    filename: str


def signing(scheme: Scheme, sign: Callable[[bytes], bytes]) -> Callable[[Mail], Awaitable[None]]:
    """Middleware for ``"stream"`` that puts a message into its signed form.

    Args:
        scheme: What its parts are called.
        sign: Gives the signature over some octets; it may block.
    """

    async def plugin(mail: Mail) -> None:
        content = b"".join([chunk async for chunk in mail.message.chunks(mail.runtime)])
        fields, entity = _divided(content)
        if not entity.isascii():
            raise MessageError(
                "what is signed must pass every relay unchanged, so its text takes text_encoding='base64'"
            )
        signature = await mail.runtime.offload(sign, entity)
        signed = _signed(scheme, fields, entity, signature)
        mail.message = ComposedMessage.from_bytes(signed, mail.message_id)

    return plugin


def _divided(content: bytes) -> tuple[bytes, bytes]:
    """The fields about the message, and the content with the fields about itself (RFC 1847 2.1)."""
    head, _, body = content.partition(b"\r\n\r\n")
    about_message: list[bytes] = []
    about_content: list[bytes] = []
    fields = about_message
    for line in head.split(b"\r\n"):
        if not line.startswith((b" ", b"\t")):  # a line that goes on stays with its field
            fields = about_content if line.lower().startswith(b"content-") else about_message
        fields.append(line)
    return b"\r\n".join(about_message), b"\r\n".join([*about_content, b"", body])


def _signed(scheme: Scheme, fields: bytes, entity: bytes, signature: bytes) -> bytes:
    boundary = f"signed_{token_hex(16)}"
    content_type = (
        f'Content-Type: multipart/signed; protocol="{scheme.protocol}";\r\n'
        f' micalg={scheme.micalg}; boundary="{boundary}"\r\n\r\n'
    )
    about_signature = (
        f"\r\n--{boundary}\r\n"
        f'Content-Type: {scheme.protocol}; name="{scheme.filename}"\r\n'
        f'Content-Disposition: attachment; filename="{scheme.filename}"\r\n'
    )
    return b"".join(
        (
            fields + b"\r\n" + content_type.encode(),
            f"--{boundary}\r\n".encode() + entity + about_signature.encode(),
            _travelling(signature),
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )


def _travelling(signature: bytes) -> bytes:
    """A signature that is text as it is, any other in base64."""
    if signature.startswith(b"-----BEGIN"):
        return b"\r\n" + b"\r\n".join(signature.strip().splitlines())
    text = encodebytes(signature).strip().replace(b"\n", b"\r\n")
    return b"Content-Transfer-Encoding: base64\r\n\r\n" + text
