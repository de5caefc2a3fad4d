"""How the parts of a message lie in one another: as Nodemailer lays them out."""

from __future__ import annotations

import pytest

from pymailer.errors import MessageError
from tests.composing import octets, reread, tree

FILE = {"filename": "a.bin", "content": b"a"}
IMAGE = {"filename": "i.png", "content": b"i", "cid": "i@x"}
EVENT = "BEGIN:VCALENDAR\nEND:VCALENDAR"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "text/plain"),
        ({"text": "t"}, "text/plain"),
        ({"html": "h"}, "text/html"),
        ({"text": "t", "html": "h"}, ("alternative", "text/plain", "text/html")),
        (
            {"text": "t", "html": "h", "amp": "a", "watch_html": "w"},
            ("alternative", "text/plain", "text/watch-html", "text/x-amp-html", "text/html"),
        ),
        ({"text": "t", "attachments": [FILE]}, ("mixed", "text/plain", "application/octet-stream")),
        ({"attachments": [FILE]}, "application/octet-stream"),
        ({"attachments": FILE}, "application/octet-stream"),
        ({"attachments": [FILE, FILE]}, ("mixed", "application/octet-stream", "application/octet-stream")),
        (
            {"text": "t", "html": "h", "attachments": [FILE]},
            ("mixed", ("alternative", "text/plain", "text/html"), "application/octet-stream"),
        ),
        (
            {"text": "t", "html": "h", "attachments": [IMAGE]},
            ("alternative", "text/plain", ("related", "text/html", "image/png")),
        ),
        (
            {"html": "h", "attachments": [FILE, IMAGE]},
            ("mixed", ("related", "text/html", "image/png"), "application/octet-stream"),
        ),
        (
            {"text": "t", "html": "h", "attachments": [FILE, IMAGE]},
            (
                "mixed",
                ("alternative", "text/plain", ("related", "text/html", "image/png")),
                "application/octet-stream",
            ),
        ),
        ({"text": "t", "attachments": [IMAGE, FILE]}, ("mixed", "text/plain", "image/png", "application/octet-stream")),
        ({"ical_event": EVENT}, ("mixed", "text/calendar", "application/ics")),
        (
            {"text": "t", "ical_event": EVENT},
            ("mixed", ("alternative", "text/plain", "text/calendar"), "application/ics"),
        ),
        (
            {"text": "t", "alternatives": [{"content": "# t", "content_type": "text/markdown"}]},
            ("alternative", "text/plain", "text/markdown"),
        ),
        (
            {"text": "t", "alternatives": [{"content": "h", "content_type": "text/html"}], "attachments": [IMAGE]},
            ("alternative", "text/plain", ("related", "text/html", "image/png")),
        ),
    ],
    ids=str,
)
def test_parts_lie_where_nodemailer_puts_them(fields: dict, expected: object) -> None:
    assert tree(reread(fields)) == expected


def test_html_and_what_belongs_to_it_say_what_their_root_is() -> None:
    related = reread(html="h", attachments=[IMAGE])
    assert related["Content-Type"].params["type"] == "text/html"


@pytest.mark.parametrize("text", ["", b"", {"content": ""}])
def test_an_empty_body_makes_no_part_beside_another(text: object) -> None:
    assert tree(reread(text=text, html="<p>h</p>")) == "text/html"


@pytest.mark.parametrize(("fields", "expected"), [({"text": ""}, "text/plain"), ({"html": ""}, "text/html")])
def test_an_empty_body_is_a_part_if_it_is_the_only_one(fields: dict, expected: str) -> None:
    assert tree(reread(fields)) == expected


def test_no_boundary_is_the_beginning_of_another_or_too_long() -> None:
    message = reread(text="t", html="h", attachments=[FILE, IMAGE])
    boundaries = [part.get_boundary() for part in message.walk() if part.is_multipart()]
    assert len(set(boundaries)) == 3
    assert all(len(boundary) <= 70 for boundary in boundaries)
    assert not [1 for one in boundaries for other in boundaries if one != other and other.startswith(one)]


def test_a_boundary_is_new_in_each_message() -> None:
    fields = {"text": "t", "html": "h"}
    assert reread(fields).get_boundary() != reread(fields).get_boundary()


def test_text_that_looks_like_a_boundary_ends_nothing() -> None:
    text = "--boundary--\r\n--=_1_0123456789abcdef0123456789abcdef\r\n"
    message = reread(text=text, html="h")
    assert tree(message) == ("alternative", "text/plain", "text/html")


@pytest.mark.parametrize("content_type", ["multipart/mixed", "Multipart/Alternative; boundary=x"])
@pytest.mark.parametrize("field", ["attachments", "alternatives"])
def test_a_part_with_content_cannot_say_that_it_is_a_multipart(field: str, content_type: str) -> None:
    with pytest.raises(MessageError, match="multipart"):
        octets({field: [{"content": b"x", "content_type": content_type}]})


class TestACalendarEvent:
    def test_is_an_alternative_that_says_its_method_and_a_file(self) -> None:
        event = {"method": "request", "content": EVENT, "filename": "meeting.ics"}
        alternative, attachment = reread(ical_event=event).iter_parts()
        assert alternative["Content-Type"].params == {"charset": "utf-8", "method": "REQUEST"}
        assert alternative.get("Content-Disposition") is None
        assert attachment.get_filename() == "meeting.ics"
        assert attachment["Content-Transfer-Encoding"] == "base64"
        assert attachment.get_content() == EVENT.encode()

    def test_is_published_as_invite_ics_unless_it_says_otherwise(self) -> None:
        alternative, attachment = reread(icalEvent={"content": EVENT}).iter_parts()
        assert alternative["Content-Type"].params["method"] == "PUBLISH"
        assert attachment.get_filename() == "invite.ics"

    def test_is_read_once_and_sent_twice(self) -> None:
        alternative, attachment = reread(ical_event={"content": iter([b"BEGIN:", b"X"])}).iter_parts()
        assert attachment.get_content() == b"BEGIN:X"
        assert alternative.get_content().strip() == "BEGIN:X"

    @pytest.mark.parametrize(
        "event", [{"content": "x", "methd": "x"}, {"method": "REQUEST"}, {"content": "x", "method": "a b"}]
    )
    def test_is_refused_if_it_is_not_one(self, event: dict) -> None:
        with pytest.raises(MessageError):
            octets(ical_event=event)
