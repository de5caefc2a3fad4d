"""DKIM signatures, checked by dkimpy, which nobody here wrote."""

from __future__ import annotations

import base64
import hashlib

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from pymailer import DKIM, ConfigError, create_transport
from pymailer.dkim.canonical import BodyHash, relaxed_field
from pymailer.dkim.key import parse_keys
from pymailer.transports import memory

WEAK_KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\n"
    "KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQJAIJLixBy2qpFoS4DSmoEm\n"
    "o3qGy0t6z09AIJtH+5OeRV1be+N4cDYJKffGzDa88vQENZiRm0GRq6a+HPGQMd2k\n"
    "TQIhAKMSvzIBnni7ot/OSie2TmJLY4SwTQAevXysE2RbFDYdAiEBCUEaRQnMnbp7\n"
    "9mxDXDf6AU0cN/RPBjb9qSHDcWZHGzUCIG2Es59z8ugGrDY+pxLQnwfotadxd+Uy\n"
    "v/Ow5T0q5gIJAiEAyS4RaI9YG8EWx/2w0T67ZUVAw8eOMB6BIUg0Xcu+3okCIBOs\n"
    "/5OiPgoTdSy7bcF9IGpSE8ZgGKzgYQVZeN97YE00\n"
    "-----END RSA PRIVATE KEY-----\n"
)
"""An RSA key of 512 bits; libraries refuse to make one nowadays."""


def pem(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def ed_key():
    return ed25519.Ed25519PrivateKey.generate()


def record_of(key) -> bytes:
    """What the domain publishes for a key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw)
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def verifies(content: bytes, key, index: int = 0) -> bool:
    return dkim.DKIM(content).verify(idx=index, dnsfunc=lambda *_, **__: record_of(key))


def options(key, **more):
    return {"domain_name": "example.com", "key_selector": "s1", "private_key": pem(key), **more}


def signed(keys, **fields) -> bytes:
    transport = memory()
    with create_transport(transport, dkim=keys) as mailer:
        mailer.send_mail(
            **{
                "from_": "a@example.com",
                "to": "b@example.org",
                "subject": "Zoë",
                "text": "Hello \t there  \n\n\n",
                **fields,
            }
        )
    return transport.messages[0].content


@pytest.mark.parametrize("kind", ["rsa_key", "ed_key"])
def test_a_signature_verifies(kind, request):
    key = request.getfixturevalue(kind)
    assert verifies(signed(options(key)), key)


def test_several_keys_sign_the_same_message(rsa_key, ed_key):
    content = signed({"keys": [options(rsa_key), options(ed_key, key_selector="s2")]})
    assert verifies(content, rsa_key, 0)
    assert verifies(content, ed_key, 1)


def test_a_message_with_attachments_and_a_long_body_verifies(rsa_key):
    attachment = {"filename": "data.bin", "content": bytes(range(256)) * 1000}
    assert verifies(signed(options(rsa_key), html="<p>x</p>\n" * 9999, attachments=[attachment]), rsa_key)


def test_content_that_can_be_read_only_once_is_signed_as_sent(rsa_key):
    content = signed(options(rsa_key), attachments=[{"filename": "x", "content": iter([b"one", b"two"])}])
    assert verifies(content, rsa_key)


def test_a_raw_message_with_bare_lf_is_signed_as_sent(rsa_key):
    transport = memory()
    with create_transport(transport, dkim=options(rsa_key)) as mailer:
        mailer.send_mail(raw=b"From: a@example.com\nTo: b@c.example\nA: 1\n\nbody \n\n")
    content = transport.messages[0].content
    assert verifies(content, rsa_key)


def test_the_key_of_a_message_replaces_that_of_the_mailer(rsa_key, ed_key):
    content = signed(options(rsa_key), dkim=options(ed_key))
    assert content.count(b"DKIM-Signature:") == 1
    assert verifies(content, ed_key)


def test_a_second_from_added_on_the_way_breaks_the_signature(rsa_key):
    content = signed(options(rsa_key))
    assert not verifies(b"From: evil@example.net\r\n" + content, rsa_key)


def test_neither_l_nor_sha1_is_ever_written(rsa_key):
    content = signed(options(rsa_key))
    field = content[: content.index(b"\r\nFrom")]
    assert b" l=" not in field
    assert b"sha1" not in field


def test_skipped_fields_are_not_signed(rsa_key):
    content = signed(options(rsa_key, skip_fields="Subject:Date"))
    tags = content[content.index(b"h=") : content.index(b"bh=")].lower()
    assert b"subject" not in tags
    assert verifies(content, rsa_key)


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain_name": "node.ee; s=evil"},
        {"domain_name": "no\x01de.ee"},
        {"domain_name": ""},
        {"key_selector": "a b"},
        {"private_key": "no key"},
        {"private_key": 5},
        {"header_field_names": ["subject"]},
        {"skip_fields": ["From"]},
        {"header_field_names": ["a b"]},
        {"keySelecto": "x"},
    ],
    ids=str,
)
def test_a_bad_key_is_refused_when_it_is_given(wrong, rsa_key):
    with pytest.raises(ConfigError):
        create_transport(memory(), dkim={**options(rsa_key), **wrong})


@pytest.mark.parametrize("missing", ["domain_name", "key_selector", "private_key"])
def test_what_is_missing_is_named(missing, rsa_key):
    given_options = options(rsa_key)
    del given_options[missing]
    with pytest.raises(ConfigError, match=missing):
        parse_keys(given_options)


def test_a_short_rsa_key_is_refused():
    with pytest.raises(ConfigError, match="bits"):
        DKIM(domain_name="example.com", key_selector="s", private_key=WEAK_KEY)


def test_a_key_does_not_show_itself(rsa_key):
    key = DKIM(domain_name="example.com", key_selector="s1", private_key=pem(rsa_key))
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    ("field", "relaxed"),
    [
        (b"Subject :  Hello\r\n\t world  \r\n", b"subject:Hello world\r\n"),
        (b"X:\r\n", b"x:\r\n"),
        (b"A: X\r\n", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
    ],
)
def test_header_fields_have_the_relaxed_form_of_the_rfc(field, relaxed):
    assert relaxed_field(field) == relaxed


def reference_hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(dkim.canonicalization.Relaxed.canonicalize_body(body)).digest()).decode()


@given(st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"longer words ", b"x=\r\n", b"\r\n\r\n"])), st.data())
def test_the_body_hash_is_dkimpys_however_the_body_is_cut(pieces, data):
    body = b"".join(pieces)
    ours = BodyHash()
    rest = body
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        ours.feed(rest[:cut])
        rest = rest[cut:]
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    assert ours.digest() == reference_hash(body)
