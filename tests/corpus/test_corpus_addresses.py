"""The cases of the corpus that address parsing decides: whole header lists, single envelope paths, IDN, and time."""

from __future__ import annotations

import time
from email import message_from_bytes, policy

import pytest

from pymailer.errors import AddressError
from pymailer.message.addresses import envelope_path, format_addresses, mailboxes, parse_addresses
from pymailer.message.headers import render
from tests.corpus.cases import Case, all_cases, cases

LISTS = {
    "address_parse-003": ['"a@b@c"@example.com'],
    "address_parse-024": ["to@example.com"],
    "address_parse-025": ["0123456789" * 6 + "01@example.org", "foo@example.org"],
    "address_parse-026": ["a@b.example"],
    "address_parse-027": ["a@x.example", "b@x.example"],
    "address_parse-028": [],
    "address_parse-039": ["a@b.example"],
}

PATHS = {
    "envelope-026": "postmaster",
    "envelope-033": "user@[IPv6:2001:db8::1]",
    "envelope-037": "evil.example!user@good.example",
    "idn-002": "user@xn--bcher-kva.example",
    "idn-005": "user@example.com",
    "idn-009": "user@xn--zca.example",
    "idn-012": "e\u0301@example.com",
}


def read_by_stdlib(value: object) -> list[str]:
    """The mailboxes that the standard library finds in the To field we write."""
    field = render("To", format_addresses(parse_addresses(value)))
    return [address.addr_spec for address in message_from_bytes(field + b"\r\n", policy=policy.default)["to"].addresses]


@cases("address_parse", verdict="reject_local")
def test_a_list_with_two_readings_is_refused(case: Case) -> None:
    with pytest.raises(AddressError):
        parse_addresses(case.input)


@cases("address_parse", only=LISTS)
def test_a_list_with_one_reading_is_read_and_written_as_that(case: Case) -> None:
    assert [address.address for address in mailboxes(parse_addresses(case.input))] == LISTS[case.id]
    assert read_by_stdlib(case.input) == LISTS[case.id]


@cases("address_parse", only=["address_parse-019", "address_parse-020"])
def test_an_error_shows_the_flaw_with_its_neighbours(case: Case) -> None:
    with pytest.raises(AddressError) as caught:
        parse_addresses(case.input)
    assert case.input in str(caught.value)


@cases("address_parse", only=["address_parse-026"])
def test_a_comment_is_a_name_that_stays_out_of_the_address(case: Case) -> None:
    (address,) = mailboxes(parse_addresses(case.input))
    assert f"({address.name}) <{address.address}>" == case.input


@cases("address_parse", only=["address_parse-039"])
def test_a_name_that_looks_like_an_encoded_word_stays_that_text(case: Case) -> None:
    field = render("To", format_addresses(parse_addresses(case.input)))
    assert b"=?utf-8?q?x?=" not in field
    (address,) = message_from_bytes(field + b"\r\n", policy=policy.default)["to"].addresses
    assert address.display_name == "=?utf-8?q?x?="


@cases("address_parse", only=["address_parse-027"])
def test_a_group_stays_a_group_in_the_header(case: Case) -> None:
    assert format_addresses(parse_addresses(case.input)) == "Team: a@x.example, b@x.example;"


@cases("envelope", "idn", verdict="reject_local")
def test_a_bad_path_is_refused(case: Case) -> None:
    for recipient in (True, False):
        with pytest.raises(AddressError):
            envelope_path(case.input, recipient=recipient)


@cases("envelope", "idn", only=PATHS)
def test_a_good_path_is_taken(case: Case) -> None:
    assert envelope_path(case.input, recipient=True) == PATHS[case.id]


@cases("envelope", only=["envelope-026"])
def test_postmaster_alone_is_no_sender(case: Case) -> None:
    with pytest.raises(AddressError):
        envelope_path(case.input)


@cases("idn", only=[each for each in PATHS if each.startswith("idn")])
def test_header_and_envelope_show_the_same_address(case: Case) -> None:
    assert str(format_addresses(parse_addresses(case.input))) == PATHS[case.id]


LISTS_IN_BOUNDED_TIME = ["dos-001", "dos-002", "dos-003", "dos-004", "dos-007", "dos-009"]


@cases("dos", only=LISTS_IN_BOUNDED_TIME)
def test_a_huge_list_is_decided_quickly(case: Case) -> None:
    began = time.process_time()
    try:
        found = len(parse_addresses(case.input))
    except AddressError:
        found = 0
    assert time.process_time() - began < (2 if case.id == "dos-003" else 0.2)
    assert found == (50_000 if case.id == "dos-003" else 0)


def test_no_case_is_left_out() -> None:
    decided = {case.id for case in all_cases() if case.area in {"address_parse", "envelope", "idn"}}
    refused = {case.id for case in all_cases() if case.verdict == "reject_local"}
    assert decided - refused == LISTS.keys() | PATHS.keys()
