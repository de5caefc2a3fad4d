"""SCRAM, against the RFCs' exchanges and a server written apart from it."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import AuthError, MailError, ProtocolError
from pymailer.secret import Secret
from pymailer.smtp.scram import MAX_ITERATIONS, MIN_ITERATIONS, ChannelBinding, Scram

SHA1 = {
    "name": "SCRAM-SHA-1",
    "nonce": "fyko+d2lbbFgONRv9qkxdawL",
    "first": b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    "proof": b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    "last": b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
}
"""RFC 5802 5."""
SHA256 = {
    "name": "SCRAM-SHA-256",
    "nonce": "rOprNGfwEbeRWgbNEkqO",
    "first": b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "proof": b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "last": b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
}
"""RFC 7677 3."""


def scram(vector=SHA256, **options) -> Scram:
    return Scram(vector["name"], "user", Secret("pencil"), nonce=lambda: vector["nonce"], **options)


def begun(**options) -> Scram:
    mechanism = scram(**options)
    mechanism.initial()
    return mechanism


@pytest.mark.parametrize("vector", [SHA1, SHA256], ids=lambda vector: vector["name"])
def test_the_exchange_in_the_rfc(vector):
    mechanism = scram(vector)
    assert mechanism.initial().reveal() == f"n,,n=user,r={vector['nonce']}".encode()
    assert mechanism.step(vector["first"]).reveal() == vector["proof"]
    assert mechanism.step(vector["last"]).reveal() == b""
    mechanism.finish()


def test_a_nonce_is_never_used_twice():
    names = {Scram("SCRAM-SHA-256", "user", Secret("pencil")).initial().reveal() for _ in range(100)}
    assert len(names) == 100


def test_what_would_end_the_name_is_escaped():
    mechanism = Scram("SCRAM-SHA-256", "a,b=c", Secret("pencil"), nonce=lambda: "x")
    assert mechanism.initial().reveal() == b"n,,n=a=2Cb=3Dc,r=x"


class TestTheServerMustProveItself:
    def test_with_the_right_signature(self):
        mechanism = begun()
        mechanism.step(SHA256["first"])
        with pytest.raises(AuthError, match="signature"):
            mechanism.step(b"v=" + b64encode(b"\0" * 32))

    def test_before_it_says_that_we_are_in(self):
        mechanism = begun()
        with pytest.raises(AuthError, match="without proving"):
            mechanism.finish()
        mechanism.step(SHA256["first"])
        with pytest.raises(AuthError, match="without proving"):
            mechanism.finish()

    def test_and_may_say_why_it_refuses_instead(self):
        mechanism = begun()
        mechanism.step(SHA256["first"])
        with pytest.raises(AuthError, match="invalid-proof"):
            mechanism.step(b"e=invalid-proof")

    def test_once(self):
        mechanism = begun()
        mechanism.step(SHA256["first"])
        mechanism.step(SHA256["last"])
        with pytest.raises(ProtocolError):
            mechanism.step(b"more")


class TestTheNonce:
    @pytest.mark.parametrize("nonce", ["rOprNGfwEbeRWgbNEkqO", "other", "", "XrOprNGfwEbeRWgbNEkqOabc"])
    def test_goes_on_from_ours(self, nonce):
        with pytest.raises(AuthError, match="nonce"):
            begun().step(f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode())


class TestTheIterations:
    @pytest.mark.parametrize(
        "count",
        ["1", "0", "-1", "4095", str(MAX_ITERATIONS + 1), "9" * 400, "4096x", "", "٤٠٩٦".encode().decode("latin-1")],
    )
    def test_are_neither_too_few_nor_too_many(self, count):
        with pytest.raises(MailError):
            begun().step(f"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i={count}".encode("latin-1"))

    def test_may_be_as_few_as_the_rfc_says(self):
        assert MIN_ITERATIONS == 4096


class TestChannelBinding:
    BINDING = ChannelBinding("tls-unique", b"\x01\x02")

    def test_is_named_first_and_proved_later(self):
        mechanism = scram({**SHA256, "name": "SCRAM-SHA-256-PLUS"}, binding=self.BINDING)
        assert mechanism.initial().reveal().startswith(b"p=tls-unique,,n=user,")
        answer = mechanism.step(SHA256["first"]).reveal()
        assert answer.startswith(b"c=" + b64encode(b"p=tls-unique,,\x01\x02") + b",r=")

    def test_that_the_server_does_not_offer_is_mentioned(self):
        mechanism = scram(could_bind=True)
        assert mechanism.initial().reveal().startswith(b"y,,n=user,")
        assert mechanism.step(SHA256["first"]).reveal().startswith(b"c=" + b64encode(b"y,,") + b",r=")

    def test_does_not_show_itself(self):
        assert "x01" not in repr(self.BINDING)


class TestNonsense:
    @pytest.mark.parametrize(
        "message",
        [
            b"",
            b"\xff",
            b"hello",
            b"r=rOprNGfwEbeRWgbNEkqOabc,i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ==",
            b"m=new,r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            b"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,r=rOprNGfwEbeRWgbNEkqOother",
            b"r=rOprNGfwEbeRWgbNEkqOabc,s=*,i=4096",
            b"r=rOprNGfwEbeRWgbNEkqOabc,s=,i=4096",
            b"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==",
        ],
    )
    def test_is_no_first_message(self, message):
        with pytest.raises(ProtocolError):
            begun().step(message)

    @pytest.mark.parametrize("message", [b"", b"v", b"v=", b"v=*", b"x=abc", b"\xff"])
    def test_is_no_last_message(self, message):
        mechanism = begun()
        mechanism.step(SHA256["first"])
        with pytest.raises(ProtocolError):
            mechanism.step(message)


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=80), st.text(alphabet="rsivem=,+/AB1", max_size=60).map(str.encode)))
def test_no_challenge_however_strange_is_more_than_a_typed_error(challenge):
    with pytest.raises(MailError):
        begun().step(challenge)


def server_accepts(mechanism: Scram, password: str) -> bool:
    """The server's side, written from the RFC's formulas."""
    salt, iterations = b"salt", 4096
    client_first = mechanism.initial().reveal().decode().split(",,", 1)[1]
    nonce = client_first.split("r=")[1] + "srv"
    server_first = f"r={nonce},s={b64encode(salt).decode()},i={iterations}"
    final = mechanism.step(server_first.encode()).reveal().decode()
    without_proof, proof = final.rsplit(",p=", 1)
    message = f"{client_first},{server_first},{without_proof}".encode()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
    if proof != b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True))).decode():
        return False
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    mechanism.step(b"v=" + b64encode(hmac.digest(server_key, message, "sha256")))
    mechanism.finish()
    return True


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30))
def test_a_server_that_was_written_apart_takes_the_proof(password):
    assert server_accepts(Scram("SCRAM-SHA-256", "user", Secret(password)), password)


def test_a_server_that_was_written_apart_refuses_another_password():
    assert not server_accepts(Scram("SCRAM-SHA-256", "user", Secret("pencil")), "crayon")
