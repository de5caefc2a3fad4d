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
from pymailer.message.headers import Encoded, Headers, check_name, render

Rename = Callable[[str, str], str | None]
"""A user's function from name and value of a field to the name to write."""

_Field = tuple[str, str]

_BLANKS: Final = (b" ", b"\t")


@attrs.define(eq=False)
class Head:
    """The fields, and how to write them.

    Attributes:
        headers: The fields.
        rename: Called with each field when it is written.
    """

    headers: Headers
    rename: Rename | None = None
    _verbatim: Mapping[int, tuple[_Field, bytes]] = MappingProxyType({})
    _written: tuple[Sequence[_Field], bytes] = ((), b"")

    @classmethod
    def parse(cls, block: bytes, drop: Container[str] = ()) -> Head:
        """Read a header that came ready made, lines ending in CRLF.

        Args:
            block: The lines, without the empty one.
            drop: Names in lower case of fields that are left out.

        Raises:
            MessageError: A line is no field.
        """
        kept = [(name, line) for name, line in _fields(block) if name.lower() not in drop]
        head = cls(Headers([(name, _value(line)) for name, line in kept]))
        head._verbatim = {id(field): (field, line) for field, (_, line) in zip(head.headers, kept, strict=True)}
        return head

    def as_bytes(self) -> bytes:
        """All fields, and the empty line that ends them.

        Raises:
            MessageError: A field holds what no line may hold.
        """
        fields, written = self._written
        current = self.headers.items()
        if fields != current:
            as_they_are = not self._verbatim and self.rename is None
            lines = [self.headers.as_bytes()] if as_they_are else map(self._line, current)
            written = b"".join([*lines, b"\r\n"])
            self._written = current, written
        return written

    def _line(self, field: _Field) -> bytes:
        name, value = field
        kept = self._verbatim.get(id(field))
        line = kept[1] if kept else render(name, value)
        if self.rename is not None and (renamed := self.rename(name, value)):
            line = check_name(renamed).encode() + line[len(name) :]
        return line


def _fields(block: bytes) -> Iterator[tuple[str, bytes]]:
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
