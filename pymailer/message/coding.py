"""The content of one part as it goes on the wire: encoded at once where it is in memory, else a stream.

Knows sources and transfer encodings; nothing of the tree around the part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import attrs

from pymailer.errors import MessageError
from pymailer.message.content import Memory, Source
from pymailer.message.encoding import (
    base64_blocks,
    base64_size,
    canonical_text,
    choose_encoding,
    encode_base64,
    encode_qp,
    encode_qp_text,
    iter_base64,
    iter_canonical,
    iter_qp,
)
from pymailer.message.recurring import RECURRING

if TYPE_CHECKING:
    from pymailer.message.node import Leaf

IDENTITY: Final = "identity"
"""The wish that content goes as it is, with line ends of mail: 7bit or 8bit, as it turns out."""

ENCODED_AT_ONCE: Final = 16 * 1024
"""Octets in memory that are put into base64 at once. Longer ones are encoded while they are sent, so that many
messages with the same attachment share it."""

Coder: TypeAlias = Callable[[Iterable[bytes]], Iterator[bytes]]
"""What turns chunks of content into chunks for the wire."""


@attrs.frozen
class Stream:
    """Content that is encoded while it is sent.

    Attributes:
        source: Where it comes from.
        coder: How it is encoded.
        size: Its octets on the wire, if they are known.
    """

    source: Source
    coder: Coder = attrs.field(repr=False)
    size: int | None

    @property
    def at_hand(self) -> bytes | None:
        """The octets for the wire, if they are here already."""
        return None

    def chunks(self) -> Iterator[bytes]:
        """The octets for the wire."""
        return self.coder(self.source.chunks())

    def renewed(self, source: Source) -> Stream:
        """The same content from a `source` that can be read again, counted; it blocks."""
        if self.coder is iter_base64 and source.length is not None:
            return Stream(source, self.coder, base64_size(source.length))
        return Stream(source, self.coder, sum(map(len, self.coder(source.chunks()))))


@attrs.frozen
class HeldStream(Stream):
    """Octets in memory that go as base64, encoded while they are sent or, where they recur, once for all messages."""

    source: Memory

    @classmethod
    def of(cls, data: bytes) -> HeldStream:
        """The stream of `data`."""
        return cls(source=Memory.of(data), coder=iter_base64, size=base64_size(len(data)))

    @property
    def at_hand(self) -> bytes | None:
        """The octets for the wire, if another message had them before."""
        return RECURRING.known(self.source.data)

    def chunks(self) -> Iterator[bytes]:
        """The octets for the wire, in one piece if they recur."""
        encoded = RECURRING.encoded(self.source.data)
        return base64_blocks(self.source.data) if encoded is None else iter((encoded,))


Piece: TypeAlias = bytes | Stream


class Coded(NamedTuple):
    """A part's content for the wire.

    Attributes:
        transfer: Its transfer encoding.
        piece: The octets.
        ended: Whether the encoding ends its last line itself.
    """

    transfer: str
    piece: Piece
    ended: bool = False


def encode(leaf: Leaf) -> Coded:
    """The content of a part that was looked at.

    Raises:
        MessageError: The transfer encoding that is asked for cannot carry it.
    """
    if isinstance(leaf.origin, bytes):
        return _encode_held(leaf, leaf.origin)
    return _encode_stream(leaf, looked_at(leaf))


def looked_at(leaf: Leaf) -> Source:
    """The source of a part that was settled."""
    if not isinstance(leaf.origin, Source):
        raise TypeError(f"{leaf.origin!r} was never looked at")
    return leaf.origin


def _encode_held(leaf: Leaf, data: bytes) -> Coded:
    if leaf.text:
        data = canonical_text(data)
    if leaf.transfer == IDENTITY:
        return Coded(_identity(data), data)
    transfer = choose_encoding(data, text=leaf.text, prefer=leaf.transfer)
    if transfer == "base64":
        if len(data) <= ENCODED_AT_ONCE:
            return Coded(transfer, RECURRING.encoded(data) or encode_base64(data), ended=bool(data))
        return Coded(transfer, HeldStream.of(data), ended=True)
    if transfer == "quoted-printable":
        return Coded(transfer, encode_qp_text(data) if leaf.text else encode_qp(data))
    return Coded(transfer, data)


def _identity(data: bytes) -> str:
    if b"\0" in data:
        raise _refused_nul()
    return "7bit" if data.isascii() else "8bit"


def _refused_nul() -> MessageError:
    return MessageError("content that goes as it is must not hold a NUL (RFC 5321 4.1.1.4)")


def _refused_octets() -> MessageError:
    return MessageError("the content is not 7bit, as was said of it (RFC 2045 2.7)", code="ESTREAM")


def _encode_stream(leaf: Leaf, source: Source) -> Coded:
    if leaf.transfer in {IDENTITY, "7bit", "8bit"}:
        return _encode_as_it_is(leaf, source)
    sample = canonical_text(leaf.sample or b"") if leaf.text else b""
    transfer = choose_encoding(sample, text=leaf.text, prefer=leaf.transfer, complete=False)
    if transfer == "quoted-printable":
        return Coded(transfer, Stream(source, _canonical_qp if leaf.text else iter_qp, None))
    if leaf.text:
        return Coded(transfer, Stream(source, _canonical_base64, None), ended=True)
    size = None if source.length is None else base64_size(source.length)
    return Coded(transfer, Stream(source, iter_base64, size), ended=True)


def _encode_as_it_is(leaf: Leaf, source: Source) -> Coded:
    measure = leaf.measure
    if leaf.transfer == "7bit" and measure is not None and not measure.ascii:
        raise _refused_octets()
    seven = leaf.transfer == "7bit" or (measure is not None and measure.ascii)
    size = None if measure is None else measure.size
    return Coded("7bit" if seven else "8bit", Stream(source, as_seven_bits if seven else as_it_is, size))


def _canonical_qp(chunks: Iterable[bytes]) -> Iterator[bytes]:
    return iter_qp(iter_canonical(chunks))


def _canonical_base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    return iter_base64(iter_canonical(chunks))


def as_it_is(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks with CRLF line ends.

    Raises:
        MessageError: There is a NUL in them.
    """
    for chunk in iter_canonical(chunks):
        if b"\0" in chunk:
            raise _refused_nul()
        yield chunk


def as_seven_bits(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same.

    Raises:
        MessageError: There is a NUL, or an octet over 127, in them.
    """
    for chunk in as_it_is(chunks):
        if not chunk.isascii():
            raise _refused_octets()
        yield chunk


def ending_line(coder: Coder) -> Coder:
    """A coder that completes the last line of what `coder` gives."""

    def coded(chunks: Iterable[bytes]) -> Iterator[bytes]:
        end = b"\r\n"
        for chunk in coder(chunks):
            yield chunk
            end = (end + chunk)[-2:]
        if end != b"\r\n":
            yield b"\r\n"

    return coded


@attrs.frozen
class Measure:
    """What reading content once has told.

    Attributes:
        size: Its octets on the wire, as they are.
        ascii: Whether none is over 127.
        ended: Whether its last line is complete.
    """

    size: int
    ascii: bool
    ended: bool

    @classmethod
    def of(cls, source: Source) -> Measure:
        """Read `source` to its end; it blocks.

        Raises:
            MessageError: It cannot be read, or holds a NUL.
        """
        size, seven, end = 0, True, b"\r\n"
        for chunk in as_it_is(source.chunks()):
            size += len(chunk)
            seven = seven and chunk.isascii()
            end = (end + chunk)[-2:]
        return cls(size, seven, end == b"\r\n")
