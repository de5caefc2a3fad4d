"""Parameters of types and dispositions: what every reader reads alike."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pymailer.errors import MessageError
from pymailer.message.headers import render
from pymailer.message.parameters import base_name, encode_fallback, encode_parameter, with_parameters
from tests.unit.reading import decoded, unfolded


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.txt", "filename=a.txt"),
        ("100%.txt", "filename=100%.txt"),
        ("my report.pdf", 'filename="my report.pdf"'),
        ("-dash.txt", 'filename="-dash.txt"'),
        ("it's.txt", 'filename="it\'s.txt"'),
        ("a\\b.txt", "filename*=utf-8''a%5Cb.txt"),
        ('a"b.txt', "filename*=utf-8''a%22b.txt"),
        ("", 'filename=""'),
        ("õ.txt", "filename*=utf-8''%C3%B5.txt"),
        ("=?utf-8?q?x?=.pdf", "filename*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D.pdf"),
        ("a\tb", "filename*=utf-8''a%09b"),
        ("a\u2028b", "filename*=utf-8''a%E2%80%A8b"),
        ("x" * 80 + ".txt", f"filename*0*=utf-8''{'x' * 53}; filename*1*={'x' * 27}.txt"),
    ],
)
def test_a_parameter_is_written_like_this(value, expected) -> None:
    assert encode_parameter("filename", value) == expected


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b", "a\x7fb", "\ud800"])
def test_a_value_that_no_header_may_hold_is_refused(value) -> None:
    with pytest.raises(MessageError):
        encode_parameter("filename", value)


@pytest.mark.parametrize("name", ["", "a b", "a=", "a*", "ü", "a;b", 'a"'])
def test_what_is_no_parameter_name_is_refused(name) -> None:
    with pytest.raises(MessageError):
        encode_parameter(name, "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.txt", "name=a.txt"),
        ("my report.pdf", 'name="my report.pdf"'),
        ("õ.txt", 'name="=?UTF-8?B?w7UudHh0?="'),
        ("ü" * 100, None),
        ("x" * 100, None),
    ],
)
def test_readers_without_rfc_2231_get_an_encoded_word_that_fits_a_line(value, expected) -> None:
    assert encode_fallback("name", value) == expected


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *(("x.pdf", "x.pdf"), ("/etc/passwd", "passwd"), ("..\\..\\x.pdf", "x.pdf"), ("C:\\fake\\x.pdf", "x.pdf")),
        *(("dir/", ""), ("", ""), ("a/b\\c", "c")),
    ],
)
def test_of_a_path_only_the_last_part_is_told(path, name) -> None:
    assert base_name(path) == name


VALUES = st.text(max_size=120) | st.text("ab ü😀\"\\';*%=?/.-", max_size=150)


@given(VALUES)
@example("'")
@example("x'y'z")
@example("%41")
@settings(max_examples=300, deadline=None)
def test_any_filename_comes_back_as_it_was_or_is_refused(value) -> None:
    try:
        field = render("Content-Disposition", with_parameters("attachment", {"filename": value, "x-last": "1"}))
    except MessageError:
        assert not value.replace("\t", "").isprintable()
        return
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    # Of the newer reader only `params`: its `get_param` writes the header anew and reads that, without escapes.
    (header,) = message_from_bytes(field + b"\r\n", policy=policy.default).values()
    assert dict(header.params) == {"filename": value, "x-last": "1"}
    message = message_from_bytes(field + b"\r\n", policy=policy.compat32)
    assert message.keys() == ["Content-Disposition"]
    assert message.get_filename("") == value.strip()  # which it does
    assert message.get_param("x-last", header="content-disposition") == "1"


@given(VALUES.filter(str.isprintable))
@settings(max_examples=100, deadline=None)
def test_the_fallback_says_the_same(value) -> None:
    fallback = encode_fallback("name", value)
    if fallback is not None and "=?" in fallback:
        field = render("Content-Type", with_parameters("text/plain", {}) + "; " + fallback)
        assert decoded(unfolded(field)) == f'text/plain; name="{value}"'
