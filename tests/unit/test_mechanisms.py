"""Which mechanism is chosen, and how it is made."""

from __future__ import annotations

import pytest

from pymailer.errors import AuthError, ConfigError
from pymailer.oauth2 import OAuth2
from pymailer.outcome import Outcome, Stage
from pymailer.secret import Secret
from pymailer.smtp.auth import Auth, CustomMechanism
from pymailer.smtp.mechanisms import choose_mechanism, password_mechanism, token_mechanism
from pymailer.smtp.scram import ChannelBinding

PASSWORD = Auth("u", "p")
TOKEN = OAuth2("u", access_token="t")
EVERYTHING = (
    *("LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"),
    *("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "NTLM", "GSSAPI"),
)


def choose(offered, auth=PASSWORD, *, secure=True, loopback=False, allow_insecure=False, **options):
    return choose_mechanism(offered, auth, secure=secure, loopback=loopback, allow_insecure=allow_insecure, **options)


class TestTheStrongestThatFits:
    @pytest.mark.parametrize(
        ("offered", "chosen"),
        [
            (("LOGIN", "PLAIN"), "PLAIN"),
            (("LOGIN",), "LOGIN"),
            (("PLAIN", "CRAM-MD5"), "CRAM-MD5"),
            (("PLAIN", "CRAM-MD5", "SCRAM-SHA-1"), "SCRAM-SHA-1"),
            (("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"), "SCRAM-SHA-256"),
            (EVERYTHING, "SCRAM-SHA-256"),
        ],
    )
    def test_for_a_password(self, offered, chosen):
        assert choose(offered) == chosen

    def test_with_a_channel_binding(self):
        assert choose(EVERYTHING, can_bind=True) == "SCRAM-SHA-256-PLUS"

    @pytest.mark.parametrize(
        ("offered", "chosen"), [(("XOAUTH2", "PLAIN"), "XOAUTH2"), (("XOAUTH2", "OAUTHBEARER"), "OAUTHBEARER")]
    )
    def test_for_a_token(self, offered, chosen):
        assert choose(offered, TOKEN) == chosen

    def test_is_not_one_that_cannot_say_this_password(self):
        assert choose(("SCRAM-SHA-256", "PLAIN"), Auth("u", "p\tp")) == "PLAIN"

    @pytest.mark.parametrize(
        ("offered", "auth"), [(("NTLM", "GSSAPI"), PASSWORD), (("PLAIN",), TOKEN), (("XOAUTH2",), PASSWORD)]
    )
    def test_may_be_none(self, offered, auth):
        with pytest.raises(AuthError, match="none fits") as caught:
            choose(offered, auth)
        assert (caught.value.code, caught.value.stage) == ("EAUTH", Stage.AUTH)
        assert caught.value.outcome is Outcome.NOT_SENT


class TestNoLoginOffered:
    def test_is_never_passed_over(self):
        with pytest.raises(AuthError) as caught:
            choose(())
        assert caught.value.code == "ENOAUTH"

    def test_may_be_for_want_of_tls(self):
        with pytest.raises(AuthError, match="require_tls"):
            choose((), secure=False)


class TestWithoutTLS:
    @pytest.mark.parametrize(
        ("auth", "offered"),
        [
            (PASSWORD, ("PLAIN",)),
            (PASSWORD, ("LOGIN",)),
            (TOKEN, ("XOAUTH2",)),
            (TOKEN, ("OAUTHBEARER",)),
            (Auth("u", "p", CustomMechanism("X", print)), ("X",)),
        ],
    )
    def test_no_credentials_are_shown(self, auth, offered):
        with pytest.raises(AuthError, match="not encrypted"):
            choose(offered, auth, secure=False)

    def test_they_may_be_proved(self):
        assert choose(("PLAIN", "CRAM-MD5"), secure=False) == "CRAM-MD5"

    def test_a_mechanism_of_the_users_own_may_say_that_it_proves(self):
        assert choose(("X",), Auth("u", "p", CustomMechanism("X", print, plain_text=False)), secure=False) == "X"

    @pytest.mark.parametrize("leave", ["loopback", "allow_insecure"])
    def test_they_may_be_shown_with_leave(self, leave):
        assert choose(("PLAIN",), secure=False, **{leave: True}) == "PLAIN"


class TestAPinnedMechanism:
    def test_is_used_though_a_stronger_one_is_offered(self):
        assert choose(EVERYTHING, auth_method="LOGIN") == "LOGIN"
        assert choose(EVERYTHING, Auth("u", "p", "LOGIN")) == "LOGIN"

    def test_of_the_credentials_comes_first(self):
        assert choose(EVERYTHING, Auth("u", "p", "LOGIN"), auth_method="PLAIN") == "LOGIN"

    def test_is_not_replaced_by_a_weaker_one(self):
        with pytest.raises(AuthError, match="SCRAM-SHA-256"):
            choose(("PLAIN", "LOGIN"), auth_method="SCRAM-SHA-256")

    def test_is_no_leave_to_show_credentials(self):
        with pytest.raises(AuthError, match="not encrypted"):
            choose(("PLAIN", "CRAM-MD5"), auth_method="PLAIN", secure=False)

    def test_for_tokens_takes_no_password(self):
        with pytest.raises(ConfigError, match="OAuth2"):
            choose(EVERYTHING, auth_method="XOAUTH2")

    def test_for_passwords_says_nothing_about_tokens(self):
        assert choose(EVERYTHING, TOKEN, auth_method="LOGIN") == "OAUTHBEARER"
        assert choose(EVERYTHING, TOKEN, auth_method="XOAUTH2") == "XOAUTH2"


class TestMaking:
    BINDING = ChannelBinding("tls-unique", b"x")

    @pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
    def test_gives_the_mechanism_of_that_name(self, name):
        assert password_mechanism(name, PASSWORD, None, plus_offered=False).name == name

    def test_gives_the_mechanism_for_a_token(self):
        assert token_mechanism("XOAUTH2", "u", Secret("t"), "h", 25).name == "XOAUTH2"
        assert token_mechanism("OAUTHBEARER", "u", Secret("t"), "h", 25).name == "OAUTHBEARER"

    @pytest.mark.parametrize(
        ("name", "binding", "plus_offered", "header"),
        [
            ("SCRAM-SHA-256-PLUS", BINDING, True, b"p=tls-unique,,"),
            ("SCRAM-SHA-256", BINDING, False, b"y,,"),
            ("SCRAM-SHA-256", BINDING, True, b"n,,"),
            ("SCRAM-SHA-256", None, False, b"n,,"),
        ],
    )
    def test_says_what_it_knows_of_channel_bindings(self, name, binding, plus_offered, header):
        mechanism = password_mechanism(name, PASSWORD, binding, plus_offered=plus_offered)
        assert mechanism.initial().reveal().startswith(header + b"n=u,")

    def test_prepares_name_and_password_for_scram_only(self):
        auth = Auth("u\u00adser", "p\u00ad")
        assert b"n=user," in password_mechanism("SCRAM-SHA-1", auth, None, plus_offered=False).initial().reveal()
        assert "u\u00adser".encode() in password_mechanism("PLAIN", auth, None, plus_offered=False).initial().reveal()

    def test_refuses_what_scram_cannot_say(self):
        with pytest.raises(ConfigError):
            password_mechanism("SCRAM-SHA-1", Auth("u", "p\t"), None, plus_offered=False)

    def test_gives_a_mechanism_of_the_users_own_its_credentials(self, drive):
        auth = Auth("u", "p", CustomMechanism("X", lambda auth, challenge: auth.password.reveal().encode()))

        async def exchange(runtime):
            return await password_mechanism("X", auth, None, plus_offered=False).initial()

        assert drive(exchange) == Secret(b"p")
