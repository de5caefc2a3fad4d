"""The header of a composed message: fields that may still be edited, and the octets that they become.

A header that came ready made stays as it came, octet for octet, but for the fields that somebody edits.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

from pymailer.errors import MessageError
from pymailer.message.characters import shown
from pymailer.message.headers import Encoded, Headers, check_name, render, render_all

Rename = Callable[[str, str], str | None]
"""A user's function from name and value of a field to the name to write."""

_Field = tuple[str, str]

_BLANKS: Final = (b" ", b"\t")


@attrs.define(eq=False)
class Head:
    """The fields, and how to write them.

    Attributes:
        rename: Called with each field when it is written.
    """

    _fields: Sequence[_Field] | None
    rename: Rename | None = None
    _written: bytes | None = None
    _verbatim: Mapping[int, tuple[_Field, bytes]] = MappingProxyType({})
    _headers: Headers | None = None

    @classmethod
    def unread(cls, written: bytes) -> Head:
        """A header that came ready made, with the empty line that ends it: read when somebody asks for its fields."""
        return cls(None, None, written)

    @classmethod
    def parse(cls, block: bytes, drop: Container[str] = ()) -> Head:
        """Read a header that came ready made, lines ending in CRLF.

        Args:
            block: The lines, without the empty one.
            drop: Names in lower case of fields that are left out.

        Raises:
            MessageError: A line is no field.
        """
        head = cls(None)
        head._read(block, drop)
        return head

    def _read(self, block: bytes, drop: Container[str] = ()) -> Sequence[_Field]:
        kept = [((name, _value(line)), line) for name, line in _named_lines(block) if name.lower() not in drop]
        self._verbatim = {id(field): (field, line) for field, line in kept}
        self._fields = [field for field, _ in kept]
        return self._fields

    @property
    def opened(self) -> bool:
        """Whether somebody has the fields, and may have edited them."""
        return self._headers is not None

    @property
    def headers(self) -> Headers:
        """The fields; what is changed here is written."""
        if self._headers is None:
            fields = self._fields
            if fields is None:
                fields = self._read((self._written or b"").removesuffix(b"\r\n").removesuffix(b"\r\n"))
            self._headers = Headers.checked(fields)
        return self._headers

    def as_bytes(self) -> bytes:
        """All fields, and the empty line that ends them.

        Raises:
            MessageError: A field holds what no line may hold.
        """
        if self._headers is not None and (current := self._headers.items()) != self._fields:
            self._fields, self._written = current, None
        if self._written is None:
            self._written = self._lines(self._fields or ())
        return self._written

    def _lines(self, fields: Sequence[_Field]) -> bytes:
        if not self._verbatim and self.rename is None:
            return render_all(fields) + b"\r\n"
        return b"".join([*map(self._line, fields), b"\r\n"])

    def _line(self, field: _Field) -> bytes:
        name, value = field
        kept = self._verbatim.get(id(field))
        line = kept[1] if kept else render(name, value)
        if self.rename is not None and (renamed := self.rename(name, value)):
            line = check_name(renamed).encode() + line[len(name) :]
        return line


def _named_lines(block: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and lines of each field."""
    lines: list[bytes] = []
    for line in block.split(b"\r\n"):
        if lines and not line.startswith(_BLANKS):
            yield _named(lines)
            lines = []
        lines.append(line)
    if lines != [b""]:
        yield _named(lines)


def _named(lines: list[bytes]) -> tuple[str, bytes]:
    name, colon, _ = lines[0].partition(b":")
    text = name.rstrip(b" \t").decode("latin-1")
    if not colon:
        raise MessageError(f"a raw message begins with a header, and {shown(text)} is no field of one (RFC 5322 2.2)")
    return check_name(text), b"\r\n".join([*lines, b""])


def _value(line: bytes) -> Encoded:
    value = line.partition(b":")[2].replace(b"\r\n", b"")
    return Encoded(value.strip(b" \t").decode("utf-8", "surrogateescape"))
