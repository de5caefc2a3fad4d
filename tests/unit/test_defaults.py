"""What each message of a mailer inherits, and when it does not (API, sections 1 and 13)."""

from __future__ import annotations

import io
from copy import deepcopy
from email import message_from_bytes
from email.message import EmailMessage
from email.message import Message as ParsedMessage

import pytest

from pymailer import ConfigError, EnvelopeError, Message, MessageError
from pymailer.transports import memory
from tests.fronts import Front

BASIC = {"from": "default@example.com", "to": "b@example.com", "subject": "default", "text": "Hello"}


def sent(front: Front, defaults: object, *messages: object, **fields: object) -> list[ParsedMessage]:
    """The messages as they went out."""
    transport = memory()

    async def scenario(mailer):
        for message in messages or ({},):
            await mailer.send_mail(message, **fields)

    front(scenario, transport, defaults)
    return [message_from_bytes(each.content) for each in transport.messages]


def test_a_message_inherits_what_it_does_not_say(front) -> None:
    (message,) = sent(front, BASIC, {"subject": "own"})
    assert (message["From"], message["To"], message["Subject"]) == ("default@example.com", "b@example.com", "own")


@pytest.mark.parametrize("own", [{"subject": "own"}, Message(subject="own")], ids=["mapping", "Message"])
def test_every_form_of_a_message_inherits(front, own) -> None:
    (message,) = sent(front, BASIC, own)
    assert (message["From"], message["Subject"]) == ("default@example.com", "own")


def test_keywords_win_as_well(front) -> None:
    (message,) = sent(front, BASIC, subject="keyword")
    assert message["Subject"] == "keyword"


@pytest.mark.parametrize(("default", "own"), [("replyTo", "reply_to"), ("reply_to", "replyTo"), ("from", "from_")])
def test_a_field_is_the_same_in_both_spellings(front, default, own) -> None:
    (message,) = sent(front, {**BASIC, default: "x@example.com"}, {own: "own@example.com"})
    assert message["From" if own == "from_" else "Reply-To"] == "own@example.com"


@pytest.mark.parametrize("own", [{"replyTo": None}, Message(reply_to=None)], ids=["mapping", "Message"])
def test_none_unsets_a_default(front, own) -> None:
    (message,) = sent(front, {**BASIC, "replyTo": "x@example.com"}, own)
    assert message["Reply-To"] is None


def test_what_is_needed_may_be_unset_too(front) -> None:
    with pytest.raises(EnvelopeError):
        sent(front, BASIC, {"to": None})


@pytest.mark.parametrize("own", ["", [], ()], ids=repr)
def test_an_empty_value_is_a_value(front, own) -> None:
    (message,) = sent(front, {**BASIC, "cc": "c@example.com"}, {"cc": own})
    assert message["Cc"] is None


WITH_HEADERS = {**BASIC, "headers": {"X-One": "default", "X-Two": "default"}}


class TestHeaders:
    @pytest.mark.parametrize("name", ["X-One", "x-one", "X-ONE"])
    def test_are_merged_whatever_their_case_and_the_message_wins(self, front, name) -> None:
        (message,) = sent(front, WITH_HEADERS, {"headers": {name: "own"}})
        assert message.get_all("X-One") == ["own"]
        assert message.get_all("X-Two") == ["default"]

    def test_of_a_message_without_any_are_the_defaults(self, front) -> None:
        (message,) = sent(front, WITH_HEADERS, {"headers": {}})
        assert message.get_all("X-One") == ["default"]

    def test_may_be_pairs_on_either_side(self, front) -> None:
        defaults = {**BASIC, "headers": [("X-One", "1"), ("X-One", "2"), ("X-Two", "default")]}
        (message,) = sent(front, defaults, {"headers": [("x-two", "own")]})
        assert message.get_all("X-One") == ["1", "2"]
        assert message.get_all("X-Two") == ["own"]

    def test_none_drops_one(self, front) -> None:
        (message,) = sent(front, WITH_HEADERS, {"headers": {"x-one": None}})
        assert message.get_all("X-One") is None
        assert message.get_all("X-Two") == ["default"]

    def test_none_for_all_drops_all(self, front) -> None:
        (message,) = sent(front, WITH_HEADERS, {"headers": None})
        assert message.get_all("X-One") is None


class TestTheCopy:
    def test_of_the_mapping_is_the_mailers_own(self, front) -> None:
        defaults = dict(BASIC)
        transport = memory()

        async def scenario(mailer):
            defaults["subject"] = "changed"
            del defaults["to"]
            await mailer.send_mail({})

        front(scenario, transport, defaults)
        assert message_from_bytes(transport.messages[0].content)["Subject"] == "default"

    @pytest.mark.parametrize(
        ("field", "value", "change", "header"),
        [
            ("headers", {"X-One": "default"}, lambda value: value.update({"X-One": "changed"}), "X-One"),
            ("headers", {"X-One": ["default"]}, lambda value: value["X-One"].append("changed"), "X-One"),
            ("cc", ["default@example.com"], lambda value: value.append("changed@example.com"), "Cc"),
            ("list", {"id": "default.example.com"}, lambda value: value.update(id="changed.example.com"), "List-Id"),
        ],
        ids=["headers", "one header", "cc", "list"],
    )
    def test_goes_down_to_what_its_owner_may_change(self, front, field, value, change, header) -> None:
        transport, theirs = memory(), deepcopy(value)

        async def scenario(mailer):
            change(theirs)
            await mailer.send_mail({})

        front(scenario, transport, {**BASIC, field: theirs})
        message = message_from_bytes(transport.messages[0].content)
        assert "default" in str(message.get_all(header))
        assert "changed" not in str(message.get_all(header))

    def test_is_not_changed_by_a_message(self, front) -> None:
        defaults = {**BASIC, "headers": {"X-One": "default"}, "attachments": [{"content": "a", "filename": "a.txt"}]}

        async def scenario(mailer):
            await mailer.send_mail(headers={"X-One": "own"}, attachments=[{"content": "b", "filename": "b.txt"}])
            return mailer.defaults

        assert front(scenario, memory(), defaults) == defaults

    def test_shares_files_and_objects(self, front) -> None:
        file = io.BytesIO(b"content")

        async def scenario(mailer):
            return mailer.defaults["attachments"][0]["content"]

        assert front(scenario, memory(), {"attachments": [{"content": file}]}) is file


class TestMistakes:
    def test_an_unknown_field_is_told_at_once_with_the_closest(self, front) -> None:
        with pytest.raises(MessageError, match="did you mean 'subject'"):
            front.create(memory(), {"subjct": "Hi"})

    def test_a_field_in_both_spellings_is_refused_at_once(self, front) -> None:
        with pytest.raises(MessageError, match="the same"):
            front.create(memory(), {"replyTo": "a@example.com", "reply_to": "b@example.com"})

    @pytest.mark.parametrize("wrong", ["from=a@example.com", 5, [("from", "a@example.com")]], ids=repr)
    def test_what_is_no_mapping_is_refused(self, front, wrong) -> None:
        with pytest.raises(ConfigError, match="defaults is a mapping of message fields"):
            front.create(memory(), wrong)


class TestBesideAReadyMadeMessage:
    def test_its_content_and_headers_are_its_own(self, front) -> None:
        ready = EmailMessage()
        ready["From"], ready["To"], ready["Subject"] = "own@example.com", "own@example.com", "own"
        ready.set_content("own")
        (message,) = sent(front, {**BASIC, "headers": {"X-One": "default"}}, ready)
        assert (message["From"], message["Subject"], message["X-One"]) == ("own@example.com", "own", None)
