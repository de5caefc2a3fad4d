"""Whole conversations from their transcripts, without a server or a clock; the same however the octets are cut."""

from __future__ import annotations

import pytest

from pymailer import DeliveryUnknownError, Envelope, EnvelopeError, MailTimeoutError, Message
from pymailer.message.composed import ComposedMessage
from pymailer.runtime import run
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from pymailer.transport import Mail
from tests.faults.replay import SPLITS, ScriptedRuntime
from tests.faults.transcript import transcript

CONTENT = b"Subject: x\r\n\r\n.dot\r\nlast\r\n"


async def converse(runtime, recipients, options):
    """Open, send one message, and say goodbye."""
    connection = Connection(SMTPOptions(host="mx.test", socket=runtime.socket, name="client.test", **options))
    await connection.open(runtime)
    message = ComposedMessage.from_bytes(CONTENT, "<id@example.com>")
    mail = Mail(Message(raw=CONTENT), runtime, message=message, envelope=Envelope("a@example.com", recipients))
    try:
        return await connection.send(runtime, mail)
    finally:
        await connection.quit(runtime, runtime.now() + 1)


@pytest.fixture(params=SPLITS)
def play(request):
    def play(name, *recipients, **options):
        with ScriptedRuntime(transcript(name), request.param) as runtime:
            return run(converse(runtime, recipients or ("b@example.com",), options))

    return play


@pytest.mark.parametrize(
    "name", ["classic", "pipelined", "chunked", "helo", "many-lines", "slow-greeting", "slow-verdict"]
)
def test_a_conversation_that_ends_well(play, name):
    info = play(name)
    assert info.outcome == "accepted"
    assert info.accepted == ("b@example.com",)


def test_each_recipient_of_lmtp_has_its_own_answer(play):
    info = play("lmtp", "b@example.com", "c@example.com", "d@example.com", lmtp=True)
    assert (info.outcome, info.accepted) == ("partial", ("b@example.com",))
    assert [error.temporary for error in info.rejected_errors] == [True, False]


def test_a_body_is_never_sent_when_everybody_was_refused(play):
    with pytest.raises(EnvelopeError) as refusal:
        play("all-refused")
    assert refusal.value.outcome == "rejected"


def test_after_the_dot_a_lost_connection_leaves_nobody_who_can_say(play):
    with pytest.raises(DeliveryUnknownError) as loss:
        play("lost-after-the-dot")
    assert loss.value.stage == "final"


def test_after_ten_minutes_without_a_verdict_nobody_can_say(play):
    with pytest.raises(DeliveryUnknownError) as silence:
        play("late-verdict")
    assert isinstance(silence.value.__cause__, TimeoutError)


def test_a_deadline_is_for_the_whole_reply_not_for_its_next_octet(play):
    with pytest.raises(MailTimeoutError) as silence:
        play("endless-greeting")
    assert silence.value.stage == "greeting"
