"""All of a message after its header: pieces that are here, and streams of what is not.

Knows sizes and whether it can be read again; nothing of what the pieces mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pymailer.message.spool import spooled

if TYPE_CHECKING:
    from pymailer.message.coding import Piece


@attrs.frozen
class Body:
    """All of a message after its header.

    Attributes:
        pieces: What it consists of, in order.
        needs_8bit: Whether an octet of it is over 127, or may be.
    """

    pieces: tuple[Piece, ...] = attrs.field(repr=False)
    needs_8bit: bool = False

    @property
    def size(self) -> int | None:
        """Its octets on the wire; ``None`` if only sending it will tell."""
        total = 0
        for piece in self.pieces:
            size = len(piece) if isinstance(piece, bytes) else piece.size
            if size is None:
                return None
            total += size
        return total

    @property
    def at_hand(self) -> tuple[bytes, ...] | None:
        """Its pieces, where all of them are in memory as they go on the wire."""
        held: list[bytes] = []
        for piece in self.pieces:
            octets = piece if isinstance(piece, bytes) else piece.at_hand
            if octets is None:
                return None
            held.append(octets)
        return tuple(held)

    @property
    def replayable(self) -> bool:
        """Whether it can be sent more than once."""
        return all(isinstance(piece, bytes) or piece.source.replayable for piece in self.pieces)

    @property
    def waits(self) -> bool:
        """Whether reading it may block."""
        return not all(isinstance(piece, bytes) or piece.source.ready for piece in self.pieces)

    def renewed(self) -> Body:
        """The same, with a place to read it again for what could be read only once; it blocks."""
        return Body(tuple(map(_renewed, self.pieces)), self.needs_8bit)


def _renewed(piece: Piece) -> Piece:
    if isinstance(piece, bytes) or piece.source.replayable:
        return piece
    return piece.renewed(spooled(piece.source))
