"""The cases of the corpus that header fields, their parameters and transfer encodings decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from email import message_from_bytes, policy

import pytest

from pymailer.errors import MessageError
from pymailer.message.headers import custom_fields, render
from pymailer.message.line_ends import canonical_text, iter_canonical
from pymailer.message.list_fields import list_fields
from pymailer.message.media_types import parse_media_type
from pymailer.message.message_ids import content_id, message_id, references
from pymailer.message.parameters import base_name, encode_parameter, with_parameters
from tests.corpus.cases import Case, all_cases, cases

TEXTS = [f"header-{number:03}" for number in (2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16)]
OWN_HEADERS = [f"header-{number:03}" for number in (19, 22, 23, 24, 25, 27, 29)]
LIST_LINKS = ["header-030", "header-031", "header-034"]
IDS = ["header-017", "header-035", "header-036"]
FILENAMES = ["mime-002", "mime-007", "mime-008", "mime-009", "mime-010"]
CONTENT_IDS = ["mime-018", "mime-019"]
MEDIA_TYPES = ["mime-012", "mime-014"]
OTHER_NAMES = ["mime-006", "mime-011"]
OF_THE_TREE = ["mime-016", "mime-017", "mime-020", "mime-022"]  # decided where the parts of a message are


def subject(text: str) -> str:
    """The Subject that the standard library reads in what we write, which holds no other field."""
    field = render("Subject", text)
    message = message_from_bytes(field + b"\r\n", policy=policy.default)
    assert message.keys() == ["Subject"]
    assert field.isascii()
    assert all(len(line) <= 998 for line in field.split(b"\r\n"))
    return str(message["subject"])


@cases("header", only=["header-002", "header-003", "header-005", "header-008"])
def test_control_characters_never_get_into_a_header(case: Case) -> None:
    with pytest.raises(MessageError):
        render("Subject", case.input)


@cases("header", only=["header-010", "header-011"])
def test_what_might_be_encoded_but_no_reader_wants_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        render("Subject", case.input)


@cases("header", only=["header-006", "header-007", "header-012", "header-013", "header-015", "header-016"])
def test_text_comes_back_as_it_was(case: Case) -> None:
    assert subject(case.input) == case.input


@cases("header", only=["header-015"])
def test_no_encoded_word_splits_a_character_or_is_too_long(case: Case) -> None:
    words = render("Subject", case.input).decode().split()[1:]
    assert len(words) > 1
    for word in words:
        assert len(word) <= 75
        assert set(subject_of_word(word)) == {"\U0001f600"}


def subject_of_word(word: str) -> str:
    return str(message_from_bytes(f"Subject: {word}\r\n\r\n".encode(), policy=policy.default)["subject"])


@cases("header", only=OWN_HEADERS)
def test_a_header_that_is_none_or_not_the_users_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        custom_fields(case.input)


@cases("header", only=["header-030", "header-034"])
def test_a_bad_link_of_a_list_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        list_fields({"unsubscribe": {"url": "https://example.com/u", **case.input}})


@cases("header", only=["header-031"])
def test_a_backslash_does_not_swallow_the_end_of_a_comment(case: Case) -> None:
    ((_, value),) = list_fields({"help": {"url": "https://example.com/h", **case.input}})
    assert value == "<https://example.com/h> (x\\\\)"


@cases("header", only=["header-035"])
def test_folded_references_are_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        references(case.input)


@cases("header", only=["header-036"])
def test_what_is_no_message_id_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        message_id(case.input)


@cases("header", only=["header-017"])
def test_a_long_message_id_stays_on_one_line(case: Case) -> None:
    assert render("Message-ID", message_id(case.input)) == f"Message-ID: {case.input}\r\n".encode()


def filename(name: str) -> str | None:
    """The file name that the standard library reads in the disposition we write."""
    field = render("Content-Disposition", with_parameters("attachment", {"filename": name}))
    message = message_from_bytes(field + b"\r\n", policy=policy.default)
    assert message.keys() == ["Content-Disposition"]
    return message.get_filename()


@cases("mime", only=FILENAMES[:-1])
def test_a_filename_comes_back_as_it_was(case: Case) -> None:
    assert filename(case.input) == case.input


@cases("mime", only=["mime-008"])
def test_no_reader_decodes_a_filename_twice(case: Case) -> None:
    assert "=?" not in encode_parameter("filename", case.input)


@cases("mime", only=["mime-009"])
def test_every_section_that_is_percent_encoded_says_so(case: Case) -> None:
    sections = encode_parameter("filename", case.input).split("; ")
    assert len(sections) > 1
    assert all("*=" in section for section in sections if "%" in section)


@cases("mime", only=["mime-010"])
def test_half_a_character_is_a_typed_error(case: Case) -> None:
    with pytest.raises(MessageError):
        encode_parameter("filename", case.input)


@cases("mime", only=["mime-006"])
def test_of_a_path_only_its_last_part_is_told(case: Case) -> None:
    assert base_name(case.input) == "x.pdf"


@cases("mime", only=["mime-011"])
def test_an_empty_filename_is_empty(case: Case) -> None:
    assert base_name(case.input) == ""


@cases("mime", only=CONTENT_IDS)
def test_what_is_no_content_id_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        content_id(case.input)


@cases("mime", only=MEDIA_TYPES)
def test_what_is_no_media_type_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        parse_media_type(case.input)


TIMED: dict[str, Callable[[str], object]] = {
    "dos-006": parse_media_type,
    "dos-010": lambda text: render("Subject", text),
    "dos-012": references,
    "dos-013": lambda text: [canonical_text(text), *iter_canonical([text[:7].encode(), text[7:].encode()])],
}


@cases("dos", only=TIMED)
def test_a_huge_value_is_decided_quickly(case: Case) -> None:
    began = time.process_time()
    with suppress(MessageError):
        TIMED[case.id](case.input)
    assert time.process_time() - began < 1


def test_no_case_is_left_out() -> None:
    here = {case.id for case in all_cases() if case.area in {"header", "mime"}}
    assert here == {
        *(*TEXTS, *OWN_HEADERS, *LIST_LINKS, *IDS),
        *(*FILENAMES, *CONTENT_IDS, *MEDIA_TYPES, *OTHER_NAMES, *OF_THE_TREE),
    }
