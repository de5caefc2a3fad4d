"""TLS and AUTH: nothing goes on without them where they are asked for."""

from __future__ import annotations

import pytest

from pymailer import AuthError, EnvelopeError, OAuth2, ReplyError, TLSError
from tests.faults import certificates
from tests.interop.accounts import PASSWORD, TOKEN, USER
from tests.interop.capability import capability, mechanism
from tests.interop.dovecot import Dovecot, token_for
from tests.interop.test_content import fields

PASSWORDS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
TOKENS = ("XOAUTH2", "OAUTHBEARER")


@capability("STARTTLS")
def test_the_connection_is_upgraded(server, client):
    found, message = fields(subject="STARTTLS", text="x")
    sent = client.send(server.options, message, require_tls=True)
    assert sent.said("STARTTLS")
    assert len(sent.said("EHLO") + sent.said("LHLO")) == 2, "what was said before TLS does not count"
    assert server.stored(found)


@capability("STARTTLS")
def test_a_certificate_of_nobody_we_know_is_not_trusted(server, client):
    with pytest.raises(TLSError) as failure:
        client.verify(server.options, tls={"ca": certificates.stranger_pem()})
    assert failure.value.outcome == "not_sent"
    assert failure.value.stage == "starttls"


@capability("TLS from the start")
def test_tls_from_the_first_octet(server, client):
    found, message = fields(subject="TLS", text="x")
    sent = client.send(at_tls_port(server), message)
    assert not sent.said("STARTTLS")
    assert server.stored(found)


@capability("login required")
def test_without_the_login_that_is_required_nothing_is_sent(server, client):
    _, message = fields(subject="no login", text="x")
    with pytest.raises((ReplyError, EnvelopeError)) as refusal:
        client.send(at_tls_port(server) | {"auth": None}, message)
    assert refusal.value.outcome in {"rejected", "not_sent"}


@mechanism(*PASSWORDS)
def test_a_login_with_the_right_password(server, client, method):
    assert client.verify(server.options, auth=(USER, PASSWORD), auth_method=method)


@mechanism(*PASSWORDS)
def test_a_login_with_a_wrong_password(server, client, method):
    with pytest.raises(AuthError) as refusal:
        client.verify(server.options, auth=(USER, "wrong"), auth_method=method)
    assert refusal.value.reply.code == 535
    assert refusal.value.outcome == "not_sent"


@mechanism(*TOKENS)
def test_a_login_with_a_good_token(server, client, method):
    assert client.verify(server.options, auth=OAuth2(USER, access_token=good(server)), auth_method=method)


@mechanism(*TOKENS)
def test_a_login_with_a_token_that_is_not_good(server, client, method):
    with pytest.raises(AuthError) as refusal:
        client.verify(server.options, auth=OAuth2(USER, access_token="not.a.token"), auth_method=method)
    assert refusal.value.outcome == "not_sent"


def good(server) -> str:
    return token_for(USER) if isinstance(server.instance, Dovecot) else TOKEN


def at_tls_port(server):
    return {**server.options, "port": server.instance.tls_port, "secure": True, "auth": (USER, PASSWORD)}
