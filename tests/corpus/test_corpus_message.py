"""The cases of the corpus that whole messages decide: parts, attachments, Bcc, and what a body may smuggle."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from pymailer.errors import MessageError
from pymailer.message.composer import ComposePolicy
from pymailer.message.data_uri import parse_data_uri
from pymailer.message.images import attached_images
from pymailer.smtp.data import DotStuffer
from tests.composing import PARTIES, composed, read, reread, text_of, tree
from tests.corpus.cases import Case, cases

PARAMETERS = [f"mime-{number:03}" for number in (2, 7, 8, 9, 10, 12, 14, 18, 19)]  # decided where headers are
DATA_URIS = [f"attachment-{number:03}" for number in (14, 15, 16, 17)]
ADDRESSES = ["attachment-007", "attachment-010", "attachment-012"]
HTML = ["attachment-020", "attachment-021"]
BODIES = [f"smuggling-{number:03}" for number in (1, 2, 3, 7, 8, 9, 12, 13, 18, 19)]
CHUNKS = ["smuggling-014", "smuggling-015"]


def lines(text: str) -> str:
    """`text` with the line ends of mail."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def on_the_wire(content: bytes) -> bytes:
    """What a server is sent for a message, in DATA."""
    stuffer = DotStuffer()
    return stuffer.feed(content) + stuffer.end()


# --- parts -----------------------------------------------------------------------------------------------------------


@cases("mime", only=["mime-006"])
def test_a_name_is_no_path(case: Case) -> None:
    (part,) = reread(text="t", attachments=[{"filename": case.input, "content": b"x"}]).iter_attachments()
    assert part.get_filename() == "x.pdf"


@cases("mime", only=["mime-011"])
def test_an_empty_name_is_none(case: Case) -> None:
    (part,) = reread(text="t", attachments=[{"filename": case.input, "content": b"x"}]).iter_attachments()
    assert part.get_filename() is None


@cases("mime", only=["mime-010"])
def test_half_a_character_in_a_name_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        composed(attachments=[{"filename": case.input, "content": b"x"}])


@cases("mime", only=["mime-012", "mime-014", "mime-016"])
def test_a_content_type_is_one_and_no_multipart(case: Case) -> None:
    with pytest.raises(MessageError):
        composed(attachments=[{"content_type": case.input, "content": b"x"}])


@cases("mime", only=["mime-018", "mime-019"])
def test_a_content_id_is_one(case: Case) -> None:
    with pytest.raises(MessageError):
        composed(attachments=[{"cid": case.input, "content": b"x"}])


@cases("mime", only=["mime-017"])
def test_a_message_in_a_message_is_not_encoded(case: Case) -> None:
    content = "Subject: x\r\n\r\ny"
    (part,) = reread(text="t", attachments=[{"content_type": case.input, "content": content}]).iter_attachments()
    assert part["Content-Transfer-Encoding"] == "7bit"
    for encoding in ("base64", "quoted-printable"):
        with pytest.raises(MessageError):
            composed(
                attachments=[{"content_type": case.input, "content": content, "content_transfer_encoding": encoding}]
            )


@cases("mime", only=["mime-020"])
def test_text_that_looks_like_a_boundary_ends_nothing(case: Case) -> None:
    message = reread(text=case.input, html="h")
    assert tree(message) == ("alternative", "text/plain", "text/html")
    assert message.get_body(["plain"]).get_payload(decode=True).decode() == case.input


@cases("mime", only=["mime-022"])
def test_a_boundary_is_never_given_and_never_too_long(case: Case) -> None:
    with pytest.raises(MessageError):
        composed(alternatives=[{"content_type": f"multipart/mixed; boundary={case.input}", "content": b"x"}])
    assert len(reread(text="t", html="h").get_boundary()) <= 70


@cases("mime", without=PARAMETERS)
def test_every_case_of_a_part_is_covered(case: Case) -> None:
    assert case.id in {f"mime-{number:03}" for number in (6, 10, 11, 16, 17, 20, 22)}


# --- attachments -----------------------------------------------------------------------------------------------------


@cases("attachment", only=["attachment-001", "attachment-023"])
def test_text_is_content_and_never_a_path(case: Case) -> None:
    text = case.input if isinstance(case.input, str) else case.input["content"]
    (part,) = reread(text="t", attachments=[{"content": text}]).iter_attachments()
    assert part.get_payload(decode=True) == text.encode()
    with pytest.raises(MessageError) as caught:
        composed(attachments=[{"path": text}], policy=ComposePolicy(disable_file_access=True))
    assert caught.value.code == "EFILEACCESS"


@cases("attachment", only=["attachment-005"])
def test_a_path_on_another_machine_is_refused(case: Case) -> None:
    with pytest.raises(MessageError):
        composed(attachments=[{"path": case.input}])


@cases("attachment", only=ADDRESSES)
def test_an_address_inside_a_network_or_outside_the_web_is_refused(case: Case) -> None:
    with pytest.raises(MessageError) as caught:
        composed(attachments=[{"href": case.input}])
    assert caught.value.code == "EURLACCESS"


@cases("attachment", only=["attachment-013"])
def test_credentials_in_an_address_are_not_told(case: Case) -> None:
    attachment = {"href": case.input.replace("host", "127.0.0.1")}
    with pytest.raises(MessageError) as caught:
        composed(attachments=[attachment])
    assert "pass" not in str(caught.value)


@cases("attachment", only=DATA_URIS)
def test_a_data_uri_is_read_or_refused(case: Case) -> None:
    if case.verdict == "reject_local":
        with pytest.raises(MessageError):
            composed(attachments=[{"path": case.input}])
    else:
        assert parse_data_uri(case.input).data in (b"Hello", b"")


@cases("attachment", verdict="time_bound")
def test_a_hostile_data_uri_takes_no_time(case: Case) -> None:
    started = time.process_time()
    with suppress(MessageError):
        parse_data_uri(case.input)
    assert time.process_time() - started < 0.1


@cases("attachment", only=HTML)
def test_html_opens_nothing(case: Case) -> None:
    assert attached_images(case.input) == (case.input, [])
    assert tree(reread(html=case.input, attach_data_urls=True)) == "text/html"


@cases("attachment")
def test_every_case_of_an_attachment_is_covered(case: Case) -> None:
    covered = {*DATA_URIS, *ADDRESSES, *HTML, *(f"attachment-{number:03}" for number in (1, 5, 13, 18, 19, 23))}
    assert case.id in covered


# --- Bcc -------------------------------------------------------------------------------------------------------------


@cases("bcc", only=["bcc-002"])
def test_bcc_alone_is_enough_and_is_not_told(case: Case) -> None:
    result = composed(case.input, to=None, text="t")
    assert result.envelope.to == (case.input["bcc"],)
    assert case.input["bcc"].encode() not in result.message.as_bytes()


@cases("bcc", only=["bcc-003"])
def test_the_envelope_compares_domains_without_case_and_local_parts_with_it(case: Case) -> None:
    assert composed(case.input).envelope.to == ("a@x.example", "A@x.example")
    assert composed(case.input, bcc="a@X.EXAMPLE").envelope.to == ("a@x.example",)


# --- what a body may smuggle -----------------------------------------------------------------------------------------


@cases("smuggling", only=BODIES)
def test_a_body_is_text_and_nothing_else_to_a_server(case: Case) -> None:
    for field in ("text", "html"):
        content = composed({field: case.input}).message.as_bytes()
        assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
        assert on_the_wire(content).count(b"\r\n.\r\n") == 1
        assert text_of(read(content)) == lines(case.input).replace("\r\n", "\n").removesuffix("\n")


@cases("smuggling", only=BODIES)
def test_so_it_is_in_a_ready_made_message(case: Case) -> None:
    raw = f"From: a@example.com\nTo: b@example.com\n\n{case.input}"
    content = composed(raw=raw, **dict.fromkeys(PARTIES)).message.as_bytes()
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    assert on_the_wire(content).count(b"\r\n.\r\n") == 1


@cases("smuggling", only=CHUNKS)
def test_so_it_is_however_the_body_is_cut(case: Case) -> None:
    pieces = [piece.encode() for piece in case.input]
    raw = [b"From: a@example.com\nTo: b@example.com\n\n", *pieces]
    content = composed(raw=iter(raw), **dict.fromkeys(PARTIES)).message.as_bytes()
    assert content.partition(b"\r\n\r\n")[2] == lines("".join(case.input)).removesuffix("\r\n").encode() + b"\r\n"
    assert text_of(reread(text=iter(pieces))) == "".join(case.input).replace("\r\n", "\n").removesuffix("\n")


@cases("smuggling", only=["smuggling-010"])
def test_a_nul_is_encoded_and_refused_where_nothing_is(case: Case) -> None:
    content = composed(text=case.input).message.as_bytes()
    assert b"\0" not in content
    assert text_of(read(content)) == case.input.replace("\r\n", "\n")
    with pytest.raises(MessageError):
        composed(raw=f"From: a@example.com\r\nTo: b@example.com\r\n\r\n{case.input}")


@cases("smuggling", only=["smuggling-021"])
def test_octets_that_are_no_text_are_in_base64(case: Case) -> None:
    (part,) = reread(text="t", attachments=[{"content": case.input}]).iter_attachments()
    assert part["Content-Transfer-Encoding"] == "base64"
    assert part.get_payload(decode=True) == case.input


@cases("smuggling", only=["smuggling-022"])
def test_bcc_in_a_ready_made_message_is_removed(case: Case) -> None:
    content = composed(raw=case.input, from_="a@example.com").message.as_bytes()
    assert content == b"Subject: x\r\n\r\nbody\r\n"


@cases("smuggling", only=["smuggling-023"])
def test_a_ready_made_message_says_that_it_has_8_bits(case: Case) -> None:
    message = composed({"raw": case.input, **PARTIES}).message
    assert message.needs_8bit
    assert message.as_bytes() == case.input + b"\r\n"


@cases("smuggling", only=["smuggling-025"])
def test_line_ends_are_those_of_mail_where_nothing_is_stuffed(case: Case) -> None:
    message = composed(text=case.input["$bdat"]).message
    assert message.as_bytes().endswith(b"\r\n\r\nx\r\n.\r\ny\r\n")
    assert message.size == len(message.as_bytes())


@cases("smuggling")
def test_every_case_of_smuggling_is_covered(case: Case) -> None:
    assert case.id in {*BODIES, *CHUNKS, *(f"smuggling-{number:03}" for number in (10, 21, 22, 23, 25))}
