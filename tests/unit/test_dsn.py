"""Wishes for delivery status notifications."""

from __future__ import annotations

import pytest

from pymailer.dsn import DSN, parse_dsn
from pymailer.errors import MessageError


def test_no_wishes_are_none():
    assert parse_dsn(None) is None


def test_wishes_that_were_made_are_taken_as_they_are():
    wishes = DSN(ret="FULL")
    assert parse_dsn(wishes) is wishes


@pytest.mark.parametrize(
    "mapping",
    [
        {"return": "HDRS", "id": "q1", "notify": ["success", "delay"], "recipient": "a@b.example"},
        {"ret": "headers", "envid": "q1", "notify": "SUCCESS, DELAY", "orcpt": "rfc822;a@b.example"},
    ],
)
def test_nodemailers_keys_in_either_spelling(mapping):
    assert parse_dsn(mapping) == DSN("HDRS", "q1", ("SUCCESS", "DELAY"), "rfc822;a@b.example")


def test_the_same_wish_twice_is_one():
    assert DSN(notify=["FAILURE", "failure"]).notify == ("FAILURE",)


def test_an_international_recipient_is_of_another_type():
    assert DSN(orcpt="grün@b.example").orcpt == "utf-8;grün@b.example"


@pytest.mark.parametrize(
    "mapping",
    [
        *({"return": "ALL"}, {"return": 1}, {"return": "HDRS\r\nRSET"}),
        *({"id": ""}, {"id": "x\r\nRSET"}, {"id": "ü"}, {"id": "x" * 101}, {"id": 7}),
        *({"notify": "SUCCESS,NEVER"}, {"notify": ["SOMETIMES"]}, {"notify": 5}, {"notify": ["SUCCESS\r\n"]}),
        *({"recipient": ""}, {"recipient": "a\r\nb"}, {"recipient": "a b;c@d"}, {"recipient": "rfc822;"}),
        *({"recipient": "x" * 501}, {"ret": "FULL", "return": "FULL"}),
    ],
)
def test_what_cannot_be_said_is_refused(mapping):
    with pytest.raises(MessageError):
        parse_dsn(mapping)


def test_an_unknown_key_is_answered_with_the_one_that_was_meant():
    with pytest.raises(MessageError, match="did you mean 'notify'"):
        parse_dsn({"notfy": "NEVER"})


@pytest.mark.parametrize("value", ["FULL", ["FULL"], 1])
def test_anything_but_a_mapping_is_refused(value):
    with pytest.raises(MessageError):
        parse_dsn(value)
