"""The header of one part of a multipart: a few fields, the same for most parts that there are.

Knows how it is written; what the fields say is decided where the part is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pymailer.message.encoded_words import Encoded
from pymailer.message.headers import render_all

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRANSFER: Final = {
    name: ("Content-Transfer-Encoding", Encoded(name)) for name in ("7bit", "8bit", "quoted-printable", "base64")
}


@attrs.frozen(eq=False)
class PartHead:
    """The header fields of a part but its transfer encoding, which is known when its content was looked at.

    Attributes:
        fields: Names and values, checked, each value in wire form or text.
    """

    fields: Sequence[tuple[str, str]]
    _written: dict[str, bytes] = attrs.field(factory=dict[str, bytes], init=False, repr=False)

    def complete(self, transfer: str) -> list[tuple[str, str]]:
        """All fields of a part that goes in this encoding."""
        return [*self.fields, _TRANSFER[transfer]]

    def as_bytes(self, transfer: str) -> bytes:
        """The same for the wire, with the empty line that ends them; written once for all parts that share this.

        Raises:
            MessageError: A field holds what no line may hold.
        """
        written = self._written.get(transfer)
        if written is None:
            written = self._written[transfer] = render_all(self.complete(transfer)) + b"\r\n"
        return written
