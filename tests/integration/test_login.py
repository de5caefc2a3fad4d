"""Logging in, against a server that does what a script says: what is said, what is not, and what is never shown."""

from __future__ import annotations

import base64
import logging
import socket

import pytest

from pymailer.errors import AuthError, ConfigError, ProtocolError
from pymailer.oauth2 import OAuth2
from pymailer.outcome import Outcome, Stage
from pymailer.smtp.auth import Auth, CustomMechanism
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from tests.faults import certificates, forged_scram, hear, on, reply
from tests.secrecy import shown

CANARY = "S3cr3t!canary"
USERS = {"me": CANARY}
ALL = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER")


async def log_in(runtime, server, auth=("me", CANARY), *, told=None, **options):
    connection = Connection(
        SMTPOptions(host="localhost", port=server.port, auth=auth, **options),
        lambda *event: None if told is None else told.append(event),
    )
    await connection.open(runtime)
    await connection.quit(runtime)


def said(server) -> list[str]:
    return [line.text for line in server.lines if not line.text.startswith(("EHLO", "QUIT"))]


class TestEachMechanism:
    @pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
    def test_for_a_password(self, drive, fault_server, name):
        server = fault_server(users=USERS, mechanisms=ALL)
        drive(log_in, server, Auth("me", CANARY, name))
        assert [(login.mechanism, login.user, login.accepted) for login in server.logins] == [(name, "me", True)]

    @pytest.mark.parametrize("name", ["XOAUTH2", "OAUTHBEARER"])
    def test_for_a_token(self, drive, fault_server, name):
        server = fault_server(users=USERS, mechanisms=(name,))
        drive(log_in, server, OAuth2("me", access_token=CANARY))
        assert server.logins[0].accepted

    def test_of_the_users_own(self, drive, fault_server):
        async def respond(auth, challenge):
            return None if challenge is None else auth.password.reveal().encode() + challenge

        server = fault_server(
            on("AUTH X-ECHO", reply("334 IQ=="), hear, reply("235 in")), users=USERS, mechanisms=("X-ECHO",)
        )
        drive(log_in, server, Auth("me", CANARY, CustomMechanism("X-ECHO", respond)))
        assert base64.b64decode(said(server)[1]) == CANARY.encode() + b"!"

    def test_the_strongest_is_used(self, drive, fault_server):
        server = fault_server(users=USERS, mechanisms=ALL)
        drive(log_in, server)
        assert server.logins[0].mechanism == "SCRAM-SHA-256"

    def test_an_answer_too_long_for_the_auth_line_goes_by_itself(self, drive, fault_server):
        token = "t" * 2000
        server = fault_server(users={"me": token}, mechanisms=("XOAUTH2",))
        drive(log_in, server, OAuth2("me", access_token=token))
        assert said(server)[0] == "AUTH XOAUTH2"
        assert server.logins[0].accepted

    def test_credentials_too_long_for_any_line_are_not_sent(self, drive, fault_server):
        server = fault_server(users=USERS, mechanisms=("PLAIN",))
        with pytest.raises(ConfigError, match="12288") as caught:
            drive(log_in, server, ("me", CANARY * 2000))
        assert CANARY not in shown(caught.value)


class TestARefusal:
    def test_says_who_refused_what_and_why(self, drive, fault_server):
        server = fault_server(users=USERS, mechanisms=("PLAIN",))
        with pytest.raises(AuthError, match=rf"localhost:{server.port} refused the login with PLAIN: 535") as caught:
            drive(log_in, server, ("me", "wrong"))
        error = caught.value
        assert (error.code, error.stage, error.command, error.outcome) == (
            "EAUTH",
            Stage.AUTH,
            "AUTH",
            Outcome.NOT_SENT,
        )
        assert error.reply.code == 535
        assert not error.temporary

    def test_for_now_is_temporary(self, drive, fault_server):
        server = fault_server(on("AUTH", reply("454 4.7.0 later")), users=USERS)
        with pytest.raises(AuthError) as caught:
            drive(log_in, server)
        assert caught.value.temporary

    @pytest.mark.parametrize("answer", ["250 fine", "354 go on", "334 !!!", "334 a", "334-YQ==\r\n334 YQ=="])
    def test_is_no_nonsense(self, drive, fault_server, answer):
        server = fault_server(on("AUTH", reply(*answer.split("\r\n")), hear), users=USERS, strict_client=False)
        with pytest.raises(ProtocolError):
            drive(log_in, server, Auth("me", CANARY, "CRAM-MD5"))

    def test_ends_an_exchange_without_end(self, drive, fault_server):
        rounds = [step for _ in range(50) for step in (reply("334 "), hear)]
        server = fault_server(on("AUTH", *rounds), users=USERS, mechanisms=("X",))
        auth = Auth("me", CANARY, CustomMechanism("X", lambda auth, challenge: b""))
        with pytest.raises(ProtocolError, match="on and on"):
            drive(log_in, server, auth)
        assert len(said(server)) < 20


class TestAServerThatDoesNotKnowThePassword:
    def test_is_found_out_by_scram(self, drive, fault_server):
        server = fault_server(on("AUTH SCRAM", forged_scram), users=USERS, mechanisms=("SCRAM-SHA-256",))
        with pytest.raises(AuthError, match="does not know the password"):
            drive(log_in, server)

    def test_cannot_just_say_yes(self, drive, fault_server):
        server = fault_server(on("AUTH", reply("235 welcome")), users=USERS, mechanisms=("SCRAM-SHA-256",))
        with pytest.raises(AuthError, match="without proving"):
            drive(log_in, server)


class TestARefusedToken:
    def provider(self, asked):
        def provide(renew):
            asked.append(renew)
            return CANARY if renew else "stale"

        return provide

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    def test_is_renewed_once_after_a_complaint(self, drive, fault_server, mechanism):
        asked, told = [], []
        server = fault_server(users=USERS, mechanisms=(mechanism,))
        drive(lambda runtime: log_in(runtime, server, OAuth2("me", token_provider=self.provider(asked)), told=told))
        assert asked == [False, True]
        assert [login.accepted for login in server.logins] == [False, True]
        assert [event[1]["access_token"] for event in told if event[0] == "token"] == ["stale", CANARY]

    def test_is_renewed_once_after_a_plain_refusal(self, drive, fault_server):
        asked = []
        server = fault_server(on("AUTH", reply("535 5.7.8 no"), times=1), users=USERS, mechanisms=("XOAUTH2",))
        drive(log_in, server, OAuth2("me", token_provider=self.provider(asked)))
        assert asked == [False, True]

    def test_is_not_renewed_twice(self, drive, fault_server):
        asked = []
        server = fault_server(on("AUTH", reply("535 5.7.8 no")), users=USERS, mechanisms=("XOAUTH2",))
        with pytest.raises(AuthError, match="535"):
            drive(log_in, server, OAuth2("me", token_provider=self.provider(asked)))
        assert asked == [False, True]

    def test_is_not_renewed_for_a_server_that_is_only_busy(self, drive, fault_server):
        asked = []
        server = fault_server(on("AUTH", reply("454 4.7.0 later")), users=USERS, mechanisms=("XOAUTH2",))
        with pytest.raises(AuthError):
            drive(log_in, server, OAuth2("me", token_provider=self.provider(asked)))
        assert asked == [False]

    def test_that_cannot_be_renewed_is_the_servers_last_word(self, drive, fault_server):
        server = fault_server(users=USERS, mechanisms=("XOAUTH2",))
        with pytest.raises(AuthError, match="401") as caught:
            drive(log_in, server, OAuth2("me", access_token="stale"))
        assert caught.value.code == "EAUTH"


TRUST = {"ca": certificates.authority_pem()}


class TestWithTLS:
    def test_a_channel_that_can_be_bound_is_mentioned_where_that_is_not_offered(self, drive, fault_server):
        server = fault_server(users=USERS, mechanisms=("SCRAM-SHA-256",), tls=certificates.good())
        drive(lambda runtime: log_in(runtime, server, require_tls=True, tls=TRUST))
        assert server.logins[0].accepted

    def test_the_password_goes_only_after_the_upgrade(self, drive, fault_server):
        server = fault_server(users=USERS, mechanisms=("PLAIN",), tls=certificates.good())
        drive(lambda runtime: log_in(runtime, server, require_tls=True, tls=TRUST))
        texts = [line.text.split()[0] for line in server.lines]
        assert texts == ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]


class TestNoSecretIsShown:
    @pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"])
    @pytest.mark.parametrize("refused", [False, True])
    def test_in_log_or_error(self, drive, fault_server, caplog, name, refused):
        caplog.set_level(logging.DEBUG)
        told = []
        server = fault_server(users={"me": "other" if refused else CANARY}, mechanisms=(name,))
        token = name in ("XOAUTH2", "OAUTHBEARER")
        auth = OAuth2("me", access_token=CANARY) if token else Auth("me", CANARY, name)
        try:
            drive(lambda runtime: log_in(runtime, server, auth, told=told, debug=True))
        except AuthError as error:
            told.append((shown(error),))
        everything = f"{told} {caplog.text}"
        assert f"AUTH {name}" in everything
        assert not any(form in everything for form in forms(server))

    @pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "XOAUTH2"])
    def test_though_the_server_quotes_it(self, drive, fault_server, caplog, name):
        def quote(conversation):
            if name == "LOGIN":
                conversation.challenge(b"Username:")
            words = conversation.heard.split()
            answer = words[2] if len(words) > 2 else asked(conversation)
            conversation.reply(f"500 5.5.2 unrecognized: {answer}")

        caplog.set_level(logging.DEBUG)
        told = []
        server = fault_server(on("AUTH", quote), users=USERS, mechanisms=(name,))
        auth = OAuth2("me", access_token=CANARY) if name == "XOAUTH2" else Auth("me", CANARY, name)
        with pytest.raises(AuthError, match=r"unrecognized: \*\*\*") as caught:
            drive(lambda runtime: log_in(runtime, server, auth, told=told, debug=True))
        everything = f"{told} {caplog.text} {shown(caught.value)}"
        assert not any(form in everything for form in forms(server))


def forms(server) -> list[str]:
    """The secret, and what the client said that holds it."""
    answers = [line.text.split()[-1] for line in server.lines if line.text]
    return [CANARY, base64.b64encode(CANARY.encode()).decode(), *(word for word in answers if len(word) > 20)]


def asked(conversation) -> str:
    """The client's next answer as it was said."""
    conversation.reply("334 UGFzc3dvcmQ6")
    return conversation.line()


def test_a_plain_text_login_over_a_socket_that_leads_to_this_machine_is_allowed(drive, fault_server):
    server = fault_server(users={"me": "right"}, mechanisms=("PLAIN",))

    async def go(runtime):
        sock = socket.create_connection((server.host, server.port))
        connection = Connection(SMTPOptions(host="localhost", socket=sock, auth=("me", "right")))
        await connection.open(runtime)
        await connection.quit(runtime)

    drive(go)
    assert server.logins[0].accepted
