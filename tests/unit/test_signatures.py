"""Signed messages: programs that nobody here wrote find their signatures good, and nothing changed inside."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pymailer import DKIM, ConfigError, MessageError
from pymailer.middleware import openpgp, smime
from pymailer.transports import memory
from tests.arriving import PARTIES, body, octets, sent
from tests.keys import certificate, certificate_of_ed25519, key_ring, pem
from tests.secrecy import shown

CANARY = "yellow-bird-4711"


@pytest.fixture(scope="module")
def authority() -> tuple[x509.Certificate, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    return certificate(key, "authority"), key


@pytest.fixture(scope="module", params=["RSA", "EC"])
def sender(request, authority) -> tuple[x509.Certificate, Any]:
    key = rsa.generate_private_key(65537, 2048) if request.param == "RSA" else ec.generate_private_key(ec.SECP256R1())
    return certificate(key, "a@example.com", authority), key


CONTENTS = {
    "text": {"text": "Hello\n.\nlines "},
    "alternative": {"text": "Grüße", "html": "<p>Grüße</p>"},
    "attachment": {"text": "Hi", "attachments": [{"filename": "grün.bin", "content": bytes(range(256))}]},
}


class TestSMIME:
    @pytest.mark.parametrize("fields", CONTENTS.values(), ids=CONTENTS)
    def test_a_signature_holds_for_a_program_that_nobody_here_wrote(self, front, sender, authority, fields, tmp_path):
        plugin = smime(certificate=pem(sender[0]), private_key=pem(sender[1]).decode())
        content = octets(front, plugin, step="stream", **fields)
        assert verified(content, authority[0], tmp_path).returncode == 0
        changed = content.replace(b"Content-Type: text/plain", b"Content-Type: text/enriched").replace(b"Hi", b"Ho")
        assert verified(changed, authority[0], tmp_path).returncode != 0

    def test_the_message_is_the_same_inside(self, front, sender) -> None:
        plugin = smime(certificate=pem(sender[0]), private_key=pem(sender[1]))
        message = sent(front, plugin, step="stream", **CONTENTS["alternative"])
        assert (message["Subject"], message["To"], message["MIME-Version"]) == ("Hi", "b@example.com", "1.0")
        assert message.get_content_type() == "multipart/signed"
        assert message.get_param("protocol") == "application/pkcs7-signature"
        inner, signature = message.get_payload()
        assert inner.get_content_type() == "multipart/alternative"
        assert body(inner, "text/html") == "<p>Grüße</p>"
        assert signature.get_filename() == "smime.p7s"
        assert [name for name in inner if not name.startswith("Content-")] == []

    def test_brings_the_chain_along(self, front, sender, authority, tmp_path) -> None:
        middle_key = ec.generate_private_key(ec.SECP256R1())
        middle = certificate(middle_key, "middle")
        plugin = smime(certificate=pem(sender[0]), private_key=pem(sender[1]), chain=[pem(middle)])
        signature = sent(front, plugin, step="stream", text="Hi").get_payload()[1].get_payload(decode=True)
        from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

        names = {each.subject.rfc4514_string() for each in load_der_pkcs7_certificates(signature)}
        assert names == {"CN=a@example.com", "CN=middle"}

    def test_is_itself_signed_by_dkim(self, front, sender, authority, tmp_path) -> None:
        key = ed25519.Ed25519PrivateKey.generate()
        public = b64encode(key.public_key().public_bytes_raw())
        transport = memory()

        async def scenario(mailer):
            mailer.use("stream", smime(certificate=pem(sender[0]), private_key=pem(sender[1])))
            await mailer.send_mail(PARTIES, **CONTENTS["attachment"])

        own = DKIM(domain_name="example.com", key_selector="s", private_key=pem(key))
        front(scenario, transport, dkim=own)
        content = transport.messages[0].content
        assert dkim.verify(content, dnsfunc=lambda *_, **__: b"v=DKIM1; k=ed25519; p=" + public)
        assert verified(content, authority[0], tmp_path).returncode == 0

    def test_takes_an_encrypted_key(self, sender) -> None:
        smime(certificate=pem(sender[0]), private_key=pem(sender[1], b"secret"), password="secret")

    @pytest.mark.parametrize("wrong", ["key", "certificate", "password", "other", "kind"])
    def test_refuses_at_once_what_cannot_sign_and_shows_no_key(self, sender, wrong) -> None:
        own = {"certificate": pem(sender[0]), "private_key": pem(sender[1])}
        other = ed25519.Ed25519PrivateKey.generate()
        bad: dict[str, dict[str, Any]] = {
            "key": {"private_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"},
            "certificate": {"certificate": CANARY},
            "password": {"private_key": pem(sender[1], b"secret"), "password": CANARY},
            "other": {"private_key": pem(other)},
            "kind": {"private_key": pem(other), "certificate": pem(certificate_of_ed25519(other))},
        }
        with pytest.raises(ConfigError) as caught:
            smime(**{**own, **bad[wrong]})
        assert CANARY not in shown(caught.value)

    def test_a_message_that_a_relay_could_change_is_refused(self, front, sender) -> None:
        plugin = smime(certificate=pem(sender[0]), private_key=pem(sender[1]))
        raw = (
            b"From: a@example.com\r\nTo: b@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\r\n"
        )
        with pytest.raises(MessageError, match="base64"):
            sent(front, plugin, step="stream", raw=raw)


def verified(content: bytes, authority: x509.Certificate, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """What OpenSSL says of a signed message."""
    if shutil.which("openssl") is None:
        pytest.skip("OpenSSL's program is not installed")
    trusted = folder / "authority.pem"
    trusted.write_bytes(pem(authority))
    command = ["openssl", "cms", "-verify", "-CAfile", str(trusted), "-purpose", "any", "-out", str(folder / "out")]
    return subprocess.run(command, input=content, capture_output=True, check=False, timeout=30)


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with key_ring(tmp_path_factory.mktemp("gnupg"), CANARY) as ring:
        yield ring


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
class TestOpenPGP:
    def test_a_signature_holds(self, front, gpg, tmp_path) -> None:
        plugin = openpgp(gpg, "a@example.com", CANARY)
        content = octets(front, plugin, step="stream", **CONTENTS["alternative"])
        message = message_from_bytes(content)
        assert message.get_content_type() == "multipart/signed"
        assert (message.get_param("protocol"), message.get_param("micalg")) == (
            "application/pgp-signature",
            "pgp-sha512",
        )
        boundary = f"--{message.get_boundary()}\r\n".encode()
        entity = content.split(boundary)[1].removesuffix(b"\r\n")
        signature = tmp_path / "signature.asc"
        signature.write_text(message.get_payload()[1].get_payload())
        assert gpg.verify_data(str(signature), entity).valid
        assert not gpg.verify_data(str(signature), entity + b"x").valid

    def test_a_key_that_is_not_there_is_the_messages_error_which_shows_no_passphrase(self, front, gpg) -> None:
        with pytest.raises(MessageError, match=r"other@example\.com") as caught:
            sent(front, openpgp(gpg, "other@example.com", CANARY), step="stream", text="Hi")
        assert CANARY not in str(caught.value)
