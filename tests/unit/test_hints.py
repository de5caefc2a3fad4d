"""The likely cause of an error, where one is known."""

from __future__ import annotations

import pytest

from pymailer.errors import ConnectionLostError, MailTimeoutError, ProtocolError
from pymailer.outcome import Reply, Stage
from pymailer.smtp.hints import explain_greeting, explain_refusal


@pytest.mark.parametrize(
    ("heard", "hint"),
    [
        (b"\x16\x03\x01\x02\x00", "secure=True"),
        (b"\x15\x03\x01\x00\x02\x02\x0a", "secure=True"),
        (b"HTTP/1.1 400 Bad Request\r\n", "web server, not an SMTP server"),
        (b"<!DOCTYPE html>", "web server, not an SMTP server"),
        (b"SSH-2.0-OpenSSH_9\r\n", "SSH server"),
        (b"+OK POP3 ready\r\n", "POP3"),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
    ],
)
def test_a_banner_says_what_the_server_is(heard, hint):
    explained = explain_greeting(ProtocolError("nonsense", stage=Stage.GREETING), heard, 587, secure=False)
    assert hint in str(explained)
    assert explained.stage is Stage.GREETING


@pytest.mark.parametrize("error", [MailTimeoutError("silence"), ConnectionLostError("gone")])
def test_silence_on_465_is_a_server_that_waits_for_tls(error):
    assert "secure=True" in str(explain_greeting(error, b"", 465, secure=False))


@pytest.mark.parametrize(("port", "secure"), [(465, True), (25, False), (587, False)])
def test_silence_elsewhere_has_no_likely_cause(port, secure):
    assert str(explain_greeting(MailTimeoutError("silence"), b"", port, secure=secure)) == "silence"


def test_the_explained_error_is_another_object_of_the_same_kind():
    error = ProtocolError("nonsense")
    explained = explain_greeting(error, b"", 25, secure=False)
    assert type(explained) is ProtocolError
    assert explained is not error


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("5.7.9 Application-specific password required", "app password"),
        ("5.7.30 Basic authentication is not supported for Client Submission.", "OAuth2"),
        ("5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", "switched off"),
        ("5.7.8 Username and Password not accepted. For more information, go to", "app password"),
        ("5.7.0 Must issue a STARTTLS command first", "require_tls"),
    ],
)
def test_a_providers_refusal_is_explained(text, hint):
    assert hint in explain_refusal(Reply(535, None, (text,)))


def test_an_ordinary_refusal_explains_itself():
    assert explain_refusal(Reply(535, "5.7.8", ("5.7.8 authentication failed",))) == ""
