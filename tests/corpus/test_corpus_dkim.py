"""The cases about DKIM, about its keys in a `repr`, and about Bcc in what is logged."""

from __future__ import annotations

import base64
import hashlib
import logging

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from pymailer import DKIM, ConfigError, MailError, create_transport
from pymailer.dkim.canonical import BodyHash
from pymailer.transports import memory, smtp
from tests.corpus.cases import Case, all_cases
from tests.faults import FaultServer, on, reply
from tests.unit.test_dkim import WEAK_KEY, pem, signed, verifies

CASES = {case.id: case for case in all_cases()}
AREA = {name: case for name, case in CASES.items() if case.area == "dkim"}


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def options(key, **changes):
    return {"domain_name": "example.com", "key_selector": "s1", "private_key": pem(key), **changes}


@pytest.mark.parametrize("case", [AREA["dkim-001"], AREA["dkim-003"]], ids=lambda case: case.id)
@pytest.mark.parametrize("field", ["domain_name", "key_selector"])
def test_a_domain_or_selector_that_is_none_is_refused(case: Case, field, key):
    with pytest.raises(ConfigError):
        DKIM(**options(key, **{field: case.input}))


@pytest.mark.parametrize("case", [AREA["dkim-005"]], ids=lambda case: case.id)
def test_from_and_its_like_are_named_once_more_than_present(case: Case, key):
    content = signed(options(key))
    names = content[content.index(b"h=") + 2 : content.index(b"bh=")].replace(b"\r\n ", b"").split(b";")[0].split(b":")
    for name in (*{entry.encode() for entry in case.input["headers"]}, b"subject", b"to", b"date", b"mime-version"):
        assert names.count(name) == 2
    assert verifies(content, key)


@pytest.mark.parametrize("case", [AREA["dkim-006"]], ids=lambda case: case.id)
def test_a_list_of_fields_without_from_is_refused(case: Case, key):
    with pytest.raises(ConfigError, match="From"):
        DKIM(**options(key, header_field_names=case.input["headers"]))


@pytest.mark.parametrize("case", [AREA["dkim-007"]], ids=lambda case: case.id)
def test_a_weak_key_is_refused_and_a_weakish_one_warned_of(case: Case, caplog):
    assert case.input["key"] == "RSA 512"
    with pytest.raises(ConfigError, match="512 bits"):
        DKIM(domain_name="example.com", key_selector="s1", private_key=WEAK_KEY)
    with caplog.at_level(logging.WARNING, "pymailer.dkim"):
        DKIM(**options(rsa.generate_private_key(public_exponent=65537, key_size=1024)))
    assert "1024 bits" in caplog.text


@pytest.mark.parametrize("case", [AREA["dkim-009"]], ids=lambda case: case.id)
def test_the_hash_of_the_relaxed_body_is_dkimpys(case: Case):
    body = case.input.encode()
    ours = BodyHash()
    ours.feed(body)
    theirs = hashlib.sha256(dkim.canonicalization.Relaxed.canonicalize_body(body)).digest()
    assert ours.digest() == base64.b64encode(theirs).decode()


@pytest.mark.parametrize("case", [AREA["dkim-011"]], ids=lambda case: case.id)
def test_what_is_signed_is_what_is_sent_whatever_its_line_ends_were(case: Case, key):
    raw = b"From: a@example.com\nTo: b@example.org\n" + case.input
    transport = memory()
    with create_transport(transport, dkim=options(key)) as mailer:
        mailer.send_mail(raw=raw)
    content = transport.messages[0].content
    assert verifies(content, key)
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_every_case_of_the_area_is_here():
    here = {"dkim-001", "dkim-003", "dkim-005", "dkim-006", "dkim-007", "dkim-009", "dkim-011"}
    assert here == AREA.keys()


@pytest.mark.parametrize("case", [CASES["secrets-007"]], ids=lambda case: case.id)
def test_a_private_key_shows_itself_nowhere(case: Case, key):
    marker = case.input["dkim"]["key"]
    mailer = create_transport(memory(), dkim=options(key))
    for thing in (DKIM(**options(key)), mailer, mailer.transport, mailer.defaults):
        assert marker not in repr(thing)
        assert pem(key).splitlines()[1] not in repr(thing)


@pytest.mark.parametrize("case", [CASES["bcc-005"]], ids=lambda case: case.id)
def test_the_log_names_no_blind_recipient(case: Case, caplog):
    answer, address = case.input["bounce_error"], "b@y.example"
    with (
        FaultServer(on(f"RCPT TO:<{address}>", reply(answer))) as server,
        caplog.at_level(logging.INFO),
        create_transport(smtp(host="localhost", port=server.port)) as mailer,
    ):
        info = mailer.send_mail(from_="a@x.example", to="c@y.example", bcc=address, text="Hello")
        with pytest.raises(MailError):
            mailer.send_mail(from_="a@x.example", bcc=address, text="Hello")
    assert info.rejected == (address,)
    assert caplog.records
    assert address not in caplog.text
    assert all(address not in str(vars(record)) for record in caplog.records)
