"""What comes back from a send, and what goes wrong: plain data that travels (API, sections 3 and 4)."""

from __future__ import annotations

import copy
import inspect
import json
import pickle

import attrs
import pytest

import pymailer
from pymailer import (
    CloseReport,
    CompiledMail,
    ConnectionLostError,
    Delivery,
    DeliveryUnknownError,
    Envelope,
    EnvelopeError,
    MailError,
    MailTimeoutError,
    Outcome,
    Reply,
    ReplyError,
    SentMessageInfo,
    Stage,
)
from pymailer.results import PoolStats

REPLY = Reply(250, "2.0.0", ("2.0.0 Ok: queued as 4XY", "twice"))
REFUSAL = ReplyError(
    "c@example.com was refused",
    code="EENVELOPE",
    stage="rcpt",
    reply=Reply(450, "4.2.1", ("4.2.1 mailbox full",)),
    command="RCPT",
    recipient="c@example.com",
)
INFO = SentMessageInfo(
    envelope=Envelope("a@example.com", ("b@example.com", "c@example.com")),
    message_id="<1@example.com>",
    outcome=Outcome.PARTIAL,
    accepted=("b@example.com",),
    rejected=("c@example.com",),
    rejected_errors=(REFUSAL,),
    response="2.0.0 Ok: queued as 4XY",
    reply=REPLY,
    server_message_id="4XY",
    message_size=321,
    envelope_time=0.1,
    message_time=0.2,
    attempts=2,
    connection_id="c1",
    message=b"From: a@example.com\r\n",
)
ERRORS = [kind for _, kind in inspect.getmembers(pymailer.errors, inspect.isclass) if issubclass(kind, MailError)]


class TestSentMessageInfo:
    def test_as_a_dict_is_ready_for_json(self) -> None:
        data = json.loads(json.dumps(INFO.to_dict()))
        assert data == {
            "envelope": {"from": "a@example.com", "to": ["b@example.com", "c@example.com"]},
            "message_id": "<1@example.com>",
            "outcome": "partial",
            "accepted": ["b@example.com"],
            "rejected": ["c@example.com"],
            "rejected_errors": [
                {
                    "message": "c@example.com was refused",
                    "code": "EENVELOPE",
                    "recipient": "c@example.com",
                    "stage": "rcpt",
                    "temporary": True,
                    "reply": {"code": 450, "enhanced": "4.2.1", "lines": ["4.2.1 mailbox full"]},
                }
            ],
            "response": "2.0.0 Ok: queued as 4XY",
            "reply": {"code": 250, "enhanced": "2.0.0", "lines": ["2.0.0 Ok: queued as 4XY", "twice"]},
            "server_message_id": "4XY",
            "message_size": 321,
            "queue_time": 0.0,
            "connect_time": 0.0,
            "envelope_time": 0.1,
            "message_time": 0.2,
            "attempts": 2,
            "connection_id": "c1",
            "message": "From: a@example.com\r\n",
        }

    @pytest.mark.parametrize("message", [None, b"\xff\x00", "text", {"a": 1}, iter([b"chunk"]), object()])
    def test_as_a_dict_is_ready_for_json_whatever_the_transport_returned(self, message) -> None:
        json.dumps(attrs.evolve(INFO, message=message).to_dict())

    def test_holds_all_that_the_contract_names(self) -> None:
        names = {field.name for field in attrs.fields(SentMessageInfo)}
        assert names >= {
            *("envelope", "message_id", "outcome", "accepted", "rejected", "rejected_errors", "response", "reply"),
            *("server_message_id", "message_size", "envelope_time", "message_time", "attempts", "connection_id"),
            "message",
        }

    def test_does_not_show_the_message(self) -> None:
        assert "From:" not in repr(INFO)

    def test_of_the_least_there_is_has_sensible_values(self) -> None:
        info = SentMessageInfo(Envelope("", ["b@example.com"]))
        assert (info.outcome, info.attempts, info.rejected) == (Outcome.ACCEPTED, 1, ())


@pytest.mark.parametrize(
    "value",
    [
        INFO,
        CompiledMail(INFO.envelope, "<1@example.com>", b"content", dsn=None, require_tls=True),
        Delivery({"subject": "Hi"}, info=INFO),
        CloseReport(3, ({"subject": "Hi"},), ()),
        PoolStats(connections=3),
        REPLY,
        INFO.envelope,
        Outcome.UNKNOWN,
        Stage.FINAL,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_result_pickles(value) -> None:
    again = pickle.loads(pickle.dumps(value))
    assert repr(again) == repr(value)
    if not isinstance(value, (SentMessageInfo, Delivery)):  # errors in it have an identity of their own
        assert again == value


@pytest.mark.parametrize("value", [INFO, INFO.envelope, REPLY, CloseReport(), Delivery("x"), PoolStats()], ids=str)
def test_a_result_is_frozen(value) -> None:
    name = attrs.fields(type(value))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, name, None)


class TestReply:
    def test_as_text(self) -> None:
        assert str(REPLY) == "250 2.0.0 Ok: queued as 4XY\ntwice"
        assert str(Reply(354)) == "354"

    @pytest.mark.parametrize(("code", "positive", "temporary"), [(250, True, False), (354, True, False)])
    def test_that_says_yes(self, code, positive, temporary) -> None:
        assert (Reply(code).positive, Reply(code).temporary) == (positive, temporary)

    @pytest.mark.parametrize(("code", "temporary"), [(421, True), (450, True), (550, False)])
    def test_that_says_no(self, code, temporary) -> None:
        assert (Reply(code).positive, Reply(code).temporary) == (False, temporary)


class TestDelivery:
    def test_with_a_result_is_ok(self) -> None:
        delivery = Delivery("given", info=INFO)
        assert (delivery.ok, delivery.outcome, delivery.message) == (True, Outcome.PARTIAL, "given")

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (DeliveryUnknownError("?"), Outcome.UNKNOWN),
            (REFUSAL, Outcome.REJECTED),
            (ZeroDivisionError(), Outcome.NOT_SENT),
        ],
        ids=repr,
    )
    def test_with_an_error_is_not_and_says_the_outcome(self, error, outcome) -> None:
        assert (Delivery("given", error=error).ok, Delivery("given", error=error).outcome) == (False, outcome)


class TestOutcome:
    def test_is_text(self) -> None:
        assert list(Outcome) == ["accepted", "partial", "rejected", "not_sent", "unknown"]

    def test_stages_are_text_in_the_order_of_a_delivery(self) -> None:
        assert " ".join(Stage) == "queue dns connect greeting ehlo starttls auth mail rcpt data body final"


class TestErrors:
    def test_there_are_those_of_the_contract(self) -> None:
        tree = {kind.__name__: kind.__bases__[0].__name__ for kind in ERRORS}
        assert tree == {
            "MailError": "Exception",
            "ConfigError": "MailError",
            "MessageError": "MailError",
            "AddressError": "MessageError",
            "EnvelopeError": "MailError",
            "ReplyError": "MailError",
            "AuthError": "ReplyError",
            "ProtocolError": "MailError",
            "ConnectError": "MailError",
            "TLSError": "ConnectError",
            "DNSError": "ConnectError",
            "ProxyError": "ConnectError",
            "ConnectionLostError": "MailError",
            "MailTimeoutError": "MailError",
            "DeliveryUnknownError": "MailError",
            "PoolError": "MailError",
            "PoolClosedError": "PoolError",
            "PoolTimeoutError": "PoolError",
            "QueueFullError": "PoolError",
        }

    @pytest.mark.parametrize(
        ("name", "builtin"),
        [
            ("ConfigError", ValueError),
            ("MessageError", ValueError),
            ("ConnectError", ConnectionError),
            ("ConnectionLostError", ConnectionError),
            ("MailTimeoutError", TimeoutError),
            ("PoolTimeoutError", TimeoutError),
        ],
    )
    def test_some_are_errors_of_python_as_well(self, name, builtin) -> None:
        assert issubclass(getattr(pymailer, name), builtin)

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("ConfigError", "ECONFIG"),
            ("MessageError", "EMESSAGE"),
            ("EnvelopeError", "EENVELOPE"),
            ("AuthError", "EAUTH"),
            ("ProtocolError", "EPROTOCOL"),
            ("ConnectError", "ECONNECTION"),
            ("TLSError", "ETLS"),
            ("DNSError", "EDNS"),
            ("ProxyError", "EPROXY"),
            ("ConnectionLostError", "ECONNECTION"),
            ("MailTimeoutError", "ETIMEDOUT"),
            ("DeliveryUnknownError", "EUNKNOWN"),
            ("PoolClosedError", "ECLOSED"),
        ],
    )
    def test_carry_nodemailers_name(self, name, code) -> None:
        assert getattr(pymailer, name)("x").code == code

    @pytest.mark.parametrize("kind", ERRORS)
    def test_carry_what_is_known_even_if_that_is_nothing(self, kind) -> None:
        error = kind("what happened")
        assert str(error) == "what happened"
        assert (error.stage, error.reply, error.command) == (None, None, None)
        assert isinstance(error.outcome, Outcome)
        assert isinstance(error.temporary, bool)

    @pytest.mark.parametrize("kind", ERRORS)
    def test_only_an_unknown_delivery_is_unknown(self, kind) -> None:
        assert (kind("x").outcome is Outcome.UNKNOWN) == (kind is DeliveryUnknownError)

    @pytest.mark.parametrize("kind", ERRORS)
    @pytest.mark.parametrize("travel", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
    def test_travel_with_all_they_carry(self, kind, travel) -> None:
        error = kind("x", code="EX", outcome="rejected", stage="rcpt", reply=REPLY, command="RCPT", temporary=True)
        error.add_note("a note")
        error.__cause__ = ConnectionLostError("lost", stage="final")
        again = travel(error)
        assert type(again) is kind
        assert vars(again) == vars(error)
        assert str(again) == "x"
        assert isinstance(again.__cause__, ConnectionLostError)
        assert again.__cause__.stage is Stage.FINAL

    def test_travel_with_a_cause_that_cannot(self) -> None:
        class StuckError(Exception):
            def __reduce__(self):
                raise TypeError("no")

        error = DeliveryUnknownError("x")
        error.__cause__ = StuckError("a socket")
        again = pickle.loads(pickle.dumps(error))
        assert str(again.__cause__) == "StuckError: a socket"

    def test_travel_with_the_errors_of_each_recipient(self) -> None:
        again = pickle.loads(pickle.dumps(EnvelopeError("all refused", rejected_errors=[REFUSAL])))
        assert again.rejected_errors[0].recipient == "c@example.com"
        assert again.rejected_errors[0].reply == REFUSAL.reply

    def test_a_reply_decides_whether_it_is_for_now(self) -> None:
        assert ReplyError("x", reply=Reply(450)).temporary
        assert not ReplyError("x", reply=Reply(550)).temporary
        assert MailTimeoutError("x").temporary

    def test_a_word_that_is_no_outcome_is_refused(self) -> None:
        with pytest.raises(ValueError, match="sent"):
            MailError("x", outcome="sent")
