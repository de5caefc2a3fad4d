"""What the replies of one transaction add up to, without any I/O."""

from __future__ import annotations

import pytest

from pymailer.errors import AuthError, EnvelopeError, ProtocolError, ReplyError
from pymailer.outcome import Outcome, Reply, Stage
from pymailer.smtp.transaction import Transaction

TWO = ("a@x.example", "b@x.example")


def begun(*recipients: str, lmtp: bool = False) -> Transaction:
    """A transaction with MAIL, a RCPT for each recipient, DATA and the message in flight."""
    transaction = Transaction("server:25", lmtp)
    transaction.expect(Stage.MAIL)
    for recipient in recipients:
        transaction.expect(Stage.RCPT, recipient)
    transaction.expect(Stage.DATA)
    transaction.expect(Stage.FINAL)
    return transaction


def hear(transaction: Transaction, *codes: int) -> Transaction:
    for code in codes:
        transaction.take(Reply(code, None, ("text",)))
    return transaction


def test_all_is_well():
    transaction = hear(begun(*TWO), 250, 250, 250, 354, 250)
    assert transaction.refusal() is None
    assert transaction.confirmed == list(TWO)
    assert transaction.awaited is None


def test_one_recipient_refused_leaves_the_other():
    transaction = hear(begun(*TWO), 250, 550, 250, 354, 250)
    assert transaction.refusal() is None
    assert transaction.accepted == ["b@x.example"]
    assert [error.recipient for error in transaction.refused] == ["a@x.example"]
    assert not transaction.refused[0].temporary


def test_a_temporary_refusal_of_one_recipient_is_temporary():
    transaction = hear(begun(*TWO), 250, 451, 250, 354, 250)
    assert transaction.refused[0].temporary


def test_all_recipients_refused():
    transaction = hear(begun(*TWO), 250, 550, 551, 554, 503)
    error = transaction.refusal()
    assert isinstance(error, EnvelopeError)
    assert (error.outcome, error.stage, len(error.rejected_errors)) == (Outcome.REJECTED, Stage.RCPT, 2)


@pytest.mark.parametrize(("code", "temporary"), [(451, True), (550, False)])
def test_the_sender_refused(code, temporary):
    error = hear(begun(*TWO), code, 503, 503, 503, 503).refusal()
    assert type(error) is ReplyError
    assert (error.outcome, error.stage, error.temporary, error.code) == ("rejected", "mail", temporary, "EENVELOPE")


@pytest.mark.parametrize("before", [(), (250,), (250, 250, 250)])
def test_a_421_before_the_message_means_not_sent_and_goodbye(before):
    transaction = hear(begun(*TWO), *before, 421)
    error = transaction.refusal()
    assert isinstance(error, ReplyError)
    assert error.outcome is Outcome.NOT_SENT
    assert transaction.dismissed


def test_a_421_instead_of_the_final_reply_means_rejected_for_now_and_goodbye():
    transaction = hear(begun(*TWO), 250, 250, 250, 354, 421)
    error = transaction.refusal()
    assert error is not None
    assert (error.outcome, error.stage, error.temporary) == (Outcome.REJECTED, Stage.FINAL, True)
    assert transaction.dismissed


def test_a_503_to_mail_means_that_we_are_out_of_step():
    transaction = hear(begun(*TWO), 503)
    assert isinstance(transaction.refusal(), ProtocolError)
    assert transaction.lost_step


@pytest.mark.parametrize("code", [530, 535])
def test_a_login_wanted_at_mail_is_an_auth_error(code):
    error = hear(begun(*TWO), code).refusal()
    assert isinstance(error, AuthError)
    assert error.outcome is Outcome.NOT_SENT


def test_a_250_to_data_is_nonsense():
    transaction = hear(begun(*TWO), 250, 250, 250, 250)
    assert isinstance(transaction.refusal(), ProtocolError)
    assert transaction.lost_step


def test_a_354_as_the_final_reply_is_nonsense():
    assert hear(begun(*TWO), 250, 250, 250, 354, 354).lost_step


@pytest.mark.parametrize("code", [452, 552])
def test_the_message_refused_after_data(code):
    error = hear(begun(*TWO), 250, 250, 250, 354, code).refusal()
    assert error is not None
    assert (error.outcome, error.stage, error.code) == (Outcome.REJECTED, Stage.FINAL, "EMESSAGE")


def test_a_go_ahead_although_everybody_was_refused_is_seen():
    transaction = begun(*TWO)
    hear(transaction, 250, 550, 550, 354)
    assert transaction.hopeless
    assert transaction.go_ahead


def test_recipients_that_are_only_too_many_go_in_another_transaction():
    transaction = begun(*TWO)
    transaction.take(Reply(250))
    transaction.take(Reply(250))
    transaction.take(Reply(452, "4.5.3", ("4.5.3 Too many recipients",)))
    assert transaction.overflow() == ("b@x.example",)


def test_lmtp_confirms_recipients_one_by_one():
    transaction = begun("a@x", "b@x", "c@x", lmtp=True)
    hear(transaction, 250, 250, 250, 250, 354, 250)
    assert transaction.awaited is Stage.FINAL
    hear(transaction, 450, 550)
    assert transaction.awaited is None
    assert transaction.confirmed == ["a@x"]
    assert [(error.recipient, error.temporary) for error in transaction.refused] == [("b@x", True), ("c@x", False)]


def test_lmtp_refusing_everybody_at_the_end_is_a_refusal():
    transaction = hear(begun("a@x", "b@x", lmtp=True), 250, 250, 250, 354, 550, 552)
    assert isinstance(transaction.refusal(), EnvelopeError)
    assert transaction.awaited is None
