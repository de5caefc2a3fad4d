"""Messages composed for a test, and read back by the standard library, which had no part in making them."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from pymailer.message.composer import Composed, ComposePolicy, compose
from pymailer.message.merge import merge_message
from pymailer.runtime import Runtime, run
from pymailer.runtime.blocking import BlockingRuntime

PARTIES = {"from": "a@example.com", "to": "b@example.com"}
"""What a message needs at the least."""


def composed(data: object = None, /, *, policy: ComposePolicy | None = None, **fields: Any) -> Composed:
    """A message from `PARTIES` and these fields."""
    message = merge_message(data, fields, PARTIES)
    return run(compose(BlockingRuntime(), message, policy or ComposePolicy()))


async def composed_in(runtime: Runtime, policy: ComposePolicy | None = None, **fields: Any) -> Composed:
    """The same in a given runtime."""
    return await compose(runtime, merge_message(None, fields, PARTIES), policy or ComposePolicy())


def octets(data: Mapping[str, Any] | None = None, /, **fields: Any) -> bytes:
    """The whole message, of which the size it tells is checked."""
    message = composed(data, **fields).message
    content = message.as_bytes()
    assert message.size in (None, len(content))
    return well_formed(content)


def well_formed(content: bytes) -> bytes:
    """`content`, if every line ends with CRLF, the last one too, and none is too long (RFC 5322 2.1.1)."""
    assert content.endswith(b"\r\n")
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    return content


def read(content: bytes) -> EmailMessage:
    """A message as the standard library reads it, which must find no defect."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk()] == [[] for _ in message.walk()]
    return message


def reread(data: Mapping[str, Any] | None = None, /, **fields: Any) -> EmailMessage:
    """A message composed and read back."""
    return read(octets(data, **fields))


def tree(part: EmailMessage) -> Any:
    """The types of a message's parts: ``("mixed", "text/plain", …)``."""
    if part.get_content_maintype() != "multipart":
        return part.get_content_type()
    return (part.get_content_subtype(), *(tree(child) for child in part.iter_parts()))


def text_of(part: EmailMessage) -> str:
    """The text of a part, its line ends as in Python, the one that ends a message taken off."""
    content = part.get_payload(decode=True)
    return content.decode(part.get_content_charset("utf-8")).replace("\r\n", "\n").removesuffix("\n")
