"""Credentials in all their spellings."""

from __future__ import annotations

import pytest

from pymailer.errors import ConfigError
from pymailer.oauth2 import OAuth2
from pymailer.secret import Secret
from pymailer.smtp.auth import Auth, CustomMechanism, parse_auth, parse_method
from tests.secrecy import shown

CANARY = "S3cr3t!"


class TestAuth:
    def test_holds_the_password_without_showing_it(self):
        auth = Auth("u", CANARY)
        assert auth.password.reveal() == CANARY
        assert CANARY not in repr(auth)

    def test_takes_a_password_that_is_sealed_already(self):
        assert Auth("u", Secret(CANARY)) == Auth("u", CANARY)

    def test_names_its_mechanism_in_any_case(self):
        assert Auth("u", "p", "scram-sha-256").method == "SCRAM-SHA-256"

    def test_may_bring_a_mechanism_of_its_own(self):
        custom = CustomMechanism("X-THING", lambda auth, challenge: None)
        assert Auth("u", "p", custom).method is custom

    @pytest.mark.parametrize("user", ["", None, 5, "u\0admin", "u\r\n", "u\x7f", "\ud800"])
    def test_refuses_a_name_that_cannot_be_said(self, user):
        with pytest.raises(ConfigError):
            Auth(user, "p")

    @pytest.mark.parametrize("password", ["", None, 5, b"p", "p\0", "p\n", "p\r\n", "\udfff"])
    def test_refuses_a_password_that_cannot_be_said_or_was_not_meant(self, password):
        with pytest.raises(ConfigError):
            Auth("u", password)

    def test_takes_any_other_password(self):
        for password in ("p\r\nMAIL FROM:<x>", " p ", "ü🔑", "=,\x01"):
            assert Auth("u", password).password.reveal() == password

    @pytest.mark.parametrize("method", ["XOAUTH2", "NTLM", 5])
    def test_refuses_a_mechanism_that_is_none_for_passwords(self, method):
        with pytest.raises(ConfigError, match="SCRAM-SHA-256"):
            Auth("u", "p", method)


class TestSpellings:
    @pytest.mark.parametrize(
        "value",
        [
            ("u", "p"),
            ["u", "p"],
            {"user": "u", "pass": "p"},
            {"user": "u", "password": "p"},
            {"type": "login", "user": "u", "pass": "p"},
            Auth("u", "p"),
        ],
    )
    def test_of_a_password(self, value):
        assert parse_auth(value) == Auth("u", "p")

    def test_with_a_mechanism(self):
        assert parse_auth({"user": "u", "pass": "p", "method": "login"}) == Auth("u", "p", "LOGIN")

    def test_none_is_none(self):
        assert parse_auth(None) is None

    @pytest.mark.parametrize(
        "value",
        [
            {
                "type": "OAuth2",
                "user": "u",
                "clientId": "c",
                "clientSecret": "s",
                "refreshToken": "r",
                "accessToken": "a",
                "accessUrl": "https://tokens.example/",
                "expires": 1_700_000_000_000,
            },
            {
                "user": "u",
                "client_id": "c",
                "client_secret": "s",
                "refresh_token": "r",
                "access_token": "a",
                "access_url": "https://tokens.example/",
                "expires": 1_700_000_000,
            },
        ],
    )
    def test_of_oauth2(self, value):
        assert parse_auth(value) == OAuth2(
            "u",
            client_id="c",
            client_secret="s",
            refresh_token="r",
            access_token="a",
            access_url="https://tokens.example/",
            expires=1_700_000_000,
        )

    @pytest.mark.parametrize(
        "value",
        [
            *("u:p", ("u",), ("u", "p", "q"), 5, {}, {"user": "u"}, {"pass": "p"}),
            *({"user": "u", "pass": "p", "password": "p"}, {"user": "u", "pass": "p", "host": "h"}),
            *({"user": "u", "pass": "p", "type": "NTLM"}, {"type": "OAuth2", "user": "u", "pass": "p"}),
            *({"type": "OAuth2", "user": "u", "clientId": "c", "client_id": "c", "accessToken": "t"}, {5: "u"}),
        ],
    )
    def test_anything_else_is_refused(self, value):
        with pytest.raises(ConfigError):
            parse_auth(value)

    @pytest.mark.parametrize(
        ("value", "meant"),
        [({"usr": "u", "pass": "p"}, "user"), ({"type": "OAuth2", "acessToken": "t"}, "access_token")],
    )
    def test_an_unknown_key_is_answered_with_the_one_that_was_meant(self, value, meant):
        with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
            parse_auth(value)

    @pytest.mark.parametrize(
        "value",
        [
            f"user:{CANARY}",
            ("u", CANARY + "\0"),
            ("", CANARY),
            (CANARY,),
            {"user": "u", "pass": CANARY + "\n"},
            {"user": "u", "passwd": CANARY},
            {"user": "u", "pass": CANARY, "method": "NTLM"},
            {"type": "OAuth2", "user": "u", "accessToken": CANARY + "\x01"},
            {"type": "OAuth2", "user": "u", "refreshToken": CANARY},
            {"type": "OAuth2", "user": "u", "serviceClient": "s", "privateKey": CANARY},
        ],
    )
    def test_a_refusal_shows_no_secret_not_even_in_our_frames(self, value):
        with pytest.raises(ConfigError) as caught:
            parse_auth(value)
        assert "parse_auth" in shown(caught.value)
        assert CANARY not in shown(caught.value)


class TestAMethod:
    def test_is_a_name_in_capitals(self):
        assert parse_method("xoauth2") == "XOAUTH2"
        assert parse_method(None) is None

    @pytest.mark.parametrize("method", ["NTLM", "", 5, ["PLAIN"]])
    def test_is_one_that_we_know(self, method):
        with pytest.raises(ConfigError):
            parse_method(method)
