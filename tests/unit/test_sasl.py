"""The small mechanisms, against the examples of their RFCs."""

from __future__ import annotations

import pytest

from pymailer.errors import ConfigError, ProtocolError
from pymailer.secret import Secret
from pymailer.smtp.sasl import CramMD5, Custom, Login, OAuthBearer, Plain, XOAuth2
from pymailer.smtp.saslprep import prepare

PASSWORD = Secret("tanstaaftanstaaf")
TOKEN = Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")


class TestPlain:
    def test_says_name_and_password_at_once(self):
        assert Plain("tim", PASSWORD).initial().reveal() == b"\0tim\0tanstaaftanstaaf"  # RFC 4616 4

    def test_says_them_in_utf_8(self):
        assert Plain("grün", Secret("ü")).initial().reveal() == "\0grün\0ü".encode()

    def test_has_no_more_to_say(self):
        with pytest.raises(ProtocolError):
            Plain("tim", PASSWORD).step(b"")


class TestLogin:
    def test_says_the_name_then_the_password(self):
        login = Login("tim", PASSWORD)
        assert login.initial() is None
        assert [login.step(b"Username:").reveal(), login.step(b"whatever").reveal()] == [b"tim", b"tanstaaftanstaaf"]

    def test_has_no_more_to_say(self):
        login = Login("tim", PASSWORD)
        login.step(b"")
        login.step(b"")
        with pytest.raises(ProtocolError):
            login.step(b"")


class TestCramMD5:
    CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"

    def test_proves_the_password(self):
        mechanism = CramMD5("tim", PASSWORD)
        assert mechanism.initial() is None
        assert mechanism.step(self.CHALLENGE).reveal() == b"tim b913a602c7eda7a495b4e6e7334d3890"  # RFC 2195 2

    def test_proves_it_once(self):
        mechanism = CramMD5("tim", PASSWORD)
        mechanism.step(self.CHALLENGE)
        with pytest.raises(ProtocolError):
            mechanism.step(self.CHALLENGE)


class TestTokens:
    def test_xoauth2(self):
        mechanism = XOAuth2("someuser@example.com", Secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"))
        assert mechanism.initial().reveal() == (
            b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
        )

    def test_oauthbearer(self):
        mechanism = OAuthBearer("user@example.com", TOKEN, "server.example.com", 143)
        assert mechanism.initial().reveal() == (  # RFC 7628 4.1
            b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
            b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        )

    def test_oauthbearer_escapes_what_would_end_the_name(self):
        assert OAuthBearer("a,b=c", TOKEN, "h", 1).initial().reveal().startswith(b"n,a=a=2Cb=3Dc,\x01")

    @pytest.mark.parametrize(
        ("mechanism", "answer"), [(XOAuth2("u", TOKEN), b""), (OAuthBearer("u", TOKEN, "h", 1), b"\x01")]
    )
    def test_a_complaint_is_kept_and_answered_once(self, mechanism, answer):
        assert mechanism.complaint() == ""
        assert mechanism.step(b'{"status":"401"}').reveal() == answer
        assert mechanism.complaint() == '{"status":"401"}'
        with pytest.raises(ProtocolError):
            mechanism.step(b"again")

    def test_a_complaint_shows_no_token_and_nothing_that_a_terminal_obeys(self):
        mechanism = XOAuth2("u", TOKEN)
        mechanism.step(TOKEN.reveal().encode() + b"\x1b[2J")
        assert mechanism.complaint() == r"***\x1b[2J"


class TestCustom:
    def test_asks_the_callable_plain_or_async(self, drive):
        def respond(challenge):
            return None if challenge is None else challenge.upper()

        async def respond_later(challenge):
            return respond(challenge)

        async def exchange(runtime, callable_):
            mechanism = Custom("X-UPPER", callable_)
            return await mechanism.initial(), (await mechanism.step(b"abc")).reveal()

        assert drive(exchange, respond) == drive(exchange, respond_later) == (None, b"ABC")

    def test_answers_nothing_with_nothing(self, drive):
        async def exchange(runtime):
            return (await Custom("X", lambda challenge: None).step(b"abc")).reveal()

        assert drive(exchange) == b""

    def test_takes_only_bytes_and_shows_nothing_else(self, drive):
        async def exchange(runtime):
            await Custom("X", lambda challenge: "S3cr3t!").initial()

        with pytest.raises(ConfigError, match="bytes or None, not str") as caught:
            drive(exchange)
        assert "S3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "mechanism",
    [Plain("u", PASSWORD), Login("u", PASSWORD), CramMD5("u", PASSWORD), XOAuth2("u", TOKEN)],
)
def test_no_mechanism_shows_what_it_holds(mechanism):
    assert "***" in repr(mechanism)
    assert PASSWORD.reveal() not in repr(mechanism)
    assert TOKEN.reveal() not in repr(mechanism)


class TestSaslprep:
    @pytest.mark.parametrize(
        ("text", "prepared"),
        [  # the first five: RFC 4013 3
            *(("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX")),
            *(("a\u00a0b", "a b"), ("u\u0308", "ü"), ("\u0627\u0628", "\u0627\u0628"), ("🔑", "🔑")),
        ],
    )
    def test_gives_the_form_that_is_hashed(self, text, prepared):
        assert prepare(Secret(text)) == Secret(prepared)

    @pytest.mark.parametrize("text", ["\x07", "a\r\n", "\u0627\u0031", "\u0627a\u0628", "\u00ad", "ü\x7f", "ü\ue000"])
    def test_gives_none_where_there_is_none(self, text):
        assert prepare(Secret(text)) is None
