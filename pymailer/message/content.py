"""Where the octets of a body come from: memory, a file, an open file, an iterable, or an async iterable.

Knows how each is read, how long it is, and whether it can be read again. It must not know what the octets mean, and
reads nothing before it is asked to, but the place where an open file stands.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, ClassVar, Final, cast

import attrs

from pymailer.errors import MessageError

CHUNK: Final = 57 * 2048
"""Octets read at once (114 KiB); a whole number of base64 lines."""


@attrs.frozen
class Source(ABC):
    """Octets that can be read from their beginning.

    Attributes:
        length: How many octets there are; ``None`` if only reading them all will tell.
        replayable: Whether they can be read more than once.
    """

    length: int | None
    replayable: bool
    ready: ClassVar[bool] = False
    """Whether the octets are here, so that reading them never blocks."""

    @abstractmethod
    def chunks(self) -> Iterator[bytes]:
        """The octets in pieces.

        Raises:
            MessageError: They cannot be read, or not to their end (``ESTREAM``).
        """


@attrs.frozen
class Memory(Source):
    """Octets that are here already."""

    data: bytes = attrs.field(repr=False)
    ready: ClassVar[bool] = True

    @classmethod
    def of(cls, data: bytes) -> Memory:
        """The source that `data` is."""
        return cls(len(data), True, data)

    def chunks(self) -> Iterator[bytes]:
        """The octets, cut into pieces."""
        data = self.data
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]


@attrs.frozen
class File(Source):
    """A file by its path, opened anew for each reading.

    What counts is its size when the message was composed: a file that shrank since then fails, and of one that grew
    the beginning is sent, which is what it held then.
    """

    path: Path

    @classmethod
    def found(cls, path: Path) -> File:
        """Look at the file and note its size; it blocks.

        Raises:
            MessageError: There is no such file, or it may not be read (``ESTREAM``).
        """
        with _failures(path):
            status = path.stat()
            regular = S_ISREG(status.st_mode)
            if regular or S_ISDIR(status.st_mode):  # to open a FIFO would wait for its writer
                path.open("rb").close()
        # Files under /proc are regular and say that they are empty.
        return cls(status.st_size or None if regular else None, regular, path)

    def chunks(self) -> Iterator[bytes]:
        """Open the file and read what it held when it was looked at."""
        with _failures(self.path), self.path.open("rb", buffering=0) as file:
            yield from _exactly(self.length, file.read, self.path)


@attrs.frozen
class OpenFile(Source):
    """A binary file that the caller opened, from where it stood when the message was made; it stays open."""

    file: Any = attrs.field(repr=False)
    start: int

    @classmethod
    def standing(cls, file: Any) -> OpenFile:
        """Note where `file` stands and how much of it is left."""
        with _failures(file):
            if not getattr(file, "seekable", lambda: False)():
                return cls(None, False, file, 0)
            start = file.tell()
            end = file.seek(0, os.SEEK_END)
            file.seek(start)
        return cls(max(end - start, 0), True, file, start)

    def chunks(self) -> Iterator[bytes]:
        """Go back to where the file stood, if that is possible, and read to its end."""
        with _failures(self.file):
            if self.replayable:
                self.file.seek(self.start)
            yield from _exactly(self.length, self.file.read, self.file)


@attrs.frozen
class Pieces(Source):
    """An iterable of octets; an iterator among them can be read once."""

    pieces: Iterable[bytes] = attrs.field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The pieces as they come, the large ones cut."""
        with _failures("an iterable"):
            for piece in self.pieces:
                yield from Memory.of(octets(piece)).chunks()


@attrs.frozen
class AsyncPieces(Source):
    """An async iterable of octets, which only an event loop can read."""

    pieces: AsyncIterable[bytes] = attrs.field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """Refuse: nobody here can wait for it."""
        raise MessageError(
            "an async iterable of bytes can only be awaited: send it with an async mailer", code="ESTREAM"
        )

    async def read(self, iterator: AsyncIterator[bytes]) -> bytes | None:
        """The next piece, or ``None`` after the last."""
        with _failures("an async iterable"):
            try:
                return octets(await anext(iterator))
            except StopAsyncIteration:
                return None


def source_of(value: object) -> bytes | Source | Path:
    """What a given value stands for; text counts as UTF-8, and is never the name of a file.

    Returns:
        Octets, a source of them, or a path of which nothing is known until somebody looks (`File.found`).

    Raises:
        MessageError: It is none.
    """
    if isinstance(value, str):
        return encoded(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(cast("bytes", value))
    if isinstance(value, os.PathLike):
        return Path(cast("os.PathLike[str]", value))
    if isinstance(value, BytesIO):
        return value.getvalue()[value.tell() :]
    return _stream_of(value)


def _stream_of(value: object) -> Source:
    if isinstance(value, AsyncIterable):
        pieces = cast("AsyncIterable[bytes]", value)
        return AsyncPieces(None, not isinstance(value, AsyncIterator), pieces)
    if callable(getattr(value, "read", None)):
        return OpenFile.standing(value)
    if _iterable(value):
        iterable = cast("Iterable[bytes]", value)
        return Pieces(None, not hasattr(iterable, "__next__"), iterable)
    raise MessageError(
        "content must be str, bytes, a binary file, an iterable of bytes, or a mapping with content, path or href, "
        f"not {type(value).__name__}"
    )


def _iterable(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(cast("object", value), Mapping)


def encoded(text: str, charset: str = "utf-8") -> bytes:
    """The octets of `text`.

    Raises:
        MessageError: It has characters that `charset` has not, such as half of a surrogate pair.
    """
    try:
        return text.encode(charset)
    except (UnicodeEncodeError, LookupError) as error:
        raise MessageError(f"text cannot be encoded as {charset}: {error}") from error


def octets(piece: object) -> bytes:
    """A piece as `bytes`.

    Raises:
        MessageError: It is text, or nothing that holds octets (``ESTREAM``).
    """
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, (bytearray, memoryview)):
        return bytes(cast("bytearray", piece))
    hint = "; open the file in binary mode" if isinstance(piece, str) else ""
    raise MessageError(f"content must come in bytes, not {type(piece).__name__}{hint}", code="ESTREAM")


def unreadable(what: object, why: object) -> MessageError:
    """The error for content that cannot be read."""
    name = str(what) if isinstance(what, (str, Path)) else type(what).__name__
    return MessageError(f"cannot read {name}: {why}", code="ESTREAM")


@contextmanager
def _failures(what: object) -> Generator[None]:
    """Whatever a file or a user's iterable raises is one error, with that as its cause."""
    try:
        yield
    except MessageError:
        raise
    except Exception as error:
        raise unreadable(what, error) from error


def _exactly(length: int | None, read: Callable[[int], Any], what: object) -> Iterator[bytes]:
    """What `read` gives, up to `length` octets and no fewer."""
    left = length
    while left is None or left:
        chunk = octets(read(CHUNK if left is None else min(CHUNK, left)))
        if chunk:
            yield chunk
        elif left is None:
            return
        else:
            raise unreadable(what, f"it ended {left} octets before its end; did something shorten it?")
        if left is not None:
            left -= len(chunk)
