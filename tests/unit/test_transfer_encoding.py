"""Transfer encodings: which one is chosen, and that every octet comes back."""

from __future__ import annotations

import base64
import quopri
from binascii import a2b_qp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import MessageError
from pymailer.message import quoted_printable
from pymailer.message.encoding import (
    base64_size,
    canonical_text,
    choose_encoding,
    decode_content,
    encode_base64,
    encode_qp,
    identity_encoding,
    iter_base64,
    iter_canonical,
    iter_qp,
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(min(place, len(data)) for place in places)
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


DATA = (
    st.binary(max_size=400)
    | st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r", b"\n", b"=", b".", b"\xff"]), max_size=300).map(
        b"".join
    )
    | st.lists(st.sampled_from([b"a" * 74, b"From ", b"\r\n", b" ", b".", b"\n", b"\xc3\xbc"]), max_size=40).map(
        b"".join
    )
)
PLACES = st.lists(st.integers(0, 600), max_size=6)

# --- the choice ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("hello\r\nworld", "7bit"),
        ("", "7bit"),
        ("y" * 78, "7bit"),
        ("y" * 79, "quoted-printable"),
        ("tab\there", "7bit"),
        ("hellö wörld, hello", "quoted-printable"),
        ("Привет", "base64"),
        ("an escape \x1b and more text", "quoted-printable"),
        ("DEL \x7f is no text either", "quoted-printable"),
    ],
)
def test_text_is_encoded_by_its_content(text, encoding) -> None:
    assert choose_encoding(canonical_text(text), text=True) == encoding


def test_what_is_not_text_is_base64() -> None:
    assert choose_encoding(b"plain", text=False) == "base64"


def test_what_was_not_seen_is_not_trusted() -> None:
    assert choose_encoding(b"plain", text=True, complete=False) == "quoted-printable"


def test_8bit_is_chosen_only_where_it_is_allowed() -> None:
    data = "hellö wörld, hello".encode()
    assert choose_encoding(data, text=True, allow_8bit=True) == "8bit"
    assert choose_encoding(data + b"y" * 80, text=True, allow_8bit=True) == "quoted-printable"
    assert choose_encoding(data + b"\0", text=True, allow_8bit=True) == "quoted-printable"


@pytest.mark.parametrize("name", ["base64", "Quoted-Printable", "7bit", "8bit"])
def test_a_wish_is_granted(name) -> None:
    assert choose_encoding(b"plain", text=True, prefer=name) == name.lower()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\xff", "7bit"),
        (b"y" * 999, "7bit"),
        (b"y" * 999, "8bit"),
        (b"a\0b", "8bit"),
        (b"a\nb", "7bit"),
        (b"", "binhex"),
    ],
)
def test_a_wish_that_would_break_the_message_is_refused(data, name) -> None:
    with pytest.raises(MessageError):
        choose_encoding(data, text=True, prefer=name)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        *((b"plain\r\n", "7bit"), ("ü\r\n".encode(), "8bit"), (b"y" * 998, "7bit"), (b"y" * 999, "binary")),
        *((b"a\0", "binary"), (b"a\nb", "binary"), (b"a\rb", "binary")),
    ],
)
def test_what_is_not_encoded_has_a_name_too(data, name) -> None:
    assert identity_encoding(data) == name


# --- quoted-printable ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"", b""),
        (b"a=b\r\n", b"a=3Db\r\n"),
        (b"blank \r\n", b"blank=20\r\n"),
        (b"tab\t", b"tab=09"),
        (b"x" * 76, b"x" * 76),
        (b"x" * 77, b"x" * 75 + b"=\r\nxx"),
        (b"x" * 74 + b" \r\n", b"x" * 74 + b"=\r\n=20\r\n"),
        (b"a\rb\nc", b"a=0Db=0Ac"),
        (b"a\r\n.\r\nb", b"a\r\n=2E\r\nb"),
        (b"From me\r\nFrom you", b"F=\r\nrom me\r\nF=\r\nrom you"),
        (b"\0\xff", b"=00=FF"),
    ],
)
def test_quoted_printable_is_written_like_this(data, encoded) -> None:
    assert encode_qp(data) == encoded


@given(DATA, PLACES)
@settings(max_examples=400, deadline=None)
def test_any_octets_come_back_from_quoted_printable(data, places) -> None:
    for encoded in (encode_qp(data), b"".join(iter_qp(cut(data, places)))):
        assert a2b_qp(encoded) == data
        assert quopri.decodestring(encoded.replace(b"=\r\n", b"")) == data
        assert encoded.isascii()
        for line in encoded.split(b"\r\n"):
            assert len(line) <= 76
            assert not line.endswith((b" ", b"\t"))
            assert not line.startswith(b"From ")
            assert not set(line) & set(b"\r\n\0")


@given(st.lists(st.sampled_from([b"ab", b"\xff", b"=", b" ", b"\r", b"\n"]), min_size=200, max_size=600).map(b"".join))
@settings(max_examples=50, deadline=None)
def test_a_line_that_never_ends_is_streamed_too(data) -> None:
    original, quoted_printable.MAX_HELD = quoted_printable.MAX_HELD, 100
    try:
        encoded = b"".join(iter_qp([data[at : at + 40] for at in range(0, len(data), 40)]))
    finally:
        quoted_printable.MAX_HELD = original
    assert a2b_qp(encoded) == data
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


# --- base64 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 114, 57 * 256, 57 * 256 + 1, 57 * 600, 100_000])
def test_base64_comes_in_lines_of_76(size) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    encoded = encode_base64(data[:size])
    assert base64.b64decode(encoded) == data[:size]
    assert len(encoded) == base64_size(size)
    lines = encoded.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) == 76 for line in lines[:-1])


@given(DATA, PLACES)
@settings(deadline=None)
def test_base64_is_the_same_however_it_is_cut(data, places) -> None:
    assert b"".join(iter_base64(cut(data, places))) == encode_base64(data)


# --- line ends -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(
            ("a\nb", b"a\r\nb"),
            ("a\rb", b"a\r\nb"),
            ("a\r\nb", b"a\r\nb"),
            ("a\r\r\nb", b"a\r\n\r\nb"),
            ("\n\r", b"\r\n\r\n"),
        ),
        *((b"a\nb", b"a\r\nb"), ("ü\u2028\x85", "ü\u2028\x85".encode()), ("", b"")),
    ],
)
def test_every_line_end_is_crlf(text, expected) -> None:
    assert canonical_text(text) == expected


def test_half_a_character_in_text_is_a_typed_error() -> None:
    with pytest.raises(MessageError, match="surrogate"):
        canonical_text("a\ud800")


@given(DATA, PLACES)
@settings(deadline=None)
def test_line_ends_are_the_same_however_text_is_cut(data, places) -> None:
    assert b"".join(iter_canonical(cut(data, places))) == canonical_text(data)


# --- what a user gives -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "encoding", "octets"),
    [
        *(
            ("aGk=", "base64", b"hi"),
            ("aGk", "BASE64", b"hi"),
            ("aG\r\n k=", "base64", b"hi"),
            (b"aGk=", "base64", b"hi"),
        ),
        *(("_-8", "base64url", b"\xff\xef"), ("6869", "hex", b"hi"), (b"6869", "hex", b"hi"), ("", "base64", b"")),
        *(
            ("ü", "utf-8", b"\xc3\xbc"),
            ("ü", "latin1", b"\xfc"),
            ("ü", "ISO-8859-1", b"\xfc"),
            ("ü", "binary", b"\xfc"),
        ),
        *(("a", "utf16le", b"a\0"), ("a", "ucs-2", b"a\0"), ("a", "us-ascii", b"a"), (b"\xff", "utf-8", b"\xff")),
    ],
)
def test_content_is_decoded(content, encoding, octets) -> None:
    assert decode_content(content, encoding) == octets


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        *(
            ("!!!", "base64"),
            ("a", "base64"),
            ("aGk=x", "base64"),
            ("aGk==", "base64"),
            ("aü==", "base64"),
            ("6", "hex"),
        ),
        *(
            ("6g", "hex"),
            ("ü", "ascii"),
            ("€", "latin1"),
            ("\ud800", "utf-8"),
            ("x", "rot13"),
            ("x", "zlib"),
            ("x", ""),
        ),
        *(("x", None), (b"\xff", "hex")),
    ],
)
def test_content_that_is_not_in_its_encoding_is_refused(content, encoding) -> None:
    with pytest.raises(MessageError):
        decode_content(content, encoding)
