"""Header fields: the mutable, ordered list of them, and each one as bytes for the wire.

Knows how text is encoded and a field folded; what a field may hold is `field_values`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

from pymailer.errors import MessageError
from pymailer.message.characters import BLANKS, CONTROL, described
from pymailer.message.encoded_words import LONGEST, Encoded, encode_words
from pymailer.message.field_values import check_name, custom_fields, field_value
from pymailer.message.folding import LINE, check_length, fold, fold_structured, octets, too_long

__all__ = ["Encoded", "Headers", "check_name", "custom_fields", "encode_text", "field_value", "render", "render_all"]


def encode_text(value: str, room: int = LONGEST) -> str:
    """`value` itself where it is plain, else `Encoded` as a whole (RFC 2047), so that no blank gets lost between words.

    Args:
        value: Text without C0 controls and DEL.
        room: How many characters the first encoded word may have.
    """
    if value.isascii() and "=?" not in value and value.strip(BLANKS) == value:
        return value
    return encode_words(value, room)


def render(name: str, value: str) -> bytes:
    """One complete field, folded, with its CRLF.

    Args:
        name: The field name, spelled as it shall be.
        value: Text, which is encoded where it must be; or `Encoded`, which is only folded.

    Raises:
        MessageError: A name that is none, a control character, or a word longer than any line may be.
    """
    return octets(_written(check_name(name), field_value(name, value)))


def render_all(fields: Iterable[tuple[str, str]]) -> bytes:
    """The same for many fields whose names and values were checked.

    Raises:
        MessageError: A field holds what no line may hold.
    """
    return octets("".join([_written(name, value) for name, value in fields]))


def _written(name: str, value: str) -> str:
    if type(value) is not Encoded:
        return _written_text(name, value)
    if not value.isprintable() and (control := CONTROL.search(value)):  # whoever encoded it
        raise MessageError(f"the {name} header contains {described(control[0])}")
    if len(name) + len(value) < LINE - 1:
        return f"{name}: {value}\r\n"
    return f"{check_length(name, fold_structured(name, value))}\r\n"


def _written_text(name: str, text: str) -> str:
    room = LINE - len(name) - 2
    value = encode_text(text, room)
    if len(value) <= room:
        return f"{name}: {value}\r\n" if value else f"{name}:\r\n"
    folded = fold(name, value)
    if too_long(folded):  # a word that long can only be broken when it is encoded
        folded = fold(name, encode_words(text, room))
    return f"{folded}\r\n"


class Headers:
    """The fields of a message or part, in order. Names are compared without case; a field may occur several times.

    Values are text as a reader sees it; those of structured fields (addresses, ids, parameters) are in wire form.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, object]] = ()) -> None:
        self._fields = [(check_name(name), field_value(name, value)) for name, value in fields]

    @classmethod
    def checked(cls, fields: Iterable[tuple[str, str]]) -> Self:
        """The fields themselves, where names and values were checked before."""
        self = cls()
        self._fields = list(fields)
        return self

    def add(self, name: str, value: object) -> None:
        """Append a field.

        Raises:
            MessageError: The name is no field name, or the value cannot stand in this field.
        """
        self._fields.append((check_name(name), field_value(name, value)))

    def set(self, name: str, value: object) -> None:
        """Replace the first field of this name and drop the others; append it if there is none.

        Raises:
            MessageError: The name is no field name, or the value cannot stand in this field.
        """
        field = check_name(name), field_value(name, value)
        at = next((at for at, (other, _) in enumerate(self._fields) if other.lower() == name.lower()), None)
        if at is None:
            self._fields.append(field)
            return
        rest = [other for other in self._fields[at + 1 :] if other[0].lower() != name.lower()]
        self._fields[at:] = [field, *rest]

    def remove(self, name: str) -> None:
        """Drop every field of this name; none is no error."""
        self._fields = [field for field in self._fields if field[0].lower() != name.lower()]

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of the first field of this name."""
        lowered = name.lower()
        for other, value in self._fields:
            if other.lower() == lowered:
                return value
        return default

    def get_all(self, name: str) -> list[str]:
        """The values of all fields of this name, in order."""
        return [value for other, value in self._fields if other.lower() == name.lower()]

    def items(self) -> list[tuple[str, str]]:
        """All fields, in order."""
        return list(self._fields)

    def as_bytes(self) -> bytes:
        """All fields for the wire, without the empty line that ends a header.

        Raises:
            MessageError: A field holds what no line may hold.
        """
        return render_all(self._fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(other.lower() == name.lower() for other, _ in self._fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"
