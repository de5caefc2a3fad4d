"""A message ready to go: a header that may still be edited, and a body that is encoded while it is read.

It has no colour: `iter_bytes` reads it in the caller's thread, `chunks` where reading disturbs nobody. Knows nothing of
how it was made or where it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from pymailer.message.body import Body
from pymailer.message.content import octets
from pymailer.message.head import Head

if TYPE_CHECKING:
    from pymailer.message.coding import Piece
    from pymailer.message.headers import Headers
    from pymailer.runtime import Runtime

Transform: TypeAlias = Callable[[Iterable[bytes]], Iterable[bytes]]
"""A function over the chunks of a whole message."""

GATHERED: Final = 32 * 1024
"""Octets up to which small chunks become one; a large one goes as it is, for it would have to be copied."""

_END_OF_HEADER: Final = b"\r\n\r\n"


@attrs.define(eq=False)
class ComposedMessage:
    """A whole message in its wire form: CRLF line ends, before dot-stuffing."""

    _head: Head = attrs.field(repr=False)
    _body: Body
    _message_id: str | None = None
    _transforms: tuple[Transform, ...] = attrs.field(default=(), repr=False)
    _prefix: bytes = attrs.field(default=b"", repr=False)

    @classmethod
    def from_bytes(cls, content: bytes, message_id: str | None = None) -> ComposedMessage:
        """A message that was composed before.

        Args:
            content: All of it, lines ending in CRLF.
            message_id: Its Message-ID; read from its header if not given.
        """
        end = _end_of_header(content)
        body = content[end:]
        return cls(Head.unread(content[:end]), Body((body,), not body.isascii()), message_id)

    @property
    def headers(self) -> Headers:
        """Its header fields; what is changed here is what is sent."""
        return self._head.headers

    @property
    def message_id(self) -> str | None:
        """Its Message-ID with angle brackets, or ``None`` if it has none."""
        if self._message_id is not None and not self._head.opened:
            return self._message_id
        return self.headers.get("Message-ID") or None

    @property
    def size(self) -> int | None:
        """Its octets on the wire, before dot-stuffing; ``None`` if only sending it will tell."""
        body = self._body.size
        return None if body is None or self._transforms else len(self._prefix) + len(self._head.as_bytes()) + body

    @property
    def at_hand(self) -> tuple[bytes, ...] | None:
        """All of it in pieces, where it is in memory as it goes on the wire; ``None``: it has to be read."""
        held = None if self._transforms else self._body.at_hand
        return None if held is None else (self._prefix, self._head.as_bytes(), *held)

    @property
    def replayable(self) -> bool:
        """Whether it can be sent more than once."""
        return self._body.replayable

    @property
    def needs_8bit(self) -> bool:
        """Whether an octet of its body is over 127, or may be (RFC 6152)."""
        return self._body.needs_8bit

    @property
    def needs_smtputf8(self) -> bool:
        """Whether its header holds anything but ASCII (RFC 6531)."""
        return not self._head.as_bytes().isascii()

    def transform(self, function: Transform) -> None:
        """Put the whole message through `function`, after those before it, whenever it is read.

        Args:
            function: Takes an iterable of chunks and returns another; it is called anew for each reading.
        """
        self._transforms += (function,)

    def prepend(self, fields: bytes) -> None:
        """Put complete header fields before everything else, past all transforms."""
        self._prefix = fields + self._prefix

    def iter_bytes(self) -> Iterator[bytes]:
        """The message in chunks; it may block.

        Raises:
            MessageError: Content that cannot be read, or not to its end (``ESTREAM``).
        """
        chunks: Iterable[bytes] = self._chunks()
        for function in self._transforms:
            chunks = function(chunks)
        if self._prefix:
            yield self._prefix
        yield from map(octets, chunks) if self._transforms else chunks

    def as_bytes(self) -> bytes:
        """The whole message at once; it may block.

        Raises:
            MessageError: See `iter_bytes`.
        """
        return b"".join(self.iter_bytes())

    def chunks(self, runtime: Runtime) -> Chunks:
        """The message in chunks, for an ``async for``; what blocks is done where it disturbs nobody."""
        return Chunks(self.iter_bytes(), runtime, self._body.waits)

    async def read(self, runtime: Runtime) -> bytes:
        """The whole message at once; what blocks is done where it disturbs nobody.

        Raises:
            MessageError: See `iter_bytes`.
        """
        if self._body.waits:
            return b"".join([chunk async for chunk in self.chunks(runtime)])
        return b"".join(self.at_hand or self.iter_bytes())

    async def materialize(self, runtime: Runtime) -> None:
        """Move content that can be read only once to where it can be read again; then the size is known too.

        Raises:
            MessageError: See `iter_bytes`.
        """
        if not self._body.replayable:
            self._body = await runtime.offload(self._body.renewed)

    def _chunks(self) -> Iterator[bytes]:
        waiting = [self._head.as_bytes()]
        size = len(waiting[0])
        for piece in self._body.pieces:
            for chunk in _octets_of(piece):
                if size + len(chunk) > GATHERED:
                    yield b"".join(waiting)
                    waiting, size = [], 0
                waiting.append(chunk)
                size += len(chunk)
        yield b"".join(waiting)


def _end_of_header(content: bytes) -> int:
    """Where the body begins, after the empty line."""
    if content.startswith(b"\r\n"):
        return 2
    found = content.find(_END_OF_HEADER)
    return len(content) if found < 0 else found + len(_END_OF_HEADER)


def _octets_of(piece: Piece) -> Iterable[bytes]:
    return (piece,) if isinstance(piece, bytes) else piece.chunks()


@attrs.define(eq=False)
class Chunks:
    """An async iterator over chunks that are read in another way: no generator, so nothing is left to be closed."""

    _iterator: Iterator[bytes]
    _runtime: Runtime
    _waits: bool

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        if self._waits:
            chunk = await self._runtime.offload(self._next)
        else:
            chunk = self._next()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def _next(self) -> bytes | None:
        return next(self._iterator, None)
