"""Direct delivery against a zone and mail hosts on loopback: where mail goes, and what became of it all together."""

from __future__ import annotations

import dns.rcode
import pytest

from pymailer.errors import (
    ConfigError,
    ConnectError,
    DeliveryUnknownError,
    DNSError,
    EnvelopeError,
    MessageError,
    ReplyError,
)
from pymailer.outcome import Outcome
from pymailer.transports import direct
from tests.faults import FaultServer, at, commit, drop, on, reply
from tests.mails import CONTENT
from tests.peers.mail_hosts import ADDRESSES, fails, sending, world

__all__ = ["world"]


def recipients(server: FaultServer) -> list[list[str]]:
    return [list(each.recipients) for each in server.commits]


# --- where it goes ---------------------------------------------------------------------------------------------------


def test_the_most_preferred_host_gets_it(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["20 mx2.test.", "10 mx1.test."]
    first, second = world.host(1), world.host(2)
    info = drive(sending(world.transport()))
    assert (len(first.commits), len(second.commits)) == (1, 0)
    assert info.accepted == ("b@example.test",)


def test_the_next_host_gets_it_where_the_first_is_down(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test.", "20 mx2.test."]
    second = world.host(2)
    drive(sending(world.transport()))
    assert len(second.commits) == 1


@pytest.mark.parametrize(
    "rule",
    [
        at("greeting", reply("421 4.3.2 busy"), drop),
        at("greeting", reply("554 5.7.1 not here"), drop),
        on("MAIL", reply("451 4.3.0 later")),
        on("RCPT", reply("450 4.2.0 grey")),
        at("final", reply("452 4.3.1 full")),
    ],
)
def test_the_next_host_gets_it_where_the_first_says_later(drive, world, rule) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test.", "20 mx2.test."]
    world.host(1, rule)
    second = world.host(2)
    drive(sending(world.transport()))
    assert len(second.commits) == 1


@pytest.mark.parametrize("rule", [on("RCPT", reply("550 5.1.1 nobody")), at("final", reply("554 5.7.1 spam"))])
def test_a_refusal_for_good_is_final(drive, world, rule) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test.", "20 mx2.test."]
    world.host(1, rule)
    second = world.host(2)
    error = fails(drive, world.transport())
    assert (error.outcome, error.temporary) == (Outcome.REJECTED, False)
    assert second.opened == 0


def test_what_may_be_delivered_is_not_tried_elsewhere(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test.", "20 mx2.test."]
    world.host(1, at("final", commit, drop))
    second = world.host(2)
    assert isinstance(fails(drive, world.transport()), DeliveryUnknownError)
    assert second.opened == 0


def test_without_mx_the_domain_itself_is_the_host(drive, world) -> None:
    world.names.zone["example.test", "A"] = [ADDRESSES[0]]
    server = world.host(1)
    drive(sending(world.transport()))
    assert len(server.commits) == 1


def test_a_null_mx_is_a_refusal_for_good(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["0 ."]
    error = fails(drive, world.transport())
    assert isinstance(error, EnvelopeError)
    assert (error.outcome, error.temporary) == (Outcome.NOT_SENT, False)


def test_a_domain_that_does_not_exist_is_an_error_for_good(drive, world) -> None:
    error = fails(drive, world.transport(), "b@nowhere.test")
    assert isinstance(error, EnvelopeError)
    assert not error.temporary


def test_a_domain_of_which_nobody_can_say_is_an_error_for_now(drive, world) -> None:
    world.names.zone["example.test", "MX"] = dns.rcode.SERVFAIL
    error = fails(drive, world.transport())
    assert isinstance(error, DNSError)
    assert error.temporary


def test_an_address_literal_needs_no_dns(drive, world) -> None:
    server = world.host(1)
    drive(sending(world.transport(), f"b@[{ADDRESSES[0]}]"))
    assert len(server.commits) == 1
    assert not world.names.asked


@pytest.mark.parametrize("address", ["root", "b@", f"b@{'x' * 300}.test"])
def test_an_address_without_a_domain_has_no_host(drive, world, address) -> None:
    assert isinstance(fails(drive, world.transport(), address), EnvelopeError)


def test_where_no_host_can_be_reached_the_last_one_is_told(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test.", "20 mx2.test."]
    error = fails(drive, world.transport())
    assert isinstance(error, ConnectError)
    assert "mx2.test" in str(error)
    assert error.temporary


# --- several domains -------------------------------------------------------------------------------------------------


def test_each_domain_gets_its_own_recipients(drive, world) -> None:
    world.names.zone |= {("one.test", "MX"): ["10 mx1.test."], ("two.test", "MX"): ["10 mx2.test."]}
    first, second = world.host(1), world.host(2)
    to = ("a@one.test", "b@two.test", "c@ONE.test")
    info = drive(sending(world.transport(), *to))
    assert recipients(first) == [["a@one.test", "c@ONE.test"]]
    assert recipients(second) == [["b@two.test"]]
    assert info.outcome is Outcome.ACCEPTED
    assert set(info.accepted) == set(to)
    assert info.envelope.to == to


def test_results_of_all_domains_are_one_result(drive, world) -> None:
    world.names.zone |= {
        ("one.test", "MX"): ["10 mx1.test."],
        ("two.test", "MX"): ["0 ."],
        ("three.test", "MX"): ["10 mx2.test."],
    }
    world.host(1, on("RCPT TO:<c", reply("450 4.2.0 grey")))
    info = drive(sending(world.transport(), "a@one.test", "c@one.test", "b@two.test", "d@three.test"))
    assert info.outcome is Outcome.PARTIAL
    assert info.accepted == ("a@one.test",)
    assert info.rejected == ("c@one.test", "b@two.test", "d@three.test")
    assert [error.temporary for error in info.rejected_errors] == [True, False, True]
    assert all(isinstance(error, ReplyError) for error in info.rejected_errors)


def test_one_domain_of_which_nobody_can_say_makes_all_unknown_but_tells_the_rest(drive, world) -> None:
    world.names.zone |= {
        ("one.test", "MX"): ["10 mx1.test."],
        ("two.test", "MX"): ["10 mx2.test."],
        ("three.test", "MX"): ["0 ."],
    }
    world.host(1, at("final", commit, drop))
    world.host(2)
    error = fails(drive, world.transport(), "a@one.test", "b@two.test", "c@three.test")
    assert isinstance(error, DeliveryUnknownError)
    assert error.accepted == ("b@two.test",)
    assert error.rejected == ("c@three.test",)


def test_where_nobody_gets_it_each_recipient_has_an_error(drive, world) -> None:
    world.names.zone |= {("one.test", "MX"): ["0 ."], ("two.test", "MX"): ["10 mx2.test."]}
    error = fails(drive, world.transport(), "a@one.test", "b@two.test")
    assert isinstance(error, EnvelopeError)
    assert [each.recipient for each in error.rejected_errors] == ["a@one.test", "b@two.test"]
    assert (error.outcome, error.temporary) == (Outcome.NOT_SENT, False)


# --- the message -----------------------------------------------------------------------------------------------------


def test_a_message_that_cannot_be_read_is_not_tried_elsewhere(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test.", "20 mx2.test."]
    world.host(1, strict_client=False)
    second = world.host(2)

    def source():
        yield CONTENT
        raise OSError("the disk is gone")

    assert isinstance(fails(drive, world.transport(), source=source), MessageError)
    assert second.opened == 0


def test_nobody_s_mail_host_is_told_a_password() -> None:
    with pytest.raises(ConfigError, match="auth"):
        direct(auth=("user", "secret"))
