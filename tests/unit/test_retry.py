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
from pymailer_smtp_pool.retry import THROTTLE_PATIENCE, Persistence, RetryPolicy, Trouble, hung_up_early
from pymailer_smtp_pool.throttle import Throttle
from tests.unit.fake_smtp import lost, refused, reply_error

NOW = 1_000.0


def persistence(most: int = 5, *, temporary: bool = False, unknown: bool = False, replacements: int = 2) -> Persistence:
    return Persistence(RetryPolicy(most, temporary, unknown, replacements, Backoff(5.0, random=lambda: 1.0)))


def delay(error, retries: int = 0, **policy) -> float | None:
    """What is said to this error on a connection, after so many others."""
    persistent = persistence(**policy)
    for _ in range(retries):
        persistent.delay(Trouble(lost(Stage.DATA), begun=True), NOW)
    return persistent.delay(Trouble(error, begun=True), NOW)


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
    assert delay(error) == 0.1


@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_what_would_fail_again_is_not(error):
    assert delay(error, temporary=True, unknown=True) is None


def test_it_waits_longer_each_time():
    assert [delay(lost(Stage.DATA), retries) for retries in range(5)] == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_it_ends():
    assert delay(lost(Stage.DATA), retries=2, most=2) is None
    assert delay(lost(Stage.DATA), most=0) is None


def test_a_4xx_is_tried_again_only_where_that_is_asked_for():
    error = reply_error(451, "not now", Stage.MAIL)
    assert delay(error) is None
    assert delay(error, temporary=True) is not None


def test_a_5xx_never_is():
    assert delay(reply_error(554, "never", Stage.FINAL), temporary=True) is None


def test_what_may_have_been_delivered_is_tried_again_only_where_that_is_asked_for():
    error = DeliveryUnknownError("nobody can say", stage=Stage.FINAL)
    assert delay(error) is None
    assert delay(error, unknown=True) is not None


def test_a_conversation_out_of_step_gets_one_more_chance():
    error = ProtocolError("expected 354, got 250", stage=Stage.DATA)
    assert delay(error) is not None
    assert delay(error, retries=1) is None


def test_a_server_that_is_none_gets_no_other_chance():
    assert delay(ProtocolError("this is HTTP", stage=Stage.GREETING)) is None


class TestWithoutAConnection:
    def test_a_message_goes_back_at_once_because_the_door_waits_for_all(self):
        assert persistence().delay(Trouble(refused(), begun=False), NOW) == 0.0

    def test_that_ends_too(self):
        persistent = persistence(most=1)
        persistent.delay(Trouble(refused(), begun=False), NOW)
        assert persistent.delay(Trouble(refused(), begun=False), NOW) is None

    @pytest.mark.parametrize("error", FINAL[3:], ids=repr)
    def test_what_the_pool_gave_up_is_given_up(self, error):
        assert persistence().delay(Trouble(error, begun=False), NOW) is None


class TestAConnectionThatWasTooOld:
    OLD = Trouble(lost(Stage.MAIL), begun=True, reused=True)

    def test_is_replaced_at_once_and_for_free(self):
        assert persistence(most=0).delay(self.OLD, NOW) == 0.0

    def test_is_replaced_only_so_often(self):
        persistent = persistence(most=0, replacements=2)
        assert [persistent.delay(self.OLD, NOW) for _ in range(3)] == [0.0, 0.0, None]

    def test_is_not_one_that_was_new(self):
        assert not Trouble(lost(Stage.MAIL), begun=True).stale

    def test_is_not_one_whose_server_complained(self):
        assert not Trouble(lost(Stage.MAIL), begun=True, reused=True, throttle=Throttle.TOO_FAST).stale


class TestAServerThatComplains:
    SLOW_DOWN = Trouble(reply_error(451, "too fast", Stage.MAIL), begun=True, throttle=Throttle.TOO_FAST)

    def test_is_waited_for_however_often(self):
        persistent = persistence(most=0)
        assert {persistent.delay(self.SLOW_DOWN, NOW) for _ in range(100)} == {0.0}

    def test_is_not_waited_for_without_end(self):
        persistent = persistence()
        persistent.delay(self.SLOW_DOWN, NOW)
        assert persistent.delay(self.SLOW_DOWN, NOW + THROTTLE_PATIENCE - 1) == 0.0
        assert persistent.delay(self.SLOW_DOWN, NOW + THROTTLE_PATIENCE) is None


@pytest.mark.parametrize(("stage", "read"), [(Stage.MAIL, False), (Stage.DATA, False), (Stage.BODY, True)])
def test_the_content_was_read_once_the_body_began(stage, read):
    assert Trouble(lost(stage), begun=True).body_read is read
    assert not Trouble(lost(stage), begun=False).body_read


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
