"""Several messages under way on one connection, and what a lost connection means for each of them."""

from __future__ import annotations

from typing import Any

import pytest

from pymailer import ConnectionLostError, DeliveryUnknownError, EnvelopeError, Outcome, ReplyError
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from pymailer.smtp.overlap import Overlap
from tests.faults import EXTENSIONS, Gate, at, commit, drop, hold, on, proceed, reply
from tests.integration.test_connection_faults import CHUNKING, mail_for

DIALOGUES = {"whole messages ahead": CHUNKING, "the next envelope with the dot": EXTENSIONS}


async def opened(runtime: Any, server: Any) -> Connection:
    connection = Connection(SMTPOptions(host="localhost", port=server.port))
    await connection.open(runtime)
    return connection


async def send_all(runtime: Any, server: Any, mails: list[Any], depth: int = 16) -> tuple[list[Any], bool]:
    """Send in order, as many ahead as fit; what came of each, and whether the connection goes on."""
    connection = await opened(runtime, server)
    overlap = Overlap(connection, runtime, depth)
    settled: list[Any] = []
    waiting = list(mails)
    while waiting or overlap:
        while waiting and overlap.takes(waiting[0]):
            await overlap.begin(waiting.pop(0))
        if not overlap:
            break
        settled.append(await overlap.settle())
    usable = connection.usable
    connection.close()
    return settled, usable


def numbered(runtime: Any, count: int) -> list[Any]:
    return [mail_for(runtime, f"r{number}@x.example") for number in range(count)]


def outcomes(settled: list[Any]) -> list[str]:
    return [str(each.error.outcome if each.error else each.info.outcome) for each in settled]


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_every_message_arrives_in_order(dialogue, drive, fault_server):
    server = fault_server(extensions=dialogue)
    settled, usable = drive(lambda runtime: send_all(runtime, server, numbered(runtime, 20)))
    assert outcomes(settled) == ["accepted"] * 20
    assert [commit.recipients for commit in server.commits] == [(f"r{number}@x.example",) for number in range(20)]
    assert usable


def test_whole_messages_are_written_before_the_first_is_answered(drive, fault_server):
    gate = Gate()
    server = fault_server(at("final", hold(gate), proceed, message=1), extensions=CHUNKING)

    async def go(runtime):
        connection = await opened(runtime, server)
        overlap = Overlap(connection, runtime, 3)
        for mail in numbered(runtime, 3):
            assert overlap.takes(mail)
            await overlap.begin(mail)
        assert not overlap.takes(mail_for(runtime))
        gate.open()
        settled = [await overlap.settle() for _ in range(3)]
        connection.close()
        return settled

    assert outcomes(drive(go)) == ["accepted"] * 3


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (on("RCPT TO:<r1@", reply("550 no")), EnvelopeError),
        (at("final", reply("554 spam"), skip=1, times=1), ReplyError),
        (on("MAIL", reply("451 later"), skip=1, times=1), ReplyError),
    ],
    ids=["recipient", "content", "sender"],
)
def test_a_refusal_in_the_middle_touches_no_other_message(rule, error, dialogue, drive, fault_server):
    server = fault_server(rule, extensions=dialogue, strict_client=False)
    settled, usable = drive(lambda runtime: send_all(runtime, server, numbered(runtime, 4)))
    assert outcomes(settled) == ["accepted", "rejected", "accepted", "accepted"]
    assert isinstance(settled[1].error, error)
    assert [commit.recipients[0] for commit in server.commits] == ["r0@x.example", "r2@x.example", "r3@x.example"]
    assert usable


def test_a_lost_connection_leaves_those_unknown_that_were_handed_over(drive, fault_server):
    gate = Gate()
    server = fault_server(at("final", hold(gate), commit, drop, message=2), extensions=CHUNKING, strict_client=False)

    async def go(runtime):
        connection = await opened(runtime, server)
        overlap = Overlap(connection, runtime, 4)
        for mail in numbered(runtime, 4):
            await overlap.begin(mail)
        gate.open()
        settled = [await overlap.settle() for _ in range(4)]
        assert not connection.usable
        return settled

    settled = drive(go)
    assert outcomes(settled)[:2] == ["accepted", "unknown"]
    assert isinstance(settled[1].error, DeliveryUnknownError)
    assert len(server.commits) == 2
    # what came after may be proved unread (the server closed before), or not; never is it called sent
    assert set(outcomes(settled)[2:]) <= {"unknown", "not_sent"}


def test_with_pipelining_alone_only_the_message_itself_is_unknown(drive, fault_server):
    server = fault_server(at("final", commit, drop, message=2), strict_client=False)
    settled, usable = drive(lambda runtime: send_all(runtime, server, numbered(runtime, 4)))
    assert outcomes(settled) == ["accepted", "unknown", "not_sent"]
    assert isinstance(settled[2].error, ConnectionLostError)
    assert not usable


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_what_follows_a_421_is_not_sent(dialogue, drive, fault_server):
    server = fault_server(on("MAIL", reply("421 bye"), drop, skip=1), extensions=dialogue, strict_client=False)

    async def go(runtime):
        connection = await opened(runtime, server)
        overlap = Overlap(connection, runtime, 3)
        settled = []
        waiting = numbered(runtime, 3)
        while waiting and overlap.takes(waiting[0]):
            await overlap.begin(waiting.pop(0))
        while overlap:
            settled.append(await overlap.settle())
        assert not connection.usable
        return settled

    settled = drive(go)
    assert outcomes(settled)[0] == "accepted"
    assert set(outcomes(settled)[1:]) == {"not_sent"}
    assert len(server.commits) == 1
    assert Outcome.UNKNOWN not in outcomes(settled)
