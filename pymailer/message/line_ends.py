"""Line ends of text: whatever was given, CRLF on the wire (RFC 5322 2.3 knows neither a bare CR nor a bare LF).

Knows bytes and chunks of them; nothing of what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pymailer.errors import MessageError


def canonical_text(text: str | bytes) -> bytes:
    """`text` in UTF-8 with every CRLF, CR and LF as one CRLF.

    Raises:
        MessageError: A lone surrogate, which UTF-8 cannot carry.
    """
    if isinstance(text, str):
        try:
            text = text.encode()
        except UnicodeEncodeError as error:
            raise MessageError(f"the text holds half of a character (a lone surrogate) at {error.start}") from None
    if b"\r" in text:
        if b"\n" in text:
            text = text.replace(b"\r\n", b"\n")
        text = text.replace(b"\r", b"\n")
    return text.replace(b"\n", b"\r\n")


def iter_canonical(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same over chunks; a CRLF may lie across two of them."""
    held = b""
    for chunk in chunks:
        data = held + chunk if held else chunk
        held = b"\r" if data.endswith(b"\r") else b""
        if ready := data[:-1] if held else data:
            yield canonical_text(ready)
    if held:
        yield b"\r\n"
