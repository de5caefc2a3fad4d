"""Quoted-printable (RFC 2045 6.7): lines of at most 76, and nothing that a mail system on the way may touch.

Knows bytes; text should come with CRLF line ends. Every octet comes back as it went in, whatever it was.
"""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Iterable, Iterator

LINE = 76
MAX_HELD = 64 * 1024
"""Octets of one unbroken line that a stream holds back while it waits for the line's end."""


def encode_qp(data: bytes) -> bytes:
    """`data` in quoted-printable. CRLF stays a line end; a bare CR or LF is an octet like any other."""
    if data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        return encode_qp_text(data)
    return _unmistakable(b"\r\n".join([_encode_line(line) for line in data.split(b"\r\n")]))


def encode_qp_text(data: bytes) -> bytes:
    """The same for text of which it is known that every line ends with CRLF."""
    encoded = b2a_qp(data)
    if b"\n" not in data:  # soft breaks had no CRLF to imitate
        encoded = encoded.replace(b"=\n", b"=\r\n")
    if b"=20\r\n" in encoded or (b"\t" in data and b"=09\r\n" in encoded):
        encoded = _shorten(encoded)
    return _unmistakable(encoded)


def iter_qp(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same over chunks of any size, with bounded memory."""
    held = b""
    for chunk in chunks:
        held += chunk
        end = held.rfind(b"\r\n") + 2
        if end >= 2:
            yield encode_qp(held[:end])
            held = held[end:]
        elif len(held) > MAX_HELD:
            end = len(held) - 1 if held.endswith(b"\r") else len(held)
            yield _unmistakable(_continued(_encode_line(held[:end])))
            held = held[end:]
    if held:
        yield encode_qp(held)


def _encode_line(line: bytes) -> bytes:
    """Octets without a line end among them: CR and LF are encoded too."""
    return _shorten(b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n"))


def _shorten(encoded: bytes) -> bytes:
    """The same without lines of 77 or 78.

    `b2a_qp` counts a line before it encodes a blank at its end, and believes that no soft break precedes an LF.
    """
    return b"\r\n".join([line if len(line) <= LINE else _broken(line) for line in encoded.split(b"\r\n")])


def _broken(line: bytes) -> bytes:
    cut = -2 if line.endswith(b"=") else -3  # one octet and a soft break, or an encoded blank
    return line[:cut] + b"=\r\n" + line[cut:]


def _continued(encoded: bytes) -> bytes:
    """`encoded` with a soft break at its end, for what follows in the same line."""
    start = encoded.rfind(b"\r\n") + 2 if b"\r\n" in encoded else 0
    if len(encoded) - start == LINE:  # no room for the "=" of the break
        cut = -3 if encoded[-3:-2] == b"=" else -1
        encoded = encoded[:cut] + b"=\r\n" + encoded[cut:]
    return encoded + b"=\r\n"


def _unmistakable(encoded: bytes) -> bytes:
    """No line begins with what an mbox file takes for the next message (RFC 2049 3 (8))."""
    if b"From " not in encoded:
        return encoded
    if encoded.startswith(b"From "):
        encoded = b"F=\r\n" + encoded[1:]
    return encoded.replace(b"\r\nFrom ", b"\r\nF=\r\nrom ")
