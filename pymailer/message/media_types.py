"""Media types (RFC 2045 5.1): read strictly, guessed from a file name, and turned back into an extension.

Knows names and their grammar; must not open anything, and must not ask the machine, so that a message is the same on
every one.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

OCTETS: Final = "application/octet-stream"
"""What a thing is when nobody knows."""

MAX_LENGTH: Final = 2000
"""Characters a given content type may have."""

_TOKEN: Final = frozenset("!#$%&'*+-.^_`{|}~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BLANK: Final = " \t"

_EXTENSIONS: str = """
application/gzip gz tgz
application/ics ics
application/java-archive jar
application/javascript js mjs
application/json json map
application/ld+json jsonld
application/msword doc dot
application/octet-stream bin dat exe dll iso img dmg
application/ogg ogx
application/pdf pdf
application/pgp-encrypted pgp
application/pgp-signature sig
application/pkcs7-mime p7m p7c
application/pkcs7-signature p7s
application/pkix-cert cer crt
application/postscript ps eps ai
application/rtf rtf
application/sql sql
application/toml toml
application/vnd.android.package-archive apk
application/vnd.apple.keynote key
application/vnd.apple.numbers numbers
application/vnd.apple.pages pages
application/vnd.apple.pkpass pkpass
application/vnd.google-earth.kml+xml kml
application/vnd.google-earth.kmz kmz
application/vnd.ms-excel xls xlt
application/vnd.ms-fontobject eot
application/vnd.ms-outlook msg
application/vnd.ms-powerpoint ppt pot pps
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.text odt
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/wasm wasm
application/x-7z-compressed 7z
application/x-bzip2 bz2
application/x-pkcs12 p12 pfx
application/x-rar-compressed rar
application/x-sh sh
application/x-tar tar
application/x-xz xz
application/xhtml+xml xhtml
application/xml xml xsd xsl
application/yaml yaml yml
application/zip zip
application/zstd zst
audio/aac aac
audio/flac flac
audio/midi mid midi
audio/mp4 m4a
audio/mpeg mp3
audio/ogg ogg oga opus
audio/wav wav
audio/webm weba
font/otf otf
font/ttf ttf
font/woff woff
font/woff2 woff2
image/avif avif
image/bmp bmp
image/gif gif
image/heic heic
image/jpeg jpg jpeg jpe
image/jxl jxl
image/png png apng
image/svg+xml svg svgz
image/tiff tif tiff
image/vnd.microsoft.icon ico
image/webp webp
message/rfc822 eml mime
model/gltf+json gltf
model/gltf-binary glb
text/calendar ics ifb
text/css css
text/csv csv
text/html html htm
text/markdown md markdown
text/plain txt text log conf ini py c h rs go
text/tab-separated-values tsv
text/vcard vcf vcard
text/vtt vtt
video/3gpp 3gp
video/mp2t ts
video/mp4 mp4 m4v
video/mpeg mpeg mpg
video/ogg ogv
video/quicktime mov
video/webm webm
video/x-matroska mkv
video/x-msvideo avi
"""


@attrs.frozen
class MediaType:
    """A media type and its parameters.

    Attributes:
        name: ``type/subtype``, in lower case.
        parameters: By name in lower case, unquoted.
    """

    name: str
    parameters: Mapping[str, str] = attrs.field(factory=dict[str, str])

    @property
    def main(self) -> str:
        """What stands before the slash."""
        return self.name.partition("/")[0]


@cache
def _types() -> dict[str, str]:
    return {extension: name for name, *extensions in _rows() for extension in extensions}


@cache
def _preferred() -> dict[str, str]:
    return {name: first for name, first, *_ in _rows()}


def _rows() -> list[list[str]]:
    return [line.split() for line in _EXTENSIONS.strip().splitlines()]


def type_of(filename: str) -> str | None:
    """The media type that the extension of `filename` stands for, or ``None``."""
    stem, dot, extension = filename.rpartition(".")
    return _types().get(extension.lower()) if dot and stem else None


def extension_of(media_type: str) -> str:
    """The usual extension of `media_type`, without a dot; ``"bin"`` if it has none."""
    return _preferred().get(media_type, "txt" if media_type.startswith("text/") else "bin")


@lru_cache(256)
def parse_media_type(value: str) -> MediaType:
    """Read ``type/subtype; name=value; name="quoted value"`` in one pass.

    Raises:
        MessageError: It is anything else, or a parameter is given twice.
    """
    if len(value) > MAX_LENGTH:
        raise MessageError(f"a content type of {len(value)} characters is too long")
    name, semicolon, rest = value.partition(";")
    return MediaType(_name(name), _parameters(value, rest)) if semicolon else MediaType(_name(name))


def _name(value: str) -> str:
    main, slash, sub = value.strip(_BLANK).lower().partition("/")
    if not (slash and main and sub and _TOKEN.issuperset(main) and _TOKEN.issuperset(sub)):
        raise MessageError(f"{value!r} is no media type: it must be type/subtype (RFC 2045 5.1)")
    return f"{main}/{sub}"


def _parameters(whole: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        if text[at] in "; \t":
            at += 1
            continue
        equals = text.find("=", at)
        name = text[at:equals].strip(_BLANK).lower() if equals > 0 else ""
        if not name or not _TOKEN.issuperset(name) or name in found:
            raise MessageError(f"{whole!r} has a parameter that cannot be read, or one twice (RFC 2045 5.1)")
        found[name], at = _parameter_value(whole, text, equals + 1)
    return found


def _parameter_value(whole: str, text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] == '"':
        return _quoted(whole, text, at + 1)
    end = text.find(";", at)
    end = len(text) if end < 0 else end
    value = text[at:end].strip(_BLANK)
    if not value or not _TOKEN.issuperset(value):
        raise MessageError(f"{whole!r} has a parameter whose value must be quoted (RFC 2045 5.1)")
    return value, end


def _quoted(whole: str, text: str, at: int) -> tuple[str, int]:
    characters: list[str] = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
        characters += text[at : at + 1]
        at += 1
    value, after = "".join(characters), text[at + 1 :].lstrip(_BLANK)
    if at >= len(text) or (after and after[0] != ";") or any(char < " " or char == "\x7f" for char in value):
        raise MessageError(f"{whole!r} has a quoted parameter that cannot be read (RFC 2045 5.1)")
    return value, at + 1
