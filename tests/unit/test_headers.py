"""What a header field may hold, how it is encoded and folded, and how the list of fields behaves."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import AddressError, MessageError
from pymailer.message.encoded_words import Encoded
from pymailer.message.headers import Headers, custom_fields, encode_text, render
from tests.unit.reading import decoded, unfolded

# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Hello", b"Subject: Hello"),
        ("", b"Subject:"),
        ('Hello "world" = ?', b'Subject: Hello "world" = ?'),
        ("a\tb", b"Subject: a\tb"),
        ("Hello wörld", b"Subject: =?UTF-8?Q?Hello_w=C3=B6rld?="),
        ("Привет мир", b"Subject: =?UTF-8?B?0J/RgNC40LLQtdGCINC80LjRgA==?="),
        ("=?UTF-8?Q?x?=", b"Subject: =?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?="),
        ("a\x85b", b"Subject: =?UTF-8?Q?a=C2=85b?="),
        ("blank at the end ", b"Subject: =?UTF-8?Q?blank_at_the_end_?="),
        ("x" * 200, b"Subject: " + b"x" * 200),
        ("word " * 20 + "end", b"Subject: " + b"word " * 12 + b"word\r\n" + b" word" * 7 + b" end"),
    ],
)
def test_text_is_written_like_this(text, line) -> None:
    assert render("Subject", text) == line + b"\r\n"


@pytest.mark.parametrize("char", [*map(chr, range(9)), *map(chr, range(10, 32)), "\x7f"])
def test_control_characters_are_refused_in_every_field(char) -> None:
    for name in ("Subject", "X-Own", "To", "Date", "Message-ID", "References", "Content-Type", "List-Unsubscribe"):
        with pytest.raises(MessageError):
            render(name, f"<a{char}b@c.d>")
        with pytest.raises(MessageError):
            Headers().add(name, f"<a{char}b@c.d>")
    with pytest.raises(MessageError):
        render("X-Own", Encoded(f"a{char}b"))


def test_half_a_character_is_a_typed_error() -> None:
    with pytest.raises(MessageError, match="surrogate"):
        render("Subject", "\ud83d")


@pytest.mark.parametrize("name", ["", "X A", "X:", "X-ü", "X\r\nY", "X\n", " X", "X\t", "x" * 77, None, 1])
def test_what_is_no_field_name_is_refused(name) -> None:
    with pytest.raises(MessageError):
        render(name, "x")
    with pytest.raises(MessageError):
        Headers().add(name, "x")


def test_a_word_that_fits_no_line_is_encoded_in_text_and_refused_elsewhere() -> None:
    assert unfolded(render("Subject", "x" * 2000)).startswith("=?UTF-8?Q?")
    with pytest.raises(MessageError, match="998"):
        render("List-Unsubscribe", f"<https://example.com/{'x' * 1000}>")


def test_the_length_limit_counts_octets() -> None:
    with pytest.raises(MessageError, match="998"):
        render("To", Encoded("ü" * 500))


def test_quoted_strings_are_never_broken() -> None:
    value = Encoded(", ".join([f'"{"two words " * 4}" <u{n}@example.com>' for n in range(8)]))
    assert all(line.count(b'"') % 2 == 0 for line in render("To", value).split(b"\r\n"))


TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    | st.text("ab \t=?_ü€😀", max_size=200)
    | st.lists(st.sampled_from(["=?utf-8?q?x?=", "word", "  ", "ü", " ", "\t", "?=", "x" * 90]), max_size=40).map(
        "".join
    )
)
NAMES = st.sampled_from(["Subject", "X", "X-A-Rather-Long-Name-For-A-Field-Of-A-Header"])


@given(NAMES, TEXTS)
@settings(max_examples=400, deadline=None)
def test_any_text_comes_back_as_it_was_or_is_refused(name, text) -> None:
    try:
        field = render(name, text)
    except MessageError:
        assert any(ord(char) < 32 or ord(char) == 127 for char in text.replace("\t", ""))
        return
    assert field.isascii()
    assert decoded(unfolded(field)) == text
    assert str(message_from_bytes(field + b"\r\nbody", policy=policy.default)[name]) == text
    assert str(make_header(decode_header(unfolded(field)))) == text


@given(NAMES, TEXTS)
@settings(max_examples=200, deadline=None)
def test_no_line_is_longer_than_it_must_be(name, text) -> None:
    try:
        lines = render(name, text)[:-2].split(b"\r\n")
    except MessageError:
        return
    for line in lines:
        words = line.removeprefix(name.encode() + b":").split()
        assert len(line) <= 76 or len(words) == 1
        assert len(line) <= 998


def test_a_plain_value_is_not_touched() -> None:
    assert encode_text("plain") == "plain"
    assert type(encode_text("plain")) is str


# --- structured fields -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("to", "Jürgen <u@bücher.example>", b"to: =?UTF-8?Q?J=C3=BCrgen?= <u@xn--bcher-kva.example>"),
        ("Cc", ["a@b.c", {"address": "d@e.f"}], b"Cc: a@b.c, d@e.f"),
        ("To", "ü@b.c", "To: ü@b.c".encode()),
        ("Date", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), b"Date: Thu, 02 Jan 2020 03:04:05 +0000"),
        ("Message-ID", "a@b", b"Message-ID: <a@b>"),
        ("In-Reply-To", "a@b", b"In-Reply-To: <a@b>"),
        ("References", ["a@b", "<c@d>"], b"References: <a@b> <c@d>"),
        ("Content-ID", "logo", b"Content-ID: <logo>"),
        ("Auto-Submitted", "auto-generated", b"Auto-Submitted: auto-generated"),
        ("X-Count", 3, b"X-Count: 3"),
        ("X-Ratio", 0.5, b"X-Ratio: 0.5"),
    ],
)
def test_a_field_is_written_by_its_own_grammar(name, value, line) -> None:
    headers = Headers()
    headers.add(name, value)
    assert headers.as_bytes() == line + b"\r\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("To", "not an address"), ("From", "a@b.c\r\nBcc: d@e.f"), ("Date", "not a date"), ("Message-ID", "x")),
        *(("Content-Type", "text/plain; x=ü"), ("Auto-Submitted", "auto-ü"), ("X", None), ("X", True), ("X", b"x")),
        *(("X", {"path": "/etc/passwd"}), ("X", object()), ("X", ["a"])),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused(name, value) -> None:
    with pytest.raises(MessageError):
        Headers().add(name, value)


def test_a_bad_address_in_a_header_is_an_address_error() -> None:
    with pytest.raises(AddressError):
        Headers([("Reply-To", "x")])


# --- the list --------------------------------------------------------------------------------------------------------


def test_names_are_compared_without_case_and_kept_as_given() -> None:
    headers = Headers([("X-One", "1"), ("x-ONE", "2"), ("Subject", "s")])
    assert headers.get("x-one") == "1"
    assert headers.get_all("X-ONE") == ["1", "2"]
    assert "SUBJECT" in headers
    assert "missing" not in headers
    assert headers.items() == [("X-One", "1"), ("x-ONE", "2"), ("Subject", "s")]
    assert list(headers) == headers.items()
    assert len(headers) == 3


def test_set_replaces_the_first_and_drops_the_others() -> None:
    headers = Headers([("A", "1"), ("B", "2"), ("a", "3"), ("C", "4")])
    headers.set("a", "new")
    assert headers.items() == [("a", "new"), ("B", "2"), ("C", "4")]
    headers.set("D", "5")
    assert headers.items()[-1] == ("D", "5")


def test_remove_drops_all_and_does_not_mind_none() -> None:
    headers = Headers([("A", "1"), ("B", "2"), ("a", "3")])
    headers.remove("A")
    headers.remove("A")
    assert headers.items() == [("B", "2")]
    assert headers.get("A") is None
    assert headers.get("A", "default") == "default"


def test_text_is_given_back_as_a_reader_sees_it() -> None:
    headers = Headers([("Subject", "Grüße")])
    assert headers.get("Subject") == "Grüße"
    assert headers.as_bytes() == b"Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"


def test_a_value_that_was_got_can_be_set_again() -> None:
    headers = Headers([("To", "Jürgen <a@b.c>")])
    wire = headers.as_bytes()
    headers.set("To", headers.get("To"))
    assert headers.as_bytes() == wire


def test_a_refused_change_changes_nothing() -> None:
    headers = Headers([("Subject", "s")])
    with pytest.raises(MessageError):
        headers.set("Subject", "a\nb")
    assert headers.items() == [("Subject", "s")]


# --- a user's own ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": ["1", "2"], "X-B": None, "X-C": 3},
        [("X-A", "1"), ("X-A", "2"), ("X-B", None), ("X-C", 3)],
        [{"key": "X-A", "value": ["1", "2"]}, ("X-C", 3)],
        iter([["X-A", ["1", "2"]], ["X-C", 3]]),
    ],
)
def test_own_headers_come_as_a_mapping_or_as_pairs(headers) -> None:
    assert custom_fields(headers) == [("X-A", "1"), ("X-A", "2"), ("X-C", "3")]


def test_no_own_headers_are_none() -> None:
    assert custom_fields(None) == []
    assert custom_fields({}) == []


@pytest.mark.parametrize(
    "headers",
    [
        *({"Bcc": "a@b.c"}, {"bCC": "a@b.c"}, {"Resent-Bcc": "a@b.c"}, {"MIME-Version": "1.0"}, {"Content-Foo": "x"}),
        *("X: y", b"X: y", 1, ["X"], ["XY"], [("X",)], [("X", "1", "2")], [{"key": "X", "valeu": "y"}], {1: "x"}),
        *({"X": {"prepared": True, "value": "a\r\nEvil: 1"}}, [{"key": "X", "value": "y", "prepared": True}]),
    ],
)
def test_own_headers_that_are_none_or_not_the_users_are_refused(headers) -> None:
    with pytest.raises(MessageError):
        custom_fields(headers)


def test_octets_of_a_header_that_came_ready_made_stay_what_they_are() -> None:
    assert render("X-Own", Encoded(b"caf\xe9".decode("utf-8", "surrogateescape"))) == b"X-Own: caf\xe9\r\n"
