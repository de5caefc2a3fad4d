"""DKIM signatures, checked by OpenDKIM and by Mail::DKIM, which nobody here wrote."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from pymailer import create_transport
from pymailer.transports import memory
from tests.interop.rooted_program import Root, root_with
from tests.unit.test_dkim import options, record_of, signed

PARTIES = {"from_": "a@example.com", "to": "b@example.org", "subject": "Zoë"}
RSA, ED25519 = "rsa", "ed25519"
_RESULT = re.compile(r"\bdkim=(\w+)")

LINES = "The quick brown fox \t jumps over the lazy dog.  \n"
BODIES: dict[str, dict[str, Any]] = {
    "text": {"text": "Hello \t there\n"},
    "text-html-attachments": {
        "text": "Größe\n",
        "html": "<p>Größe</p>\n",
        "attachments": [
            {"filename": "Größe.bin", "content": bytes(range(256)) * 500},
            {"filename": "a.txt", "content": "text\n\n"},
        ],
    },
    "long body": {"text": LINES * 9999, "html": f"<p>{LINES}</p>" * 999},
    "trailing blanks": {"text": "blanks \t \n \nempty lines\n\n\n \n\n"},
    "empty body": {"text": ""},
    "dots": {"text": ".\n..\n.end\n"},
    "folded headers": {
        "subject": "Zoë " * 60,
        "to": [f"Person Nr. {number} <p{number}@example.org>" for number in range(60)],
        "headers": {"X-Long": "word " * 60},
    },
    "raw with CRLF": {
        "raw": b"From: a@example.com\r\nTo: b@example.org\r\nSubject:  two   blanks \r\n\r\nbody \r\n\r\n"
    },
    "raw with bare LF": {"raw": b"From: a@example.com\nTo: b@example.org\nX-Folded: a\n  b\n\nbody \n\n\t\nend\n\n"},
    "raw without a last line end": {"raw": b"From: a@example.com\nTo: b@example.org\n\nbody"},
}


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    return {
        RSA: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ED25519: ed25519.Ed25519PrivateKey.generate(),
    }


@pytest.fixture(scope="module")
def records(keys: Mapping[str, Any]) -> dict[str, str]:
    """What example.com publishes; each key's selector is its kind."""
    return {f"{kind}._domainkey.example.com": record_of(key).decode() for kind, key in keys.items()}


@pytest.fixture(scope="module")
def opendkim(records: Mapping[str, str]) -> Iterator[Root]:
    with root_with(["opendkim"]) as root:
        root.write("tmp/keys", "".join(f"{name} {record}\n" for name, record in records.items()).encode())
        root.write("tmp/conf", b"Mode v\nSyslog no\nTestPublicKeys /tmp/keys\n")
        yield root


@pytest.fixture(scope="module")
def mail_dkim() -> Iterator[Root]:
    with root_with(["libmail-dkim-perl"]) as root:
        yield root


def sign(keys: Mapping[str, Any], kinds: tuple[str, ...], **fields: Any) -> bytes:
    """A message signed with the keys of these kinds, as it would be on the wire."""
    transport = memory()
    signers = {"keys": [options(keys[kind], key_selector=kind) for kind in kinds]}
    with create_transport(transport, dkim=signers) as mailer:
        mailer.send_mail(fields if "raw" in fields else PARTIES | fields)
    return transport.messages[0].content


def results_of_opendkim(root: Root, message: bytes) -> list[str]:
    """What it says of each signature: ``pass``, ``fail``, ..."""
    root.write("tmp/message", message)
    return _RESULT.findall(root.run("opendkim", "-v", "-v", "-x", "/tmp/conf", "-t", "/tmp/message"))


def results_of_mail_dkim(root: Root, records: Mapping[str, str], message: bytes) -> list[str]:
    asked = {"records": records, "messages": [b64encode(message).decode()]}
    [results] = root.ask("mail_dkim.pl", asked)
    return list(results)


def tampered(message: bytes) -> list[bytes]:
    """The message with another body, with another subject, and with a second author."""
    head, blank, body = message.partition(b"\r\n\r\n")
    return [
        head + blank + body.replace(b"fox", b"cat", 1),
        head.replace(b"\r\nSubject: ", b"\r\nSubject: not ", 1) + blank + body,
        b"From: evil@example.net\r\n" + message,
    ]


@pytest.mark.parametrize("kinds", [(RSA,), (ED25519,), (RSA, ED25519)], ids="+".join)
@pytest.mark.parametrize("body", BODIES)
def test_opendkim_verifies_what_we_sign(
    keys: Mapping[str, Any], opendkim: Root, body: str, kinds: tuple[str, ...]
) -> None:
    assert results_of_opendkim(opendkim, sign(keys, kinds, **BODIES[body])) == ["pass"] * len(kinds)


@pytest.mark.parametrize("kinds", [(RSA,), (ED25519,)], ids="+".join)
@pytest.mark.parametrize("change", range(3), ids=["body", "subject", "second author"])
def test_opendkim_notices_a_change(
    keys: Mapping[str, Any], opendkim: Root, change: int, kinds: tuple[str, ...]
) -> None:
    message = sign(keys, kinds, text=LINES)
    assert results_of_opendkim(opendkim, tampered(message)[change]) == ["fail"]


@pytest.mark.parametrize("body", BODIES)
def test_mail_dkim_verifies_what_we_sign(
    keys: Mapping[str, Any], mail_dkim: Root, records: Mapping[str, str], body: str
) -> None:
    assert results_of_mail_dkim(mail_dkim, records, sign(keys, (RSA,), **BODIES[body])) == ["pass"]


@pytest.mark.parametrize("change", range(3), ids=["body", "subject", "second author"])
def test_mail_dkim_notices_a_change(
    keys: Mapping[str, Any], mail_dkim: Root, records: Mapping[str, str], change: int
) -> None:
    message = sign(keys, (RSA,), text=LINES)
    assert results_of_mail_dkim(mail_dkim, records, tampered(message)[change]) == ["fail"]


def test_a_signature_that_one_verifier_does_not_know_leaves_the_other_valid(
    keys: Mapping[str, Any], mail_dkim: Root, records: Mapping[str, str]
) -> None:
    """Mail::DKIM of Debian 12 knows no Ed25519 (RFC 8463 3: this is why one signs with both)."""
    assert "pass" in results_of_mail_dkim(mail_dkim, records, sign(keys, (RSA, ED25519), text=LINES))


def test_all_keys_of_one_kind_verify(keys: Mapping[str, Any], mail_dkim: Root, records: Mapping[str, str]) -> None:
    """Several selectors of one domain, as while a key is replaced."""
    second = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    both = [options(keys[RSA], key_selector=RSA), options(second, key_selector="next")]
    published = {**records, "next._domainkey.example.com": record_of(second).decode()}
    assert results_of_mail_dkim(mail_dkim, published, signed({"keys": both}, text=LINES)) == ["pass", "pass"]
