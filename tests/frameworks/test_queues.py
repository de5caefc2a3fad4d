"""One task, one delivery: what a worker does with a message, whatever the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pymailer import (
    AuthError,
    CompiledMail,
    ConfigError,
    ConnectionLostError,
    DeliveryUnknownError,
    EnvelopeError,
    MailError,
    MessageError,
    Outcome,
    ReplyError,
    SentMessageInfo,
    create_transport,
)
from pymailer.integrations.queues import divided, from_payload, to_payload
from pymailer.integrations.queues.once import Once, TryAgainError
from pymailer.integrations.queues.retries import LONGEST_SECONDS, QueuePolicy
from pymailer.outcome import Reply
from pymailer.runtime import Runtime
from pymailer.transports import memory
from tests.frameworks.ledgers import DictLedger

Drive = Callable[..., Any]


@pytest.fixture(scope="module")
def mail() -> CompiledMail:
    with create_transport(memory()) as mailer:
        return mailer.compile(
            {"from": "a@example.com", "to": ["b@example.com", "c@example.com"], "subject": "Hi", "text": "ü\r\n.\r\n"},
            dsn={"id": "42", "notify": ["FAILURE", "DELAY"], "return": "HDRS"},
            require_tls=True,
        )


class TestThePayload:
    def test_is_what_json_can_carry(self, mail: CompiledMail) -> None:
        assert from_payload(json.loads(json.dumps(to_payload(mail)))) == mail

    def test_of_a_plain_message_comes_back_too(self, mail: CompiledMail) -> None:
        with create_transport(memory()) as mailer:
            plain = mailer.compile({"raw": b"Subject: x\r\n\r\n\xff", "envelope": {"from": "", "to": "b@example.com"}})
        assert from_payload(to_payload(plain)) == plain

    @pytest.mark.parametrize(
        "change",
        [{"version": 2}, {"content": "no base64!"}, {"content": None}, {"dsn": {"notify": "SOMETIMES"}}, {"dsn": 3}],
    )
    def test_that_is_none_is_refused(self, change: dict[str, Any], mail: CompiledMail) -> None:
        with pytest.raises(MessageError):
            from_payload({**to_payload(mail), **change})

    def test_without_a_field_is_refused(self, mail: CompiledMail) -> None:
        for name in to_payload(mail):
            payload = to_payload(mail)
            del payload[name]
            with pytest.raises(MessageError):
                from_payload(payload)


class Sender:
    """Sends nothing, or fails with what it is given, plain or async as the colour asks."""

    def __init__(self, colour: str, failure: BaseException | None = None) -> None:
        self.sent: list[CompiledMail] = []
        self.failure = failure
        self.send = self._plain if colour == "sync" else self._async

    def _plain(self, mail: CompiledMail) -> SentMessageInfo:
        self.sent.append(mail)
        if self.failure is not None:
            raise self.failure
        return SentMessageInfo(mail.envelope, mail.message_id, accepted=mail.envelope.to)

    async def _async(self, mail: CompiledMail) -> SentMessageInfo:
        return self._plain(mail)


class TestADelivery:
    """Each test hands a task over once or several times, as a queue does whose workers die."""

    @pytest.fixture(autouse=True)
    def _prepare(self, drive: Drive, mail: CompiledMail) -> None:
        self.drive, self.mail = drive, mail
        self.ledger = DictLedger()
        self.told: list[MailError] = []

    def deliver(self, sender: Sender, retries: int = 0, **policy: Any) -> Any:
        once = Once(self.ledger, QueuePolicy(**policy), lambda _, error: self.told.append(error))

        async def run(_: Runtime) -> Any:
            return await once.deliver("task", self.mail, sender.send, retries)

        return self.drive(run)

    def sender(self, failure: BaseException | None = None) -> Sender:
        return Sender(self.drive.colour, failure)

    def test_gives_the_result_as_data(self) -> None:
        result = self.deliver(self.sender())
        assert (result["outcome"], result["accepted"]) == ("accepted", ["b@example.com", "c@example.com"])

    def test_that_is_settled_is_not_sent_again_and_gives_the_same_result(self) -> None:
        first = self.deliver(self.sender())
        again = self.sender()
        assert self.deliver(again) == first
        assert again.sent == []

    def test_that_a_worker_began_and_was_lost_with_is_unknown(self) -> None:
        self.ledger.begin("task")
        sender = self.sender()
        with pytest.raises(DeliveryUnknownError, match="lost"):
            self.deliver(sender)
        assert sender.sent == []
        assert [error.outcome for error in self.told] == [Outcome.UNKNOWN]

    def test_that_nobody_can_tell_of_is_told_and_stays_begun(self) -> None:
        with pytest.raises(DeliveryUnknownError):
            self.deliver(self.sender(DeliveryUnknownError("lost after the dot")))
        assert [str(error) for error in self.told] == ["lost after the dot"]
        assert self.ledger.noted == {"task": ""}

    def test_that_was_not_sent_is_tried_again(self) -> None:
        with pytest.raises(TryAgainError) as again:
            self.deliver(self.sender(ConnectionLostError("gone")))
        assert 0 < again.value.delay <= LONGEST_SECONDS
        assert self.deliver(self.sender())["outcome"] == "accepted"

    def test_that_was_not_sent_too_often_fails(self) -> None:
        with pytest.raises(ConnectionLostError):
            self.deliver(self.sender(ConnectionLostError("gone")), retries=3, most=3)
        assert self.ledger.noted == {}

    def test_that_was_interrupted_before_it_was_sent_may_begin_again(self) -> None:
        interruption = KeyboardInterrupt()
        interruption.outcome = Outcome.NOT_SENT
        with pytest.raises(KeyboardInterrupt):
            self.deliver(self.sender(interruption))
        assert self.ledger.noted == {}

    def test_that_was_interrupted_nobody_knows_where_stays_begun(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.deliver(self.sender(KeyboardInterrupt()))
        assert self.ledger.noted == {"task": ""}

    def test_does_not_begin_without_the_ledger(self) -> None:
        self.ledger.down = True
        sender = self.sender()
        with pytest.raises(TryAgainError, match="ledger"):
            self.deliver(sender)
        with pytest.raises(MailError, match="ledger"):
            self.deliver(sender, retries=10)
        assert sender.sent == []

    def test_is_a_success_also_if_the_ledger_cannot_note_it(self) -> None:
        sender = self.sender()
        plain = sender.send
        sender.send = lambda mail: (setattr(self.ledger, "down", True), plain(mail))[1]
        assert self.deliver(sender)["outcome"] == "accepted"

    def test_is_no_matter_of_a_hook_that_fails(self) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("in the hook")

        once = Once(self.ledger, QueuePolicy(), fail)
        sender = self.sender(DeliveryUnknownError("lost"))

        async def run(_: Runtime) -> Any:
            return await once.deliver("task", self.mail, sender.send, 0)

        with pytest.raises(DeliveryUnknownError, match="lost"):
            self.drive(run)


TEMPORARY = ReplyError("later", reply=Reply(450))


class TestThePolicy:
    @pytest.mark.parametrize(
        "error",
        [ConnectionLostError("gone"), AuthError("wrong password"), MailError("closed", outcome="not_sent")],
    )
    def test_tries_again_what_was_not_sent(self, error: MailError) -> None:
        assert QueuePolicy().delay(error, 0) is not None

    @pytest.mark.parametrize(
        "error",
        [
            MessageError("no readable header"),
            EnvelopeError("no recipients"),
            ConfigError("no such host"),
            ReplyError("no such user", reply=Reply(550)),
            TEMPORARY,
            DeliveryUnknownError("lost"),
        ],
    )
    def test_leaves_the_rest_alone(self, error: MailError) -> None:
        assert QueuePolicy().delay(error, 0) is None

    def test_tries_again_what_the_user_allowed(self) -> None:
        assert QueuePolicy(temporary=True).delay(TEMPORARY, 0) is not None
        assert QueuePolicy(unknown=True).delay(DeliveryUnknownError("lost"), 0) is not None

    def test_waits_longer_each_time_and_never_too_long(self) -> None:
        delays = [QueuePolicy(most=100).delay(ConnectionLostError("gone"), retries) for retries in range(60)]
        assert delays[0] <= 5
        assert delays[4] > delays[0]
        assert max(delays) <= LONGEST_SECONDS


class TestSharing:
    def test_divides_connections_and_leaves_one_at_least(self) -> None:
        assert divided({"host": "h", "max_connections": 10}, 4) == {"host": "h", "max_connections": 2}
        assert divided({"max_connections": 3}, 8) == {"max_connections": 1}

    def test_divides_a_rate(self) -> None:
        assert divided({"rate_limit": 100}, 10) == {"rate_limit": 10, "rate_delta": 1.0}

    def test_makes_the_window_longer_where_there_are_more_processes_than_messages(self) -> None:
        share = divided({"rate_limit": 2, "rate_delta": timedelta(seconds=3)}, 8)
        assert share == {"rate_limit": 1, "rate_delta": 12.0}

    @pytest.mark.parametrize("processes", [1, 2, 3, 7, 16])
    def test_never_allows_more_than_the_whole(self, processes: int) -> None:
        for total in range(1, 40):
            share = divided({"rate_limit": total, "rate_delta": 1.0}, processes)
            assert processes * share["rate_limit"] / share["rate_delta"] <= total + 1e-9

    @pytest.mark.parametrize("processes", [0, -1, True, 1.5])
    def test_needs_a_number_of_processes(self, processes: Any) -> None:
        with pytest.raises(ConfigError):
            divided({}, processes)
