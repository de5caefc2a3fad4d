"""The relaxed canonical forms of a header field and of a body (RFC 6376 3.4.2, 3.4.4): what a signature is over.

Pure functions over bytes, and a body hash that takes chunks cut anywhere. Knows no key and no message.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from typing import Final

_BLANKS: Final = re.compile(rb"[ \t]+")
_BLANKS_AT_END: Final = re.compile(rb" (?=\r\n)")


def relaxed_field(field: bytes) -> bytes:
    """A header field as it is signed: lower-case name, unfolded, one blank where there were several; with its CRLF."""
    name, _, value = field.partition(b":")
    unfolded = value.replace(b"\r\n", b"")
    return name.rstrip(b" \t").lower() + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ") + b"\r\n"


class BodyHash:
    """The SHA-256 over a body's relaxed form, fed in chunks whose line ends are CRLF."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._rest = b""
        self._empty_lines = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next octets."""
        data = self._rest + chunk
        end = data.rfind(b"\r\n") + 2
        if end == 1:
            self._rest = data
            return
        self._rest = data[end:]
        self._lines(data[:end])

    def _lines(self, lines: bytes) -> None:
        """Whole lines; empty ones at the end wait, for they count only if something follows them."""
        if b" " in lines or b"\t" in lines:
            lines = _BLANKS_AT_END.sub(b"", _BLANKS.sub(b" ", lines))
        kept = lines.rstrip(b"\r\n")
        if not kept:
            self._empty_lines += len(lines) // 2
            return
        self._hash.update(b"\r\n" * self._empty_lines)
        self._hash.update(kept)
        self._hash.update(b"\r\n")
        self._empty_lines = (len(lines) - len(kept)) // 2 - 1

    def digest(self) -> str:
        """The hash in base64, of everything fed."""
        if self._rest:
            self._lines(self._rest + b"\r\n")
            self._rest = b""
        return b64encode(self._hash.digest()).decode("ascii")
