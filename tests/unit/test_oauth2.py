"""Where OAuth2 tokens come from, and how long they last."""

from __future__ import annotations

import base64
import copy
import json
import ssl
from datetime import UTC, datetime, timedelta
from time import time

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pymailer.errors import AuthError, ConfigError
from pymailer.oauth2 import OAuth2
from pymailer.outcome import Stage
from pymailer.secret import Secret
from tests.secrecy import shown
from tests.token_endpoint import token_endpoint

CANARY = "S3cr3t-refresh"
GRANTED = {"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def refreshing(url: str, **options) -> OAuth2:
    return OAuth2("u", client_id="c", client_secret="s", refresh_token=CANARY, access_url=url, **options)


async def tokens(runtime, auth, times=1):
    return [(await auth.token(runtime)).reveal() for _ in range(times)]


async def renewed(runtime, auth):
    """The first token, and the one after it was refused."""
    first = await auth.token(runtime)
    second = await auth.token(runtime, refused=first)
    return [first.reveal(), second.reveal()]


class TestTheOptions:
    def test_show_no_secret(self):
        auth = OAuth2("u", client_id="c", client_secret=CANARY, refresh_token=CANARY, access_token=CANARY)
        assert CANARY not in repr(auth)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"client_id": "c", "client_secret": "s"},
            {"refresh_token": "r"},
            {"service_client": "s"},
            {"private_key": "k"},
            {"token_provider": print, "refresh_token": "r", "client_id": "c"},
            {"token_provider": "t"},
            {"access_token": ""},
            {"access_token": 5},
            {"access_token": "a", "access_url": "http://tokens.example/"},
            {"access_token": "a", "access_url": "ftp://tokens.example/"},
            {"access_token": "a", "access_url": "https://tokens.example/\r\nX: y"},
            {"access_token": "a", "access_url": None},
            {"access_token": "a", "timeout": 0},
            {"access_token": "a", "timeout": 30_000},
            {"access_token": "a", "expires": "soon"},
            {"access_token": "a", "expires": 1_700_000_000_000},
            {"access_token": "a", "scope": "a\r\nb"},
        ],
    )
    def test_must_fit_together(self, options):
        with pytest.raises(ConfigError):
            OAuth2("u", **options)

    @pytest.mark.parametrize("user", ["", None, "u\x01auth=Bearer x", "u\r\n"])
    def test_name_a_user_that_can_be_said(self, user):
        with pytest.raises(ConfigError):
            OAuth2(user, access_token="t")

    @pytest.mark.parametrize("token", ["t\x01", "t\r\n", "t t", "tök", "t\0"])
    def test_refuse_a_token_that_would_not_end_where_it_should(self, token):
        with pytest.raises(ConfigError, match="access_token") as caught:
            OAuth2("u", access_token=token)
        assert token not in str(caught.value)

    def test_want_a_key_that_signs(self, rsa_key):
        encrypted = rsa_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"p"),
        ).decode()
        for key in ("no key", encrypted, pem(ec.generate_private_key(ec.SECP256R1()))):
            with pytest.raises(ConfigError, match="private_key"):
                OAuth2("u", service_client="s", private_key=key)


class TestATokenThatWasGiven:
    def test_is_used_until_it_is_refused(self, drive):
        assert drive(tokens, OAuth2("u", access_token="t"), 3) == ["t"] * 3

    def test_is_not_used_when_it_has_expired(self, drive):
        with pytest.raises(AuthError, match="has expired") as caught:
            drive(tokens, OAuth2("u", access_token="t", expires=time() - 1))
        assert (caught.value.code, caught.value.stage) == ("EOAUTH2", Stage.AUTH)

    def test_is_not_used_again_when_it_was_refused(self, drive):
        auth = OAuth2("u", access_token="t")
        assert not auth.renewable
        with pytest.raises(AuthError, match="was refused"):
            drive(renewed, auth)


class TestAProvider:
    @pytest.mark.parametrize("kind", ["plain", "async", "object", "promise"])
    def test_may_be_plain_or_async(self, drive, kind):
        async def promise(renew):
            return "t", time() + 3600

        class Later:
            async def __call__(self, renew):
                return await promise(renew)

        provider = {
            "plain": lambda renew: ("t", time() + 3600),
            "async": promise,
            "object": Later(),
            "promise": lambda renew: promise(renew=renew),
        }[kind]
        assert drive(tokens, OAuth2("u", token_provider=provider), 2) == ["t", "t"]

    def test_is_told_whether_the_last_token_was_refused(self, drive):
        asked = []
        auth = OAuth2("u", token_provider=lambda renew: asked.append(renew) or f"t{len(asked)}")
        assert drive(renewed, auth) == ["t1", "t2"]
        assert asked == [False, True]

    @pytest.mark.parametrize(
        ("expires", "calls"),
        [
            (lambda: time() + 3600, 1),
            (lambda: datetime.now(UTC) + timedelta(hours=1), 1),
            (lambda: datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1), 1),
            (lambda: time() + 30, 3),
            (lambda: time() - 10, 3),
        ],
        ids=["in an hour", "as a datetime", "as google-auth says it", "within the skew", "in the past"],
    )
    def test_is_asked_again_when_its_token_is_about_to_expire(self, drive, expires, calls):
        asked = []
        auth = OAuth2("u", token_provider=lambda renew: asked.append(renew) or ("t", expires()))
        drive(tokens, auth, 3)
        assert asked == [False] * calls

    def test_is_asked_again_after_a_minute_if_it_says_nothing_of_expiry(self, drive):
        asked = []
        now = [1000.0]
        auth = OAuth2("u", token_provider=lambda renew: asked.append(renew) or "t")
        auth._tokens.clock = lambda: now[0]
        for now[0], calls in ((1000, 1), (1059, 1), (1061, 2)):
            drive(tokens, auth)
            assert len(asked) == calls

    def test_that_fails_is_named_with_its_reason(self, drive):
        def provider(renew):
            raise RuntimeError("consent was withdrawn")

        with pytest.raises(AuthError, match="RuntimeError: consent was withdrawn") as caught:
            drive(tokens, OAuth2("u", token_provider=provider))
        assert isinstance(caught.value.__cause__, RuntimeError)
        assert caught.value.code == "EOAUTH2"
        assert not caught.value.temporary

    def test_that_cannot_reach_its_server_may_be_tried_again(self, drive):
        def provider(renew):
            raise ConnectionRefusedError

        with pytest.raises(AuthError) as caught:
            drive(tokens, OAuth2("u", token_provider=provider))
        assert caught.value.temporary

    def test_is_asked_again_after_it_failed(self, drive):
        answers = [RuntimeError(), "t"]

        def provider(renew):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        auth = OAuth2("u", token_provider=provider)
        with pytest.raises(AuthError):
            drive(tokens, auth)
        assert drive(tokens, auth) == ["t"]

    @pytest.mark.parametrize("result", [None, "", 5, b"t", "t\n", ("t",), ("t", "soon"), (None, 5), ("t", True)])
    def test_that_returns_no_token_is_a_mistake(self, drive, result):
        with pytest.raises(ConfigError):
            drive(tokens, OAuth2("u", token_provider=lambda renew: result))


class TestARefreshToken:
    def test_is_traded_for_a_token_once(self, drive):
        with token_endpoint(GRANTED) as endpoint:
            assert drive(tokens, refreshing(endpoint.url), 3) == ["t1"] * 3
        assert endpoint.forms == [
            {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": CANARY}
        ]

    def test_is_not_needed_while_the_given_token_lasts(self, drive):
        with token_endpoint(GRANTED) as endpoint:
            auth = refreshing(endpoint.url, access_token="t0", expires=time() + 3600)
            assert drive(tokens, auth) == ["t0"]
            assert drive(renewed, auth) == ["t0", "t1"]
        assert len(endpoint.forms) == 1

    def test_is_replaced_where_the_endpoint_replaces_it(self, drive):
        with token_endpoint({**GRANTED, "refresh_token": "r2"}, {**GRANTED, "access_token": "t2"}) as endpoint:
            assert drive(renewed, refreshing(endpoint.url)) == ["t1", "t2"]
        assert [form["refresh_token"] for form in endpoint.forms] == [CANARY, "r2"]

    def test_of_an_application_without_a_secret(self, drive):
        with token_endpoint(GRANTED) as endpoint:
            drive(tokens, OAuth2("u", client_id="c", refresh_token="r", access_url=endpoint.url))
        assert "client_secret" not in endpoint.forms[0]

    @pytest.mark.parametrize(
        ("answer", "words", "temporary"),
        [
            (
                (400, {"error": "invalid_grant", "error_description": "Token was revoked."}),
                "invalid_grant: Token",
                False,
            ),
            ((401, {"error": "invalid_client"}), "invalid_client", False),
            ((503, b"<html>later</html>"), "no JSON object", True),
            ((429, {}), "none in its answer", True),
            ((200, b"[]"), "no JSON object", False),
            ((200, b"[" * 60_000), "no JSON object", False),
            ((200, {"access_token": 5}), "none in its answer", False),
            ((200, {"token_type": "Bearer"}), "none in its answer", False),
            ((302, b""), "no JSON object", False),
            ((400, {"error": "x" * 9999 + "\x1b"}), "xxx", False),
        ],
    )
    def test_that_yields_nothing_says_why(self, drive, answer, words, temporary):
        with token_endpoint(answer) as endpoint, pytest.raises(AuthError, match=words) as caught:
            drive(tokens, refreshing(endpoint.url))
        assert caught.value.code == "EOAUTH2"
        assert caught.value.temporary is temporary
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500

    def test_yields_only_tokens_that_can_be_said(self, drive):
        with token_endpoint({"access_token": "t\x01"}) as endpoint, pytest.raises(ConfigError):
            drive(tokens, refreshing(endpoint.url))

    def test_is_not_sent_to_whom_we_do_not_trust(self, drive):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        with (
            token_endpoint(GRANTED, tls=context) as endpoint,
            pytest.raises(AuthError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            drive(tokens, refreshing(endpoint.url, timeout=5))
        assert endpoint.forms == []

    def test_does_not_wait_for_ever(self, drive):
        with token_endpoint(GRANTED) as endpoint:
            endpoint.gate.clear()
            with pytest.raises(AuthError, match="TimeoutError") as caught:
                drive(tokens, refreshing(endpoint.url, timeout=0.05))
        assert caught.value.temporary

    @pytest.mark.parametrize("answer", [(400, {"error": "invalid_grant"}), (200, CANARY.encode()), None])
    def test_that_fails_shows_no_secret_in_any_frame(self, drive, answer):
        with token_endpoint(answer or GRANTED) as endpoint:
            if answer is None:
                endpoint.gate.clear()
            with pytest.raises(AuthError) as caught:
                drive(tokens, refreshing(endpoint.url, timeout=0.2))
        assert "grants.py" in shown(caught.value)
        assert CANARY not in shown(caught.value)


class TestAServiceAccount:
    def test_signs_what_it_asks_for(self, drive, rsa_key):
        with token_endpoint(GRANTED) as endpoint:
            auth = OAuth2(
                "u@example.com",
                service_client="robot@example.com",
                private_key=pem(rsa_key),
                access_url=endpoint.url,
                scope="mail",
            )
            assert drive(tokens, auth, 2) == ["t1", "t1"]
        (form,) = endpoint.forms
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        signed, _, signature = form["assertion"].rpartition(".")
        rsa_key.public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        assert header == {"alg": "RS256", "typ": "JWT"}
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("robot@example.com", "u@example.com", endpoint.url)
        assert claims["scope"] == "mail"
        assert claims["exp"] - claims["iat"] <= 3600
        assert abs(claims["iat"] - time()) < 60


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class TestTheTokenEvent:
    async def heard(self, runtime, auth):
        told = []
        for _ in range(2):
            await auth.token(runtime, announce=told.append)
        return told

    def test_tells_each_new_token_once(self, drive):
        expires = time() + 3600
        auth = OAuth2("u", token_provider=lambda renew: (CANARY, expires))
        (event,) = drive(self.heard, auth)
        assert dict(event) == {"user": "u", "access_token": CANARY, "expires": expires}
        assert CANARY not in repr(event)

    def test_tells_nothing_of_a_token_that_was_given(self, drive):
        assert drive(self.heard, OAuth2("u", access_token="t")) == []


def test_a_sealed_secret_is_taken_too():
    auth = OAuth2("u", client_id="c", refresh_token=Secret("r"))
    assert auth.refresh_token == Secret("r")


def test_a_copy_shares_the_token(drive):
    asked = []
    auth = OAuth2("u", token_provider=lambda renew: asked.append(renew) or ("t", time() + 3600))
    for each in (auth, copy.copy(auth), copy.deepcopy({"auth": auth})["auth"]):
        assert drive(tokens, each) == ["t"]
    assert asked == [False]
