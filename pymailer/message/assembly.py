"""The tree as octets: boundaries, the headers of parts, and the pieces that a body consists of.

Adjacent octets become one piece; what is not in memory stays a stream. Knows nothing of what the parts are for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pymailer.message.body import Body
from pymailer.message.coding import Coded, Piece, Stream, encode, ending_line
from pymailer.message.headers import Encoded, render
from pymailer.message.node import Multipart
from pymailer.message.randomness import random_name

if TYPE_CHECKING:
    from pymailer.message.node import Node

_Fields: TypeAlias = list[tuple[str, str]]


def assemble(node: Node) -> tuple[_Fields, Body]:
    """The fields that `node` adds to the header of the message, and its body.

    Raises:
        MessageError: Content that its part cannot carry.
    """
    builder = _Builder()
    if isinstance(node, Multipart):
        boundary = builder.boundary()
        builder.put_parts(node, boundary)
        return [_multipart_field(node, boundary)], builder.body(ended=False)
    coded = encode(node)
    builder.put_content(coded)
    return [] if node.whole else node.head.complete(coded.transfer), builder.body(coded.ended)


def _multipart_field(node: Multipart, boundary: str) -> tuple[str, str]:
    root = '; type="text/html"' if node.subtype == "related" else ""  # RFC 2387 3.1
    return "Content-Type", Encoded(f'multipart/{node.subtype}{root}; boundary="{boundary}"')


class _Builder:
    """The pieces so far, and the octets that are not yet one."""

    __slots__ = ("_boundaries", "_needs_8bit", "_nonce", "_open", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._open: list[bytes] = []
        self._needs_8bit = False
        self._boundaries = 0
        self._nonce = random_name()[:24]

    def boundary(self) -> str:
        """A new boundary."""
        # "=_" occurs in no encoded text, nobody can have put a random number into what he sends, and as the count
        # goes first no boundary begins with another (RFC 2046 5.1.2). With a longer one its field would need two lines.
        self._boundaries += 1
        return f"=_{self._boundaries}_{self._nonce}"

    def put_parts(self, node: Multipart, boundary: str) -> None:
        """Add the children of `node` and the boundaries between them; the last line is not complete then."""
        delimiter = f"\r\n--{boundary}".encode()
        ended = True
        for child in node.children:
            self._open += (delimiter[2:] if ended else delimiter, b"\r\n")
            ended = self._put_part(child)
        self._open += (delimiter[2:] if ended else delimiter, b"--")

    def _put_part(self, node: Node) -> bool:
        """Add `node` with its header; whether its last line is complete, with a CRLF that is not a part of it."""
        if isinstance(node, Multipart):
            boundary = self.boundary()
            self._open += (render(*_multipart_field(node, boundary)), b"\r\n")
            self.put_parts(node, boundary)
            return False
        coded = encode(node)
        if not node.whole:
            self._open.append(node.head.as_bytes(coded.transfer))
        self.put_content(coded)
        return coded.ended

    def put_content(self, coded: Coded) -> None:
        """Add the content of a part."""
        if coded.transfer == "8bit":
            self._needs_8bit = True
        if isinstance(coded.piece, bytes):
            self._open.append(coded.piece)
        else:
            self._close_piece()
            self._pieces.append(coded.piece)

    def _close_piece(self) -> None:
        if self._open:
            self._pieces.append(b"".join(self._open))
            self._open = []

    def body(self, ended: bool) -> Body:
        """All of it, its last line complete."""
        if self._open and self._open[-1] and not self._open[-1].endswith(b"\r\n"):
            self._open.append(b"\r\n")
        self._close_piece()
        if not ended and isinstance(last := self._pieces[-1], Stream):
            self._pieces[-1] = Stream(last.source, ending_line(last.coder), None)
        return Body(tuple(self._pieces), self._needs_8bit)
