"""Which replies mean "too many" or "too fast"."""

from __future__ import annotations

import pytest

from pymailer.errors import ConnectError, MailError
from pymailer.outcome import Reply, Stage
from pymailer_smtp_pool.throttle import REPLIES, Throttle, ThrottleReply, throttle_of


def said(code: int, text: str, stage: Stage) -> MailError:
    first = text.split(maxsplit=1)[0]
    enhanced = first if first.count(".") == 2 else None
    return MailError("refused", reply=Reply(code, enhanced, (text,)), stage=stage)


@pytest.mark.parametrize(
    ("code", "text", "stage"),
    [
        (421, "4.7.0 Too many connections", Stage.GREETING),
        (421, "Service not available, try again later", Stage.GREETING),
        (421, "4.4.5 Too many connections from your host", Stage.GREETING),
        (432, "4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending", Stage.AUTH),
        (454, "4.7.0 Temporary authentication failure", Stage.AUTH),
        (454, "4.7.0 Too many login attempts, please try again later", Stage.AUTH),
        (421, "4.3.2 too many concurrent sessions", Stage.MAIL),
        (432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Stage.FINAL),
    ],
)
def test_too_many_connections(code, text, stage):
    assert throttle_of(said(code, text, stage)) is Throttle.TOO_MANY


@pytest.mark.parametrize(
    ("code", "text", "stage"),
    [
        (454, "Throttling failure: Maximum sending rate exceeded.", Stage.FINAL),
        (451, "4.7.1 You are sending too fast, slow down", Stage.MAIL),
        (421, "4.7.28 Gmail has detected an unusual rate of mail from your address", Stage.MAIL),
        (451, "4.7.650 The mail server has been temporarily rate limited", Stage.MAIL),
        (450, "4.7.1 too many messages from you", Stage.RCPT),
        (550, "5.7.0 Requested action not taken: too many emails per second", Stage.DATA),
    ],
)
def test_too_fast(code, text, stage):
    assert throttle_of(said(code, text, stage)) is Throttle.TOO_FAST


@pytest.mark.parametrize(
    ("code", "text", "stage"),
    [
        (452, "4.5.3 Too many recipients", Stage.RCPT),
        (421, "4.7.0 Error: too many errors", Stage.RCPT),
        (421, "too many messages on this connection", Stage.MAIL),
        (454, "Throttling failure: Daily message quota exceeded.", Stage.FINAL),
        (450, "4.2.0 Greylisted, try again later, too many unknown senders", Stage.RCPT),
        (450, "4.2.1 The user you are trying to contact is receiving mail too quickly", Stage.RCPT),
        (450, "4.7.1 try again later", Stage.RCPT),
        (451, "4.3.0 local error", Stage.MAIL),
        (421, "4.4.2 idle for too long", Stage.MAIL),
        (535, "5.7.8 too many wrong passwords", Stage.AUTH),
        (554, "no SMTP service here", Stage.GREETING),
        (250, "2.0.0 not too fast at all", Stage.FINAL),
    ],
)
def test_no_throttle(code, text, stage):
    assert throttle_of(said(code, text, stage)) is None


def test_an_error_without_a_reply_is_none():
    assert throttle_of(ConnectError("refused", stage=Stage.CONNECT)) is None


def test_what_a_service_says_comes_first():
    own = ThrottleReply(meaning=Throttle.TOO_FAST, codes={552}, text=("hourly",))
    error = said(552, "5.7.0 Hourly allowance used up", Stage.MAIL)
    assert throttle_of(error) is None
    assert throttle_of(error, (own, *REPLIES)) is Throttle.TOO_FAST


def test_a_service_can_say_that_something_is_no_throttle_there():
    own = ThrottleReply(meaning=None, codes={454})
    assert throttle_of(said(454, "4.7.0 later", Stage.AUTH), (own, *REPLIES)) is None


def test_the_texts_of_the_table_are_in_lower_case():
    assert all(phrase == phrase.lower() for entry in REPLIES for phrase in entry.text)
