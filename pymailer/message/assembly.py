"""The tree as octets: boundaries, the headers of parts, and the pieces that a body consists of.

Adjacent octets become one piece; what is not in memory stays a stream. Knows nothing of what the parts are for.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pymailer.message.body import Body
from pymailer.message.coding import Piece, Stream, encode, ending_line
from pymailer.message.headers import Encoded, render
from pymailer.message.node import Multipart

if TYPE_CHECKING:
    from pymailer.message.node import Node

_TRANSFER_FIELDS: Final = {
    name: ("Content-Transfer-Encoding", Encoded(name)) for name in ("7bit", "8bit", "quoted-printable", "base64")
}


_rendered: Final = lru_cache(256, typed=True)(render)
"""A field of a part: most parts have the same ones, and text is another value than the same text `Encoded`."""


def assemble(node: Node) -> tuple[list[tuple[str, str]], Body]:
    """The fields that `node` adds to the header of the message, and its body.

    Raises:
        MessageError: Content that its part cannot carry.
    """
    builder = _Builder()
    fields = builder.put(node, inside=False)
    return fields, builder.finish()


class _Builder:
    """The pieces so far, and the octets that are not yet one."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._open: list[bytes] = []
        self._needs_8bit = False
        self._ended = False  # whether the last line is complete, with a CRLF that is not a part of the content
        self._boundaries = 0
        self._nonce = ""

    def put(self, node: Node, *, inside: bool) -> list[tuple[str, str]]:
        """Add `node`, with its header if it is inside another; return the fields of that header."""
        if isinstance(node, Multipart):
            return self._put_multipart(node, inside=inside)
        coded = encode(node)
        fields = [] if node.whole else [*node.fields, _TRANSFER_FIELDS[coded.transfer]]
        if inside and not node.whole:
            self._put_header(fields)
        self._put_piece(coded.piece)
        self._ended = coded.ended
        self._needs_8bit |= coded.transfer == "8bit"
        return fields

    def _put_multipart(self, node: Multipart, *, inside: bool) -> list[tuple[str, str]]:
        boundary = self._boundary()
        root = '; type="text/html"' if node.subtype == "related" else ""  # RFC 2387 3.1
        fields: list[tuple[str, str]] = [
            ("Content-Type", Encoded(f'multipart/{node.subtype}{root}; boundary="{boundary}"'))
        ]
        if inside:
            self._put_header(fields)
        self._ended = True
        for child in node.children:
            self._put_line(f"--{boundary}\r\n".encode())
            self.put(child, inside=True)
        self._put_line(f"--{boundary}--".encode())
        self._ended = False
        return fields

    def _boundary(self) -> str:
        # "=_" occurs in no encoded text, nobody can have put a random number into what he sends, and as the count
        # goes first no boundary begins with another (RFC 2046 5.1.2). With a longer one its field would need two lines.
        self._nonce = self._nonce or os.urandom(12).hex()
        self._boundaries += 1
        return f"=_{self._boundaries}_{self._nonce}"

    def _put_header(self, fields: list[tuple[str, str]]) -> None:
        self._open += [_rendered(name, value) for name, value in fields]
        self._open.append(b"\r\n")

    def _put_line(self, line: bytes) -> None:
        self._open.append(line if self._ended else b"\r\n" + line)

    def _put_piece(self, piece: Piece) -> None:
        if isinstance(piece, bytes):
            self._open.append(piece)
            return
        self._close_piece()
        self._pieces.append(piece)

    def _close_piece(self) -> None:
        if self._open:
            self._pieces.append(b"".join(self._open))
            self._open = []

    def finish(self) -> Body:
        """The body, its last line complete."""
        self._close_piece()
        last = self._pieces[-1]
        if not self._ended and isinstance(last, Stream):
            self._pieces[-1] = Stream(last.source, ending_line(last.coder), None)
        elif isinstance(last, bytes) and last and not last.endswith(b"\r\n"):
            self._pieces[-1] = last + b"\r\n"
        return Body(tuple(self._pieces), self._needs_8bit)
