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
    from pymailer.message.node import Leaf, Node

_Fields: TypeAlias = list[tuple[str, str]]


def assemble(node: Node) -> tuple[_Fields, Body]:
    """The fields that `node` adds to the header of the message, and its body.

    Raises:
        MessageError: Content that its part cannot carry.
    """
    builder = _Builder()
    if isinstance(node, Multipart):
        boundary = builder.boundary()
        fields = [_multipart_field(node, boundary)]
        builder.put_parts(node, boundary)
    else:
        coded = builder.put_content(node)
        fields = [] if node.whole else node.head.complete(coded.transfer)
    return fields, builder.finish()


def _multipart_field(node: Multipart, boundary: str) -> tuple[str, str]:
    root = '; type="text/html"' if node.subtype == "related" else ""  # RFC 2387 3.1
    return "Content-Type", Encoded(f'multipart/{node.subtype}{root}; boundary="{boundary}"')


class _Builder:
    """The pieces so far, and the octets that are not yet one."""

    __slots__ = ("_boundaries", "_ended", "_needs_8bit", "_nonce", "_open", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._open: list[bytes] = []
        self._needs_8bit = False
        self._ended = False  # whether the last line is complete, with a CRLF that is not a part of the content
        self._boundaries = 0
        self._nonce = random_name()[:24]

    def boundary(self) -> str:
        """A new boundary."""
        # "=_" occurs in no encoded text, nobody can have put a random number into what he sends, and as the count
        # goes first no boundary begins with another (RFC 2046 5.1.2). With a longer one its field would need two lines.
        self._boundaries += 1
        return f"=_{self._boundaries}_{self._nonce}"

    def put_parts(self, node: Multipart, boundary: str) -> None:
        """Add the children of `node`, and the boundaries between them."""
        line = f"--{boundary}\r\n".encode()
        self._ended = True
        for child in node.children:
            self._put_line(line)
            if isinstance(child, Multipart):
                inner = self.boundary()
                self._open += (render(*_multipart_field(child, inner)), b"\r\n")
                self.put_parts(child, inner)
            else:
                self.put_content(child, inside=True)
        self._put_line(f"--{boundary}--".encode())
        self._ended = False

    def put_content(self, leaf: Leaf, *, inside: bool = False) -> Coded:
        """Add the content of `leaf`, with its header if it is inside another part."""
        coded = encode(leaf)
        if inside and not leaf.whole:
            self._open.append(leaf.head.as_bytes(coded.transfer))
        if isinstance(coded.piece, bytes):
            self._open.append(coded.piece)
        else:
            self._close_piece()
            self._pieces.append(coded.piece)
        self._ended = coded.ended
        self._needs_8bit |= coded.transfer == "8bit"
        return coded

    def _put_line(self, line: bytes) -> None:
        self._open += (line,) if self._ended else (b"\r\n", line)

    def _close_piece(self) -> None:
        if self._open:
            self._pieces.append(b"".join(self._open))
            self._open = []

    def finish(self) -> Body:
        """The body, its last line complete."""
        last = self._open[-1] if self._open else None
        if last and not last.endswith(b"\r\n"):
            self._open.append(b"\r\n")
        self._close_piece()
        if last is None and not self._ended and isinstance(stream := self._pieces[-1], Stream):
            self._pieces[-1] = Stream(stream.source, ending_line(stream.coder), None)
        return Body(tuple(self._pieces), self._needs_8bit)
