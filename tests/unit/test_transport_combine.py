"""Transports made of transports: who is tried, who never is, who rests, and what is known at the end."""

from __future__ import annotations

import pickle
from collections import Counter

import attrs
import pytest

from pymailer.errors import (
    AuthError,
    ConfigError,
    ConnectError,
    DeliveryUnknownError,
    EnvelopeError,
    MailError,
    MailTimeoutError,
    MessageError,
    PoolClosedError,
    ReplyError,
)
from pymailer.outcome import Outcome, Reply, Stage
from pymailer.results import CloseReport, SentMessageInfo
from pymailer.runtime.blocking import BlockingRuntime
from pymailer.transports import failover, memory, round_robin, smtp
from tests.mails import CONTENT, make_mail

DOWN = ConnectError("mail.example.com:25 is down", stage=Stage.CONNECT)
LATER = ReplyError("later", reply=Reply(451, "4.3.0", ("later",)), stage=Stage.MAIL)
NEVER = ReplyError("never", reply=Reply(550, "5.1.1", ("never",)), stage=Stage.RCPT)
UNKNOWN = DeliveryUnknownError("lost", stage=Stage.FINAL)


class Clock(BlockingRuntime):
    """A runtime whose clock the test sets."""

    time = 1000.0

    def now(self) -> float:
        return self.time


@attrs.define
class Figures:
    connections: int = 0
    sent: int = 0


class Plain:
    """A plain transport of somebody else's, with all that is optional."""

    name, version, max_connections = "Plain", "1", 3

    def __init__(self, *, idle: bool = True, broken: Exception | None = None) -> None:
        self.idle, self.broken, self.seen = idle, broken, []

    def send(self, mail):
        self.seen.append(mail.message.as_bytes())
        return SentMessageInfo(mail.envelope, accepted=mail.envelope.to)

    def verify(self, runtime):
        if self.broken:
            raise self.broken
        return True

    def close(self, runtime, *, drain, timeout):
        self.seen.append((drain, timeout))
        if self.broken:
            raise self.broken
        return CloseReport(sent=2, unknown=("m",))

    def is_idle(self):
        return self.idle

    def stats(self):
        return Figures(1, 2)

    def on(self, event, callback):
        self.seen.append(event)
        return lambda: self.seen.append("ended")


def sending(transport, *chunks: bytes, **options):
    async def send(runtime):
        return await transport.send(make_mail(runtime, *chunks, **options))

    return send


def ends(drive, transport, **options) -> MailError:
    with pytest.raises(MailError) as caught:
        drive(sending(transport, **options))
    return caught.value


# --- who is tried ----------------------------------------------------------------------------------------------------


def test_the_first_that_works_sends_it(drive) -> None:
    first, second = memory(), memory()
    info = drive(sending(failover([first, second])))
    assert (len(first.messages), len(second.messages), info.attempts) == (1, 0, 1)


@pytest.mark.parametrize(
    "error",
    [
        DOWN,
        LATER,
        AuthError("wrong password"),
        PoolClosedError("closed"),
        MailTimeoutError("slow", stage=Stage.GREETING),
    ],
)
def test_what_is_not_sent_or_refused_for_now_goes_on(drive, error) -> None:
    second = memory()
    info = drive(sending(failover([memory(fail_with=error), second])))
    assert [message.content for message in second.messages] == [CONTENT]
    assert info.attempts == 2


@pytest.mark.parametrize("error", [UNKNOWN, NEVER, MessageError("unreadable", code="ESTREAM", stage=Stage.BODY)])
def test_what_may_be_delivered_is_refused_for_good_or_unreadable_does_not(drive, error) -> None:
    second = memory()
    caught = ends(drive, failover([memory(fail_with=error), second]))
    assert caught is error
    assert second.messages == []


def test_an_error_that_proves_nothing_does_not_go_on(drive) -> None:
    second = memory()
    with pytest.raises(RuntimeError):
        drive(sending(failover([memory(fail_with=RuntimeError("a bug")), second])))
    assert second.messages == []


def test_a_message_that_can_be_read_once_only_does_not_go_on_after_its_first_octet(drive) -> None:
    lost = ReplyError("full", reply=Reply(452), stage=Stage.FINAL)
    assert ends(drive, failover([memory(fail_with=lost), memory()]), replayable=False) is lost
    second = memory()
    drive(sending(failover([memory(fail_with=DOWN), second]), replayable=False))
    assert len(second.messages) == 1


def test_time_that_is_up_ends_the_search() -> None:
    runtime, second = Clock(), memory()
    with pytest.raises(ConnectError):
        failover([memory(fail_with=DOWN), second]).send(make_mail(runtime, deadline=runtime.time)).send(None)
    assert second.messages == []


def test_a_plain_transport_is_a_member_too(drive) -> None:
    plain = Plain()
    drive(sending(failover([memory(fail_with=DOWN), plain])))
    assert plain.seen == [CONTENT]


def test_members_are_whatever_the_front_door_takes() -> None:
    transport = failover([{"host": "mail.example.com"}, "smtps://other.example.com", smtp(), failover(["memory:"])])
    assert [member.name for member in transport._members] == ["SMTP", "SMTP", "SMTP", "Failover"]


@pytest.mark.parametrize("given", [[], [None], ["nonsense://"], "smtp://a.example.com", None])
def test_what_is_no_list_of_transports_is_refused(given) -> None:
    with pytest.raises(ConfigError):
        failover(given)


def test_a_rest_that_looks_like_milliseconds_is_refused() -> None:
    with pytest.raises(ConfigError, match="milliseconds"):
        round_robin([memory()], retry_after=60_000)


# --- who rests -------------------------------------------------------------------------------------------------------


def finish(coroutine):
    """The result of a coroutine that does not wait, or its error."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waited")


def test_a_member_that_failed_rests_until_its_time() -> None:
    runtime, first, second = Clock(), memory(fail_with=DOWN), memory()
    transport = failover([first, second], retry_after=30)
    finish(transport.send(make_mail(runtime)))
    first.fail_with = None
    runtime.time += 29
    finish(transport.send(make_mail(runtime)))
    assert (len(first.messages), len(second.messages)) == (0, 2)
    runtime.time += 2
    finish(transport.send(make_mail(runtime)))
    assert (len(first.messages), len(second.messages)) == (1, 2)


def test_where_all_rest_the_one_that_rests_longest_already_is_tried_first() -> None:
    runtime, members = Clock(), [memory(fail_with=DOWN), memory(fail_with=LATER)]
    transport = failover(members, retry_after=30)
    with pytest.raises(MailError):
        finish(transport.send(make_mail(runtime)))
    members[0].fail_with = None
    finish(transport.send(make_mail(runtime)))
    assert len(members[0].messages) == 1


def test_a_member_that_only_lacks_an_extension_does_not_rest() -> None:
    runtime, first = Clock(), memory(fail_with=EnvelopeError("needs SMTPUTF8", stage=Stage.MAIL))
    transport = failover([first, memory()])
    finish(transport.send(make_mail(runtime)))
    first.fail_with = None
    finish(transport.send(make_mail(runtime)))
    assert len(first.messages) == 1


# --- in turn ---------------------------------------------------------------------------------------------------------


def test_round_robin_takes_turns(drive) -> None:
    members = [memory(), memory(), memory()]
    transport = round_robin(members)

    async def send(runtime):
        for _ in range(7):
            await transport.send(make_mail(runtime))

    drive(send)
    assert [len(member.messages) for member in members] == [3, 2, 2]


def test_the_share_of_one_that_rests_is_shared(drive) -> None:
    members = [memory(), memory(fail_with=DOWN), memory()]
    transport = round_robin(members)

    async def send(runtime):
        for _ in range(9):
            await transport.send(make_mail(runtime))

    drive(send)
    shares = Counter({index: len(member.messages) for index, member in enumerate(members)})
    assert shares.total() == 9
    assert abs(shares[0] - shares[2]) <= 1


# --- what is known at the end ----------------------------------------------------------------------------------------


def test_the_error_of_each_member_is_kept(drive) -> None:
    error = ends(drive, failover([memory(fail_with=LATER), memory(fail_with=DOWN)]))
    assert isinstance(error, ConnectError)
    assert error.errors == (LATER, DOWN)
    assert error.__cause__ is DOWN
    assert "later" in str(error)
    assert "is down" in str(error)
    assert (error.outcome, error.temporary) == (Outcome.NOT_SENT, True)
    assert DOWN.errors == (), "an error of a member was changed"


def test_an_error_that_ends_the_search_tells_what_went_before(drive) -> None:
    error = ends(drive, failover([memory(fail_with=DOWN), memory(fail_with=UNKNOWN), memory()]))
    assert isinstance(error, DeliveryUnknownError)
    assert error.errors == (DOWN, UNKNOWN)


def test_the_errors_survive_a_queue(drive) -> None:
    error = pickle.loads(pickle.dumps(ends(drive, failover([memory(fail_with=LATER), memory(fail_with=DOWN)]))))
    assert [str(each) for each in error.errors] == [str(LATER), str(DOWN)]


# --- what a mailer may ask besides -----------------------------------------------------------------------------------


def test_one_member_that_works_is_enough_to_verify(drive) -> None:
    assert drive(failover([Plain(broken=DOWN), Plain(), memory()]).verify) is True


def test_verify_fails_where_every_member_does(drive) -> None:
    with pytest.raises(ConnectError) as caught:
        drive(failover([Plain(broken=DOWN), Plain(broken=DOWN)]).verify)
    assert caught.value.errors == (DOWN, DOWN)


def test_close_reaches_every_member_and_adds_up(drive) -> None:
    members = [Plain(), memory(), Plain()]

    async def close(runtime):
        return await failover(members).close(runtime, drain=False)

    assert drive(close) == CloseReport(sent=4, unknown=("m", "m"))
    assert members[0].seen == members[2].seen == [(False, None)]


def test_a_member_that_cannot_be_closed_does_not_keep_the_others_open(drive) -> None:
    members = [Plain(broken=OSError("stuck")), Plain()]
    with pytest.raises(ExceptionGroup, match="not every transport"):
        drive(failover(members).close)
    assert members[1].seen == [(True, None)]


def test_idle_while_any_member_is() -> None:
    assert failover([Plain(idle=False), Plain()]).is_idle()
    assert not failover([Plain(idle=False)]).is_idle()


def test_figures_add_up() -> None:
    assert failover([Plain(), memory(), Plain()]).stats() == Figures(2, 4)
    assert failover([memory()]).stats() is None


def test_connections_add_up_where_they_are_used_together() -> None:
    assert failover([Plain(), memory()]).max_connections == 3
    assert round_robin([Plain(), memory()]).max_connections == 4


def test_listening_reaches_every_member_and_ends() -> None:
    members = [Plain(), memory(), Plain()]
    failover(members).on("idle", print)()
    assert members[0].seen == members[2].seen == ["idle", "ended"]
