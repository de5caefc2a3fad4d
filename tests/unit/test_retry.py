"""What is tried again, and what never is."""

from __future__ import annotations

import pytest

from pymailer.errors import (
    AuthError,
    ConnectionLostError,
    DeliveryUnknownError,
    EnvelopeError,
    MailTimeoutError,
    MessageError,
    PoolClosedError,
    PoolTimeoutError,
    ProtocolError,
    ReplyError,
)
from pymailer.outcome import Reply, Stage
from pymailer_smtp_pool.backoff import Backoff
from pymailer_smtp_pool.retry import RetryPolicy, hung_up_early
from tests.unit.fake_smtp import lost, refused, reply_error


def policy(most: int = 5, *, temporary: bool = False, unknown: bool = False) -> RetryPolicy:
    return RetryPolicy(most, temporary, unknown, Backoff(5.0, random=lambda: 1.0))


NOT_SENT_FOR_NOW = [
    lost(Stage.DATA),
    lost(Stage.BODY),
    MailTimeoutError("no reply", stage=Stage.RCPT),
    reply_error(421, "closing", Stage.MAIL),
]
FINAL = [
    reply_error(550, "no such user", Stage.RCPT),
    EnvelopeError("nobody to send to"),
    MessageError("cannot be read", stage=Stage.BODY),
    PoolClosedError("closed"),
    PoolTimeoutError("waited too long", stage=Stage.QUEUE),
    MailTimeoutError("no time", stage=Stage.QUEUE),
]


@pytest.mark.parametrize("error", NOT_SENT_FOR_NOW, ids=repr)
def test_what_is_proved_not_sent_is_tried_again(error):
    assert policy().delay(error, 0, connecting=False) == 0.1


@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_what_would_fail_again_is_not(error):
    assert policy(temporary=True, unknown=True).delay(error, 0, connecting=False) is None


def test_it_waits_longer_each_time():
    delays = [policy().delay(lost(Stage.DATA), retries, connecting=False) for retries in range(5)]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_it_ends():
    assert policy(most=2).delay(lost(Stage.DATA), 2, connecting=False) is None
    assert policy(most=0).delay(lost(Stage.DATA), 0, connecting=False) is None


def test_a_4xx_is_tried_again_only_where_that_is_asked_for():
    error = reply_error(451, "not now", Stage.MAIL)
    assert policy().delay(error, 0, connecting=False) is None
    assert policy(temporary=True).delay(error, 0, connecting=False) is not None


def test_a_5xx_never_is():
    error = reply_error(554, "never", Stage.FINAL)
    assert policy(temporary=True).delay(error, 0, connecting=False) is None


def test_what_may_have_been_delivered_is_tried_again_only_where_that_is_asked_for():
    error = DeliveryUnknownError("nobody can say", stage=Stage.FINAL)
    assert policy().delay(error, 0, connecting=False) is None
    assert policy(unknown=True).delay(error, 0, connecting=False) is not None


def test_a_conversation_out_of_step_gets_one_more_chance():
    error = ProtocolError("expected 354, got 250", stage=Stage.DATA)
    assert policy().delay(error, 0, connecting=False) is not None
    assert policy().delay(error, 1, connecting=False) is None


def test_a_server_that_is_none_gets_no_other_chance():
    error = ProtocolError("this is HTTP", stage=Stage.GREETING)
    assert policy().delay(error, 0, connecting=False) is None


def test_who_could_not_connect_goes_back_at_once_because_the_door_waits_for_all():
    assert policy().delay(refused(), 0, connecting=True) == 0.0
    assert policy(most=3).delay(refused(), 3, connecting=True) is None


class TestHangingUpEarly:
    def test_is_being_lost_at_mail(self):
        assert hung_up_early(lost(Stage.MAIL))

    def test_is_a_421_at_mail(self):
        assert hung_up_early(reply_error(421, "bye", Stage.MAIL))

    def test_is_a_timeout_that_crossed_our_mail(self):
        reply = Reply(451, "4.4.2", ("4.4.2 Timeout waiting for data from client",))
        assert hung_up_early(ReplyError("451", reply=reply, stage=Stage.MAIL))

    @pytest.mark.parametrize("stage", [Stage.RCPT, Stage.DATA, Stage.BODY])
    def test_is_not_later(self, stage):
        assert not hung_up_early(lost(stage))

    @pytest.mark.parametrize(
        "error",
        [
            reply_error(451, "not now", Stage.MAIL),
            MailTimeoutError("no reply", stage=Stage.MAIL),
            AuthError("530 log in first", stage=Stage.MAIL),
            DeliveryUnknownError("in one flight", stage=Stage.MAIL),
            ConnectionLostError("at the greeting", stage=Stage.GREETING),
        ],
        ids=repr,
    )
    def test_is_nothing_else(self, error):
        assert not hung_up_early(error)
