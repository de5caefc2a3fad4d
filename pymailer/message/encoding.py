"""Transfer encodings of bodies (RFC 2045 6): which one to take, base64, and what given content is decoded from.

Knows bytes; a body that is streamed is looked at only as far as its first chunk.
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator
from struct import Struct

from pymailer.errors import MessageError
from pymailer.message.characters import shown
from pymailer.message.line_ends import canonical_text, iter_canonical
from pymailer.message.quoted_printable import encode_qp, encode_qp_text, iter_qp

__all__ = [
    "base64_blocks",
    "base64_size",
    "canonical_text",
    "choose_encoding",
    "decode_content",
    "encode_base64",
    "encode_qp",
    "encode_qp_text",
    "identity_encoding",
    "iter_base64",
    "iter_canonical",
    "iter_qp",
]

COMFORTABLE_LINE = 78
"""RFC 5322 2.1.1: text with longer lines is encoded, though it need not be."""
MAX_LINE = 998

# --- the choice ------------------------------------------------------------------------------------------------------

_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def choose_encoding(
    data: bytes, *, text: bool, prefer: str | None = None, allow_8bit: bool = False, complete: bool = True
) -> str:
    """The transfer encoding for a body.

    Args:
        data: The body, or the beginning of it; text with CRLF line ends.
        text: Whether it is text; anything else is base64.
        prefer: An encoding that the user asked for. It is taken, unless it cannot carry `data`.
        allow_8bit: Whether text with comfortable lines may go unencoded, for a server with 8BITMIME.
        complete: Whether `data` is all of it. What was not seen may need an encoding.

    Returns:
        ``"7bit"``, ``"8bit"``, ``"quoted-printable"`` or ``"base64"``.

    Raises:
        MessageError: `prefer` is ``7bit`` or ``8bit``, and `data` does not fit it.
    """
    if prefer is not None:
        return _preferred(data, prefer.lower())
    if not text:
        return "base64"
    strange = len(data.translate(None, _PLAIN))
    as_it_is = complete and (not strange or (allow_8bit and b"\0" not in data))
    if as_it_is and _longest_line(data) <= COMFORTABLE_LINE:
        return "8bit" if strange else "7bit"
    # Quoted-printable triples what it encodes, and stays readable; base64 always adds a third.
    return "quoted-printable" if 4 * strange <= len(data) else "base64"


def identity_encoding(data: bytes) -> str:
    """The name of not encoding `data` at all, as ``message/*`` asks for (RFC 2046 5.2.1): 7bit, 8bit or binary."""
    if b"\0" in data or _longest_line(data) > MAX_LINE or _has_bare_line_ends(data):
        return "binary"
    return "7bit" if data.isascii() else "8bit"


def _preferred(data: bytes, name: str) -> str:
    if name in {"quoted-printable", "base64"}:
        return name
    fits = {"7bit": ("7bit",), "8bit": ("7bit", "8bit")}.get(name)
    if fits is None:
        raise MessageError(f"{shown(name)} is not a transfer encoding: 7bit, 8bit, quoted-printable or base64")
    if (found := identity_encoding(data)) not in fits:
        raise MessageError(f"the content is not {name}, it is {found} (RFC 2045 2)")
    return name


def _longest_line(data: bytes) -> int:
    return max(map(len, data.split(b"\r\n")))


def _has_bare_line_ends(data: bytes) -> bool:
    return not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


# --- base64 ----------------------------------------------------------------------------------------------------------

_CHARS = 76  # RFC 2045 6.8
_OCTETS = 57
_LINES = Struct(f"{_CHARS}s" * 512)
"""Many lines, cut in one call: to slice them one by one takes longer than to encode them. More than these 40 KB at once
would leave the processor's cache, and each allocation would begin with pages that the system has to clear."""
_BLOCK = _LINES.size // _CHARS * _OCTETS


def encode_base64(data: bytes) -> bytes:
    """`data` in base64, in lines of 76 with CRLF after each, the last one included."""
    return b"".join(base64_blocks(data))


def iter_base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same over chunks of any size, with bounded memory."""
    held = b""
    for chunk in chunks:
        data = held + chunk if held else chunk
        whole = len(data) // _OCTETS * _OCTETS
        if whole:
            yield from base64_blocks(memoryview(data)[:whole])
        held = data[whole:]
    if held:
        yield encode_base64(held)


def base64_blocks(data: bytes | memoryview) -> Iterator[bytes]:
    """The same in blocks of at most 40 KB."""
    data = memoryview(data)
    for start in range(0, len(data), _BLOCK):
        encoded = b2a_base64(data[start : start + _BLOCK], newline=False)
        if len(encoded) == _LINES.size:
            lines: Iterable[bytes] = _LINES.unpack(encoded)
        else:
            lines = [encoded[at : at + _CHARS] for at in range(0, len(encoded), _CHARS)]
        yield b"\r\n".join((*lines, b""))


def base64_size(octets: int) -> int:
    """How many octets `encode_base64` makes of so many."""
    return -(-octets // 3) * 4 + -(-octets // _OCTETS) * 2


# --- what a user gives -----------------------------------------------------------------------------------------------

_CHARSETS = {
    "utf8": "utf-8",
    "usascii": "ascii",
    "ascii": "ascii",
    "latin1": "latin-1",
    "binary": "latin-1",
    "iso88591": "latin-1",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "ucs2": "utf-16-le",
}


def decode_content(content: str | bytes, encoding: str) -> bytes:
    """The octets that `content` stands for.

    Args:
        content: Text in `encoding`; octets only for ``base64`` and ``hex``, as they are for any other.
        encoding: ``base64``, ``base64url``, ``hex``, or a character set such as ``utf-8`` or ``latin1``.

    Raises:
        MessageError: The encoding is not known, or `content` is not in it.
    """
    name = encoding.lower().translate(_SEPARATORS) if isinstance(encoding, str) else ""
    try:
        if name in {"base64", "base64url"}:
            return _from_base64(content)
        if name == "hex":
            return bytes.fromhex(content if isinstance(content, str) else content.decode("ascii"))
        charset = _CHARSETS[name]
        return content.encode(charset) if isinstance(content, str) else content
    except KeyError:
        raise MessageError(f"{shown(encoding)} is not an encoding of content, such as 'base64' or 'hex'") from None
    except (BinasciiError, ValueError) as error:
        raise MessageError(f"the content is not {encoding}: {error}") from None


_SEPARATORS = str.maketrans("", "", "-_ ")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def _from_base64(content: str | bytes) -> bytes:
    """Either alphabet (RFC 4648 4 and 5), with or without padding, in lines or not; anything else is an error."""
    octets = content.encode("ascii") if isinstance(content, str) else content
    octets = octets.translate(_URL_SAFE, b" \t\r\n")
    return a2b_base64(octets + b"=" * (-len(octets) % 4), strict_mode=True)
