"""The fields of a message in every form they may be given in, and what becomes of defaults."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import attrs
import pytest

from pymailer.errors import AddressError, EnvelopeError, MessageError
from pymailer.message.composer import ComposePolicy
from pymailer.message.merge import merge_message
from pymailer.message.model import Message
from pymailer.results import Envelope
from tests.composing import composed, octets, read, reread, text_of

FIELDS = {"from_": "a@example.com", "to": "b@example.com", "reply_to": "r@example.com", "subject": "S", "text": "t"}
NODEMAILER = {"from": "a@example.com", "to": "b@example.com", "replyTo": "r@example.com", "subject": "S", "text": "t"}


@pytest.mark.parametrize(
    "message",
    [
        merge_message(FIELDS, {}, {}),
        merge_message(NODEMAILER, {}, {}),
        merge_message(None, FIELDS, {}),
        merge_message(Message(**FIELDS), {}, {}),
        merge_message({}, {}, FIELDS),
        merge_message({}, NODEMAILER, {}),
    ],
)
def test_every_form_says_the_same(message: Message) -> None:
    read = reread(message.given())
    assert (read["From"], read["To"], read["Reply-To"], read["Subject"]) == tuple(FIELDS.values())[:4]
    assert text_of(read) == "t"


class TestAnUnknownField:
    @pytest.mark.parametrize(
        ("fields", "hint"),
        [
            ({"subjct": "x"}, "subject"),
            ({"replyto": "x"}, "reply_to"),
            ({"attachment": []}, "attachments"),
            ({"recipients": []}, "unknown"),
            ({5: "x"}, "5"),
        ],
    )
    def test_is_refused_with_what_was_meant(self, fields: dict, hint: str) -> None:
        with pytest.raises(MessageError, match=hint):
            merge_message(fields, {}, {})

    def test_is_refused_among_the_defaults_too(self) -> None:
        with pytest.raises(MessageError, match="subject"):
            merge_message({}, {}, {"subjekt": "x"})

    @pytest.mark.parametrize("twins", [("from", "from_"), ("replyTo", "reply_to"), ("icalEvent", "ical_event")])
    def test_one_field_in_two_spellings_is_refused(self, twins: tuple[str, str]) -> None:
        with pytest.raises(MessageError, match="the same"):
            merge_message(dict.fromkeys(twins, "x"), {}, {})

    @pytest.mark.parametrize("data", [5, "Subject: x", b"x", ["x"], object()])
    def test_what_is_no_message_is_refused(self, data: object) -> None:
        with pytest.raises(MessageError, match="mapping"):
            merge_message(data, {}, {})


class TestDefaults:
    def test_are_taken_where_nothing_was_given(self) -> None:
        assert merge_message({"to": "x"}, {}, {"from": "a", "to": "b"}).given() == {"from_": "a", "to": "x"}

    @pytest.mark.parametrize(
        "message", [{"subject": None}, Message(subject=None), {"subject": ""}, Message(subject="")]
    )
    def test_are_unset_by_a_field_that_is_given_as_nothing(self, message: object) -> None:
        assert not merge_message(message, {}, {"subject": "S"}).subject

    def test_are_unset_by_a_keyword(self) -> None:
        assert merge_message(Message(subject="x"), {"subject": None}, {"subject": "S"}).subject is None

    def test_survive_a_copy_of_a_message(self) -> None:
        message = attrs.evolve(Message(to="x"), text="t")
        assert merge_message(message, {}, {"subject": "S"}).subject == "S"

    def test_share_their_headers_without_regard_to_case(self) -> None:
        defaults = {"headers": {"X-A": "default", "X-B": "default", "X-C": "default"}}
        merged = merge_message({"headers": {"x-a": "own", "X-C": None}}, {}, defaults)
        assert merged.headers == {"X-B": "default", "x-a": "own", "X-C": None}

    @pytest.mark.parametrize("own", [[("X-A", "1"), ("x-a", "2")], [{"key": "X-A", "value": "1"}, ("x-a", "2")]])
    def test_share_headers_that_come_as_pairs(self, own: object) -> None:
        merged = merge_message({"headers": own}, {}, {"headers": [("X-B", "0")]})
        assert merged.headers == {"X-B": "0", "X-A": ["1", "2"]}

    def test_keywords_win_over_the_data_in_whatever_spelling(self) -> None:
        assert merge_message({"replyTo": "x"}, {"reply_to": "y"}, {}).reply_to == "y"
        assert merge_message({"from": "x"}, {"from_": "y"}, {}).from_ == "y"

    def test_nothing_that_was_given_is_changed_by_whoever_changes_the_message(self) -> None:
        data = {"headers": {"X-A": "1"}, "attachments": [{"content": b"x"}]}
        defaults = {"headers": {"X-B": "1"}}
        before = copy.deepcopy((data, defaults))
        merged = merge_message(data, {}, defaults)
        merged.headers["X-C"] = "2"
        merged.attachments.append({"content": b"y"})
        assert (data, defaults) == before

    def test_a_ready_made_message_inherits_only_what_it_cannot_say_itself(self) -> None:
        defaults = {"from": "d@example.com", "subject": "D", "text": "d", "requireTLS": True, "headers": {"X-A": "1"}}
        merged = merge_message({"raw": b"Subject: x\n\ny"}, {}, defaults)
        assert set(merged.given()) == {"raw", "require_tls", "from_"}


class TestTheModel:
    def test_pickles_and_copies(self) -> None:
        message = Message(subject="S", text=None)
        for other in (pickle.loads(pickle.dumps(message)), copy.copy(message), copy.deepcopy(message)):
            assert other.given() == message.given() == {"subject": "S", "text": None}

    @pytest.mark.parametrize(
        "fields",
        [
            {"attachments": 5},
            {"attachments": ["x"]},
            {"alternatives": "x"},
            {"headers": 5},
            {"headers": ["x"]},
            {"headers": [(1, "x")]},
            {"disable_file_access": 1},
            {"require_tls": "yes"},
            {"text_encoding": "rot13"},
            {"ical_event": {"x": 1}},
            {"ical_event": {"content": "x", "filename": 5}},
            {"normalize_header_key": "x"},
        ],
        ids=str,
    )
    def test_refuses_a_value_of_the_wrong_type(self, fields: dict) -> None:
        with pytest.raises(MessageError):
            Message(**fields)

    @pytest.mark.parametrize(
        "fields",
        [
            {"subject": b"x"},
            {"subject": ["x"]},
            {"text": 5},
            {"html": {"content": 5}},
            {"to": 5},
            {"date": 5},
            {"message_id": 5},
            {"priority": 5},
            {"list": "x"},
            {"otp": "1"},
            {"dsn": "x"},
            {"references": 5},
            {"raw": 5},
            {"envelope": {"from": 5, "to": "x@y.z"}},
        ],
        ids=str,
    )
    def test_a_value_of_the_wrong_type_is_refused_when_it_is_composed(self, fields: dict) -> None:
        with pytest.raises(MessageError):
            composed(fields)


class TestTheHeader:
    def test_has_the_fields_in_nodemailers_order_a_users_own_first(self) -> None:
        message = reread(
            headers={"X-Own": "1"},
            sender="s@example.com",
            cc="c@example.com",
            bcc="secret@example.com",
            reply_to="r@example.com",
            in_reply_to="<1@x>",
            references=["<0@x>", "<1@x>"],
            subject="S",
            date=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
            priority="high",
            x_mailer="mine",
            list={"unsubscribe": "https://x.example/u", "unsubscribe_post": True},
            otp={"code": "123456", "origin": "https://example.com"},
            text="t",
        )
        assert message.keys() == [
            *("X-Own", "From", "Sender", "To", "Cc", "Reply-To", "In-Reply-To", "References", "Subject"),
            *("Message-ID", "Date", "X-Mailer", "X-Priority", "X-MSMail-Priority", "Importance"),
            *("List-Unsubscribe", "List-Unsubscribe-Post", "OTP-Token"),
            *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
        ]

    def test_never_tells_what_wrote_it(self) -> None:
        assert "X-Mailer" not in reread(text="t")
        assert "X-Mailer" not in reread(text="t", x_mailer=False)

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, "mailer's"),
            ({"x_mailer": "mine"}, "mine"),
            ({"headers": {"x-mailer": "mine"}}, "mine"),
            ({"x_mailer": False}, None),
        ],
    )
    def test_tells_what_the_mailer_says_unless_the_message_says_otherwise(
        self, fields: dict, expected: str | None
    ) -> None:
        message = composed(fields, policy=ComposePolicy(x_mailer="mailer's")).message
        assert message.headers.get("X-Mailer") == expected

    def test_has_a_date_in_utc_and_a_message_id_at_the_senders_domain(self) -> None:
        message = reread(**{"from": "a@bücher.example"}, text="t")
        assert message["Date"].datetime.utcoffset() == timedelta(0)
        assert abs(message["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)
        assert message["Message-ID"].startswith("<")
        assert message["Message-ID"].endswith("@xn--bcher-kva.example>")

    def test_has_a_new_message_id_each_time(self) -> None:
        assert reread(text="t")["Message-ID"] != reread(text="t")["Message-ID"]

    def test_keeps_a_message_id_and_tells_it(self) -> None:
        result = composed(message_id="mine@example.com")
        assert result.message.message_id == "<mine@example.com>"

    def test_keeps_the_offset_of_a_date(self) -> None:
        zone = timezone(timedelta(hours=-3, minutes=-30))
        assert reread(date=datetime(2024, 1, 2, 3, 4, 5, tzinfo=zone))["Date"] == "Tue, 02 Jan 2024 03:04:05 -0330"

    @pytest.mark.parametrize("date", [datetime(2024, 1, 2), "yesterday"])  # noqa: DTZ001 -- that it is naive is the point
    def test_refuses_a_date_that_nobody_can_place(self, date: object) -> None:
        with pytest.raises(MessageError):
            composed(date=date)

    @pytest.mark.parametrize("priority", ["urgent", "", 1])
    def test_refuses_an_unknown_priority(self, priority: object) -> None:
        with pytest.raises(MessageError):
            composed(priority=priority)

    def test_takes_fields_from_headers_that_have_a_name_of_their_own(self) -> None:
        result = composed(
            {"headers": {"SUBJECT": "own", "To": "x@example.com", "reply-to": "ö <r@example.com>", "X-A": 1}}, to=None
        )
        message = read(result.message.as_bytes())
        assert result.envelope.to == ("x@example.com",)
        assert (message["Subject"], message["To"], message["X-A"]) == ("own", "x@example.com", "1")
        assert message["Reply-To"].addresses[0].display_name == "ö"

    def test_a_field_wins_over_the_header_of_its_name(self) -> None:
        message = reread(subject="field", headers={"subject": "header", "importance": "low"}, priority="high")
        assert message.get_all("Subject") == ["field"]
        assert message.get_all("Importance") == ["High"]

    @pytest.mark.parametrize("name", ["Bcc", "BCC", "Resent-Bcc", "MIME-Version", "Content-Type", "content-language"])
    def test_refuses_what_only_the_library_may_write(self, name: str) -> None:
        with pytest.raises(MessageError, match=name):
            composed(headers={name: "x"})

    @pytest.mark.parametrize("value", ["a\r\nBcc: x@y.z", "a\nb", "a\rb", "a\0b", "a\x7fb", "x\n"])
    @pytest.mark.parametrize("field", ["subject", "x_mailer", "message_id", "in_reply_to", "references", "priority"])
    def test_refuses_control_characters_in_every_field(self, field: str, value: str) -> None:
        with pytest.raises(MessageError):
            composed({field: value})

    def test_names_go_through_the_users_function(self) -> None:
        seen = {}

        def upper(name: str, value: str) -> str:
            seen[name] = value
            return name.upper()

        content = octets(subject="Größe", text="t", normalize_header_key=upper)
        assert b"SUBJECT: =?UTF-8?" in content
        assert seen["Subject"] == "Größe"
        assert read(content)["Subject"] == "Größe"

    @pytest.mark.parametrize("name", ["X A", "X:", "X\r\nY", "ü"])
    def test_a_name_from_the_users_function_is_checked(self, name: str) -> None:
        with pytest.raises(MessageError):
            octets(subject="x", normalizeHeaderKey=lambda *_: name)

    def test_a_users_function_may_leave_a_name_alone(self) -> None:
        assert b"Subject: x" in octets(subject="x", normalize_header_key=lambda *_: None)


class TestTheEnvelope:
    def test_is_that_of_the_addresses_in_their_order_and_each_once(self) -> None:
        envelope = composed(
            to="B <b@example.com>, Friends: c@example.com, b@EXAMPLE.com;",
            cc=["d@example.com", {"name": "C", "address": "c@example.com"}],
            bcc="e@example.com, B@example.com",
        ).envelope
        names = ["b", "c", "d", "e", "B"]
        assert envelope == Envelope("a@example.com", [f"{name}@example.com" for name in names])

    def test_never_tells_bcc_in_the_message(self) -> None:
        content = octets(bcc="secret@example.com", to=None, text="t")
        assert b"secret" not in content
        assert b"bcc" not in content.lower()

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"from": "x@y.z", "to": "u@v.w"}, Envelope("x@y.z", ["u@v.w"])),
            (
                {"from_": "X <x@y.z>", "to": ["u@v.w", "U <u@v.w>"], "cc": "c@v.w"},
                Envelope("x@y.z", ["u@v.w", "c@v.w"]),
            ),
            ({"from": "", "to": "u@v.w"}, Envelope("", ["u@v.w"])),
            ({"from": "<>", "to": "u@v.w, postmaster@v.w"}, Envelope("", ["u@v.w", "postmaster@v.w"])),
            ({"from": "x@y.z", "to": ["Postmaster"]}, Envelope("x@y.z", ["Postmaster"])),
            (Envelope("x@bücher.example", ["u@V.W"]), Envelope("x@xn--bcher-kva.example", ["u@v.w"])),
        ],
        ids=str,
    )
    def test_may_be_given_and_replaces_the_addresses(self, given: object, expected: Envelope) -> None:
        result = composed(envelope=given, bcc="hidden@example.com")
        assert result.envelope == expected
        assert read(result.message.as_bytes())["From"] == "a@example.com"

    @pytest.mark.parametrize(
        ("given", "error"),
        [
            ({"to": "x@y.z"}, EnvelopeError),
            ({"from": None, "to": "x@y.z"}, EnvelopeError),
            ({"from": "x@y.z"}, EnvelopeError),
            ({"from": "x@y.z", "to": []}, EnvelopeError),
            ({"from": "x@y.z, u@v.w", "to": "x@y.z"}, EnvelopeError),
            ({"from": "x@y.z", "to": "x@y.z\r\nRCPT TO:<e@v.il>"}, AddressError),
            ({"from": "x@y.z", "to": "x@y.z", "size": 5}, MessageError),
            ({"from": "x@y.z", "from_": "x@y.z", "to": "x@y.z"}, MessageError),
            ("x@y.z", EnvelopeError),
            (Envelope("x@y.z", []), EnvelopeError),
        ],
        ids=str,
    )
    def test_is_refused_if_it_cannot_be_sent(self, given: object, error: type[Exception]) -> None:
        with pytest.raises(error):
            composed(envelope=given)

    def test_may_stand_in_for_a_missing_from(self) -> None:
        result = composed(envelope={"from": "", "to": "x@y.z"}, from_=None, to=None, text="t")
        assert "From" not in read(result.message.as_bytes())

    @pytest.mark.parametrize(("field", "what"), [("from_", "no sender"), ("to", "no recipient")])
    def test_needs_a_sender_and_a_recipient(self, field: str, what: str) -> None:
        with pytest.raises(EnvelopeError, match=what):
            composed({field: None})

    @pytest.mark.parametrize("empty", ["", [], "undisclosed-recipients:;", [[]]])
    def test_an_empty_list_is_no_recipient(self, empty: object) -> None:
        with pytest.raises(EnvelopeError, match="no recipient"):
            composed(to=empty)

    def test_several_authors_need_a_sender(self) -> None:
        authors = "x@example.com, y@example.com"
        with pytest.raises(MessageError, match="sender"):
            composed(from_=authors)
        assert composed(from_=authors, sender="y@example.com").envelope.from_ == "x@example.com"

    @pytest.mark.parametrize("sender", ["x@example.com, y@example.com", "Team: x@example.com;"])
    def test_a_sender_is_one(self, sender: str) -> None:
        with pytest.raises(MessageError, match="one mailbox"):
            composed(sender=sender)


def test_an_email_message_is_a_message() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "x@example.com", "y@example.com", "Größe"
    message.set_content("Hällo")
    result = composed(message)
    assert result.envelope == Envelope("x@example.com", ["y@example.com"])
    assert text_of(read(result.message.as_bytes())) == "Hällo"
