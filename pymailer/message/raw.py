"""A message that comes ready made: sent as it is, but for its line ends and its Bcc.

Knows how to read its header; looks at nothing else in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from pymailer.errors import EnvelopeError, MessageError
from pymailer.message.addresses import Address, Group, parse_addresses
from pymailer.message.attachment import Attachment
from pymailer.message.body import Body
from pymailer.message.coding import IDENTITY, Coder, Stream, as_it_is, ending_line, looked_at
from pymailer.message.composed import ComposedMessage
from pymailer.message.envelope import checked, envelope_of, given_envelope
from pymailer.message.field_values import custom_fields
from pymailer.message.head import Head
from pymailer.message.line_ends import canonical_text
from pymailer.message.message_header import special_fields
from pymailer.message.node import Leaf
from pymailer.message.origins import encoding_left, origin_of
from pymailer.message.part_head import PartHead
from pymailer.message.settle import settle

if TYPE_CHECKING:
    from pymailer.message.headers import Headers
    from pymailer.message.model import Message
    from pymailer.message.policy import ComposePolicy
    from pymailer.results import Envelope
    from pymailer.runtime import Runtime

_NO_HEAD: Final = PartHead(())
_UNSEEN: Final = frozenset({"bcc", "resent-bcc"})
_CONTENT_FIELDS: Final = ("text", "html", "watch_html", "amp", "ical_event", "alternatives", "attachments")
_HEADER_FIELDS: Final = {
    "Subject": "subject",
    "Reply-To": "reply_to",
    "In-Reply-To": "in_reply_to",
    "References": "references",
    "Message-ID": "message_id",
    "Date": "date",
}


async def compose_raw(
    runtime: Runtime, data: Message, policy: ComposePolicy, deadline: float | None
) -> tuple[ComposedMessage, Envelope]:
    """The message in the `raw` of `data`, and its envelope.

    Header fields of `data` replace those of the message; address fields count for the envelope alone.

    Raises:
        MessageError: It has no readable header, holds a NUL, or `data` has content beside it.
        EnvelopeError: It has no sender, no recipient, or too many.
    """
    _refuse_content(data)
    leaf = _leaf(data, policy)
    await settle(runtime, leaf, policy, deadline)
    block, body = _split(leaf)
    head = Head.parse(block, _UNSEEN)
    envelope = _envelope(data, Head.parse(block).headers, policy.max_recipients)
    _override(head.headers, data)
    head.rename = data.normalize_header_key
    return ComposedMessage(head, body), envelope


def _refuse_content(data: Message) -> None:
    beside = [name for name in _CONTENT_FIELDS if getattr(data, name)]
    if beside:
        raise MessageError(f"raw is the whole message, and {beside[0]} cannot be added to it")


def _leaf(data: Message, policy: ComposePolicy) -> Leaf:
    raw = data.raw
    if hasattr(raw, "as_bytes") and hasattr(raw, "policy"):
        raw = _serialised(raw)
    part = Attachment.body(raw)
    if part.raw is not None:
        raise MessageError("the raw of a message has content, path or href, and no raw of its own")
    origin = origin_of(part, policy.access(data))
    return Leaf("", _NO_HEAD, origin, text=True, transfer=IDENTITY, content_encoding=encoding_left(part))


def _serialised(message: Any) -> bytes:
    """An `email.message.Message` as octets.

    Raises:
        MessageError: It cannot be written, or writes other fields than it has, as some versions of Python do when there
            is a line break in an encoded word.
    """
    from email.generator import BytesGenerator  # its owner has imported email already
    from io import BytesIO

    written = BytesIO()
    try:
        BytesGenerator(written, mangle_from_=False, policy=message.policy.clone(linesep="\r\n")).flatten(message)
    except Exception as error:  # by what is wrong with it, of any type
        raise MessageError(f"the EmailMessage cannot be written: {error}") from error
    content = written.getvalue()
    block = content.partition(b"\r\n\r\n")[0]
    names = [name.lower() for name, _ in Head.parse(canonical_text(block)).headers]
    if names != [name.lower() for name in message.keys()]:  # noqa: SIM118 -- it repeats names, as no mapping does
        raise MessageError("the EmailMessage has a header that becomes several: there is a line break in one")
    return content


def _split(leaf: Leaf) -> tuple[bytes, Body]:
    """The lines of the header, and the rest."""
    if isinstance(leaf.origin, bytes):
        content = canonical_text(leaf.origin)
        if b"\0" in content:
            raise MessageError("a raw message must not hold a NUL (RFC 5321 4.1.1.4)")
        block, rest = _parted(content)
        return block, Body((_complete(rest),), not rest.isascii())
    block, rest = _parted(canonical_text((leaf.sample or b"").removesuffix(b"\r")))
    if not rest:
        raise MessageError("a raw message has a header of more than 256 KiB")
    skipped = len(block) + 4 if block else 2
    measure = leaf.measure
    size = None if measure is None else measure.size - skipped + (0 if measure.ended else 2)
    stream = Stream(looked_at(leaf), ending_line(_after(skipped)), size)
    return block, Body((stream,), measure is None or not measure.ascii)


def _parted(content: bytes) -> tuple[bytes, bytes]:
    if content.startswith(b"\r\n"):
        return b"", content[2:]
    block, _, rest = content.partition(b"\r\n\r\n")
    return block.removesuffix(b"\r\n"), rest


def _complete(body: bytes) -> bytes:
    return body if not body or body.endswith(b"\r\n") else body + b"\r\n"


def _after(skipped: int) -> Coder:
    def coded(chunks: Iterable[bytes]) -> Iterator[bytes]:
        left = skipped
        for chunk in as_it_is(chunks):
            if left < len(chunk):
                yield chunk[left:] if left else chunk
            left = max(left - len(chunk), 0)

    return coded


def _envelope(data: Message, headers: Headers, max_recipients: int | None) -> Envelope:
    """What is given, else what the fields of `data` say, else what the header says, else what the defaults say."""
    if data.envelope is not None:
        return checked(given_envelope(data.envelope), max_recipients)
    prefix = _resent(headers)
    senders = _first_of(data, headers, prefix, "from_")
    recipients = _first_of(data, headers, prefix, "to", "cc", "bcc")
    return envelope_of(senders, _first_of(data, headers, prefix, "sender"), recipients, max_recipients)


def _first_of(data: Message, headers: Headers, prefix: str, *fields: str) -> list[Address | Group]:
    given = [value for field in fields if (value := getattr(data, field)) and field not in data.inherited]
    if found := parse_addresses(given):
        return found
    stated = [value for field in fields for value in headers.get_all(f"{prefix}{field.rstrip('_')}") if value]
    if found := parse_addresses(stated):
        return found
    return parse_addresses([value for field in fields if (value := getattr(data, field)) and field in data.inherited])


def _resent(headers: Headers) -> str:
    """RFC 5322 3.6.6: a message that is sent once more goes to whom its Resent-* fields name, and not to all again."""
    if not any(name.lower().startswith("resent-") for name, _ in headers):
        return ""
    if len(headers.get_all("Resent-From")) > 1:
        raise EnvelopeError("the message was sent again more than once: give it an envelope")
    return "Resent-"


def _override(headers: Headers, data: Message) -> None:
    fields: list[tuple[str, Any]] = [
        (name, value) for name, field in _HEADER_FIELDS.items() if (value := getattr(data, field))
    ]
    fields += [*special_fields(data), *custom_fields(data.headers)]
    replaced: set[str] = set()
    for name, value in fields:
        if name.lower() in replaced:
            headers.add(name, value)
        else:
            headers.set(name, value)
            replaced.add(name.lower())
