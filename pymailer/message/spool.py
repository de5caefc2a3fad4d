"""A place for octets whose number nobody knows yet: in memory while they are few, in a temporary file when not.

Knows only octets. The file has no name, and is closed when the last source that reads it is gone.
"""

from __future__ import annotations

import os
import weakref
from typing import IO, TYPE_CHECKING, Final

import attrs

from pymailer.message.content import CHUNK, Memory, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY: Final = 1024 * 1024
"""Octets that are kept in memory before a file is made."""


class Spool:
    """Takes octets in pieces and gives them back as a source."""

    def __init__(self) -> None:
        self.size: int = 0
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None

    def stays_in_memory(self, piece: bytes) -> bool:
        """Whether `write` would not touch a file."""
        return self._file is None and self.size + len(piece) <= IN_MEMORY

    def write(self, piece: bytes) -> None:
        """Add `piece`; it may block when it goes to a file."""
        self.size += len(piece)
        if self._file is not None:
            self._file.write(piece)
            return
        self._pieces.append(piece)
        if self.size > IN_MEMORY:
            self._move_to_file()

    def _move_to_file(self) -> None:
        from tempfile import TemporaryFile  # only large content pays for this import

        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 -- it lives as long as the source that reads it
        weakref.finalize(self, self._file.close)
        self._file.write(b"".join(self._pieces))
        self._pieces = []

    def source(self) -> Source:
        """All that was written, to be read as often as you like."""
        if self._file is None:
            return Memory.of(b"".join(self._pieces))
        return _Spooled(self.size, True, self, self._file.fileno())


@attrs.frozen
class _Spooled(Source):
    """A temporary file, read by position, so that several readers, or processes after a fork, do not disturb it."""

    spool: Spool  # it closes the file when nobody holds it any more
    descriptor: int

    def chunks(self) -> Iterator[bytes]:
        """The octets, cut into pieces."""
        at = 0
        while chunk := os.pread(self.descriptor, CHUNK, at):
            at += len(chunk)
            yield chunk


def spooled(source: Source) -> Source:
    """What can be read once, moved to where it can be read again; it blocks."""
    spool = Spool()
    for chunk in source.chunks():
        spool.write(chunk)
    return spool.source()
