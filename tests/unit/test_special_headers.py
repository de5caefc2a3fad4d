"""Dates, message ids, mailing-list headers, priority and one-time codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import MessageError
from pymailer.message.dates import date_value
from pymailer.message.headers import render
from pymailer.message.list_fields import list_fields
from pymailer.message.message_ids import content_id, make_message_id, message_id, references
from pymailer.message.special import otp_field, priority_fields
from tests.unit.reading import decoded, unfolded

# --- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "Thu, 02 Jan 2020 03:04:05 +0000"),
        (
            datetime(2026, 11, 25, 13, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "Wed, 25 Nov 2026 13:00:00 +0530",
        ),
        (datetime(2026, 11, 25, 13, 0, tzinfo=timezone(-timedelta(minutes=210))), "Wed, 25 Nov 2026 13:00:00 -0330"),
        (datetime(1890, 1, 1, 12, tzinfo=timezone(timedelta(seconds=3208))), "Wed, 01 Jan 1890 11:06:32 +0000"),
        ("Thu, 02 Jan 2020 03:04:05 +0000", "Thu, 02 Jan 2020 03:04:05 +0000"),
        ("Thu, 2 Jan 2020 03:04:05 -0500", "Thu, 02 Jan 2020 03:04:05 -0500"),
        ("Thu, 2 Jan 2020 03:04:05 -0000", "Thu, 02 Jan 2020 03:04:05 +0000"),
        ("2020-01-02T03:04:05Z", "Thu, 02 Jan 2020 03:04:05 +0000"),
        ("2020-01-02 03:04:05+01:00", "Thu, 02 Jan 2020 03:04:05 +0100"),
    ],
)
def test_a_date_is_written_like_this(value, expected) -> None:
    assert date_value(value) == expected


@pytest.mark.parametrize(
    "value",
    [datetime(2020, 1, 2), "2020-01-02", "not a date", "", 0, "Thu, 02 Jan 2020 03:04:05", "x\r\nBcc: y"],  # noqa: DTZ001
)
def test_a_date_that_is_none_or_does_not_say_its_zone_is_refused(value) -> None:
    with pytest.raises(MessageError):
        date_value(value)


def test_without_a_date_it_is_now() -> None:
    assert abs(parsedate_to_datetime(date_value()) - datetime.now(UTC)) < timedelta(seconds=5)


@given(st.datetimes(timezones=st.timezones()))
@settings(deadline=None)
def test_any_date_comes_back_to_the_second(moment) -> None:
    try:
        value = date_value(moment)
    except MessageError:  # a moment before the calendar begins, or after its end, in UTC
        assert moment.year in {1, 9999}
        return
    if 1000 <= moment.year < 9999:  # the standard library takes a smaller number for an abbreviation
        found = parsedate_to_datetime(value)
        # Times that a clock shows twice are never equal across zones (PEP 495), so both are compared in UTC.
        assert found.astimezone(UTC) == moment.replace(microsecond=0).astimezone(UTC)


# --- ids -------------------------------------------------------------------------------------------------------------


def test_a_new_message_id_is_valid_and_new() -> None:
    made = make_message_id("example.com")
    assert message_id(made) == made
    assert made.endswith("@example.com>")
    assert made != make_message_id("example.com")


@pytest.mark.parametrize("value", ["a.b@c.d", "<a.b@c.d>", "a=b+c@[192.0.2.1]"])
def test_a_message_id_gets_its_brackets(value) -> None:
    assert message_id(value) == f"<{value.strip('<>')}>"


@pytest.mark.parametrize(
    "value", ["", "a", "@b", "a@", "a@b@c", "a b@c", "<a@b", "a@b>", "<<a@b>>", "a@b\r\n", "ü@b", "a..b@c", None, 1]
)
def test_what_is_no_message_id_is_refused(value) -> None:
    with pytest.raises(MessageError):
        message_id(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(
            ("a@b", "<a@b>"),
            ("<a@b> c@d", "<a@b> <c@d>"),
            ("<a@b><c@d>", "<a@b> <c@d>"),
            (" a@b\t<c@d> ", "<a@b> <c@d>"),
        ),
        *((["a@b", "<c@d>"], "<a@b> <c@d>"), ([], ""), ("", ""), (("a@b <c@d>",), "<a@b> <c@d>")),
        ("<odd..id:of/someone>", "<odd..id:of/someone>"),
    ],
)
def test_references_are_a_list_of_ids(value, expected) -> None:
    assert references(value) == expected


@pytest.mark.parametrize(
    "value", ["<a@b", "a@b>", "<a b>", "<a@b>\r\n <c@d>", "<>", "<ü@b>", 1, None, [1], b"a@b", "<a<b>"]
)
def test_what_is_no_list_of_ids_is_refused(value) -> None:
    with pytest.raises(MessageError):
        references(value)


def test_many_references_are_folded_between_ids() -> None:
    ids = [f"<{n:040}@example.com>" for n in range(50)]
    field = render("References", references(ids))
    assert unfolded(field).split() == ids
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))


@pytest.mark.parametrize(
    ("value", "expected"), [("logo", "<logo>"), ("<logo@x>", "<logo@x>"), ("a.b-c_1", "<a.b-c_1>")]
)
def test_a_content_id_gets_its_brackets(value, expected) -> None:
    assert content_id(value) == expected


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"unsubscribe": "https://example.com/u?x=1"}, {"List-Unsubscribe": "<https://example.com/u?x=1>"}),
        ({"help": "admin@example.com?subject=help"}, {"List-Help": "<mailto:admin@example.com?subject=help>"}),
        ({"help": "https://example.com/@me"}, {"List-Help": "<https://example.com/@me>"}),
        ({"post": "NO"}, {"List-Post": "NO"}),
        (
            {"subscribe": ["mailto:a@b.c", {"url": "https://x.y", "comment": "web"}]},
            {"List-Subscribe": "<mailto:a@b.c>, <https://x.y> (web)"},
        ),
        ({"post": [["https://x.y/post", {"url": "a@b.c"}]]}, {"List-Post": "<https://x.y/post>, <mailto:a@b.c>"}),
        (
            {"unsubscribe": {"url": "https://x.y", "comment": "Comment (x) \\"}},
            {"List-Unsubscribe": "<https://x.y> (Comment \\(x\\) \\\\)"},
        ),
        (
            {"help": {"url": "https://x.y", "comment": "Hilfe für"}},
            {"List-Help": "<https://x.y> (=?UTF-8?Q?Hilfe_f=C3=BCr?=)"},
        ),
        ({"id": "news.example.org"}, {"List-Id": "<news.example.org>"}),
        (
            {"id": {"url": "<news.example.org>", "comment": 'My "l" list'}},
            {"List-Id": '"My \\"l\\" list" <news.example.org>'},
        ),
        (
            {"unsubscribe": ["mailto:u@x.y", "https://x.y/u"], "unsubscribePost": True},
            {
                "List-Unsubscribe": "<mailto:u@x.y>, <https://x.y/u>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        ),
        (
            {"unsubscribe": "https://x.y", "unsubscribe_post": False, "help": None},
            {"List-Unsubscribe": "<https://x.y>"},
        ),
        ({}, {}),
    ],
)
def test_a_list_says_so_like_this(value, expected) -> None:
    assert dict(list_fields(value)) == expected
    assert len(list_fields(value)) == len(expected)


@pytest.mark.parametrize(
    "value",
    [
        *(
            {"unsubscribe": url}
            for url in ("javascript:alert(1)", "ftp://x.y", "x.y", "https://x y", "https://x<y>", "", 1)
        ),
        *({"unsubscribe": url} for url in ("https://ü.example", "https://x.y\r\nBcc: z", {"comment": "x"}, [], [{}])),
        {"unsubscribe": {"url": "https://x.y", "comment": "a\r\nBcc: z"}},
        {"unsubscribe": {"url": "https://x.y", "coment": "z"}},
        *({"id": each} for each in ("a b", "", "a..b", "<a", {"url": "a\nb"})),
        *({"unsubscribe_post": True}, {"unsubscribe_post": True, "unsubscribe": "mailto:a@b.c"}),
        {"unsubscribe_post": "yes", "unsubscribe": "https://x.y"},
        *({"unsubscribed": "https://x.y"}, "https://x.y", ["https://x.y"]),
    ],
)
def test_a_list_that_is_not_said_rightly_is_refused(value) -> None:
    with pytest.raises(MessageError):
        list_fields(value)


def test_a_long_comment_comes_back_as_it_was() -> None:
    comment = "Grüße an alle, " * 12
    ((name, value),) = list_fields({"help": {"url": "https://x.y", "comment": comment}})
    field = render(name, value)
    assert decoded(unfolded(field)) == f"<https://x.y> ({comment})"
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))


# --- priority and codes ----------------------------------------------------------------------------------------------


def test_priority_is_said_in_three_ways() -> None:
    assert priority_fields("HIGH") == (
        ("X-Priority", "1 (Highest)"),
        ("X-MSMail-Priority", "High"),
        ("Importance", "High"),
    )
    assert [value for _, value in priority_fields("low")] == ["5 (Lowest)", "Low", "Low"]
    assert priority_fields("normal") == ()


@pytest.mark.parametrize("value", ["urgent", "", 1, None])
def test_an_unknown_priority_is_refused(value) -> None:
    with pytest.raises(MessageError):
        priority_fields(value)


@pytest.mark.parametrize(
    ("otp", "value"),
    [
        ({"code": "123456", "origin": "https://example.com"}, '"123456"; origin="https://example.com"'),
        ({"code": 'a"\\ b', "origin": "https://EXAMPLE.com:443/x"}, '"a\\"\\\\ b"; origin="https://example.com"'),
        ({"code": "1", "origin": "https://bücher.example:8443"}, '"1"; origin="https://xn--bcher-kva.example:8443"'),
        ({"code": "1", "origin": "http://localhost:8000"}, '"1"; origin="http://localhost:8000"'),
        ({"code": "1", "origin": "http://[::1]"}, '"1"; origin="http://[::1]"'),
        ({"code": "1", "origin": "https://[2001:DB8::1]:443"}, '"1"; origin="https://[2001:db8::1]"'),
    ],
)
def test_a_code_is_bound_to_its_origin(otp, value) -> None:
    assert otp_field(otp) == ("OTP-Token", value)


@pytest.mark.parametrize(
    "otp",
    [
        *("123456", None, {}, {"code": "1"}, {"origin": "https://x.y"}, {"code": 1, "origin": "https://x.y"}),
        *({"code": "", "origin": "https://x.y"}, {"code": "ü", "origin": "https://x.y"}),
        *({"code": "1", "origin": url} for url in ("http://x.y", "https://", "x.y", "https://u@x.y", "https://x y", 1)),
        *(
            {"code": "1", "origin": url}
            for url in ("https://x.y:port", "https://x.y\n", "http://127.0.0.1.evil.example")
        ),
        {"code": "1", "origin": "https://x.y", "kode": "2"},
    ],
)
def test_a_code_that_is_not_said_rightly_is_refused(otp) -> None:
    with pytest.raises(MessageError):
        otp_field(otp)


def test_a_code_is_never_in_an_error() -> None:
    with pytest.raises(MessageError) as caught:
        otp_field({"code": "s3cret\n", "origin": "https://x.y"})
    assert "s3cret" not in str(caught.value)
