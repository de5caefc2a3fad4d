"""Direct delivery against a zone and mail hosts on loopback: where mail goes, and how it is protected."""

from __future__ import annotations

import socket
import ssl
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import partial

import attrs
import dns.flags
import dns.rcode
import pytest

from pymailer.errors import (
    ConfigError,
    ConnectError,
    DeliveryUnknownError,
    DNSError,
    EnvelopeError,
    MailError,
    MessageError,
    ReplyError,
    TLSError,
)
from pymailer.net.resolver import Resolver
from pymailer.net.tls import pin_of
from pymailer.outcome import Outcome
from pymailer.smtp.options import SMTPOptions
from pymailer.transports import direct
from pymailer.transports.mta_sts import Policies
from pymailer.transports.mx import DirectTransport
from tests.faults import FaultServer, at, certificates, commit, drop, on, reply
from tests.mails import CONTENT, make_mail
from tests.peers.name_server import SILENT, NameServer, name_server

ADDRESSES = tuple(f"127.0.0.{last}" for last in range(1, 4))


@attrs.define(eq=False)
class World:
    """A zone, and the mail hosts in it: `mx1.test` is at 127.0.0.1, and so on, all on one port."""

    names: NameServer
    make_server: Callable[..., FaultServer]
    port: int

    def host(self, number: int, *rules, **settings) -> FaultServer:
        """Start the mail host of that number."""
        return self.make_server(*rules, host=ADDRESSES[number - 1], port=self.port, **settings)

    def transport(self, policies: Callable[[Resolver], Policies] = Policies, **options) -> DirectTransport:
        """Direct delivery in this world."""
        own = {name: options.pop(name) for name in ("mta_sts", "dane") if name in options}
        resolver = Resolver([self.names.server], use_system=False)
        smtp = SMTPOptions(port=self.port, **{"dns_timeout": 5, "connection_timeout": 5, **options})
        return DirectTransport(smtp, resolver=resolver, policies=policies(resolver), **own)


@pytest.fixture
def world(fault_server) -> Iterator[World]:
    zone = {(f"mx{number}.test", "A"): [address] for number, address in enumerate(ADDRESSES, 1)}
    with name_server(zone) as names, socket.create_server((ADDRESSES[-1], 0)) as reserved:
        # The last address keeps the port for the others, which come and go.
        yield World(names, fault_server, reserved.getsockname()[1])


def sending(transport, *to: str, **options):
    async def send(runtime):
        return await transport.send(make_mail(runtime, to=to or ("b@example.test",), **options))

    return send


def fails(drive, transport, *to: str, **options) -> MailError:
    with pytest.raises(MailError) as caught:
        drive(sending(transport, *to, **options))
    return caught.value


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


# --- TLS -------------------------------------------------------------------------------------------------------------


def secured(server: FaultServer) -> bool:
    """Whether the message came after STARTTLS."""
    return bool(server.heard("STARTTLS")) and len(server.heard("EHLO")) == 2


def test_tls_is_taken_from_whoever_offers_it(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1, tls=certificates.expired())
    drive(sending(world.transport()))
    assert secured(server)
    assert len(server.commits) == 1


def test_a_host_whose_tls_is_broken_is_served_in_plain_text(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1, tls=certificates.old_protocol())
    drive(sending(world.transport()))
    assert server.opened == 2
    assert len(server.commits) == 1


def test_tls_can_be_demanded_and_is_verified_then(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1, tls=certificates.good(), strict_client=False)
    error = fails(drive, world.transport(require_tls=True, tls={"ca": certificates.authority_pem()}))
    assert isinstance(error, TLSError)  # it is not for mx1.test
    assert server.commits == []


def test_nobody_s_mail_host_is_told_a_password() -> None:
    with pytest.raises(ConfigError, match="auth"):
        direct(auth=("user", "secret"))


# --- DANE ------------------------------------------------------------------------------------------------------------


def unnamed_server() -> tuple[ssl.SSLContext, str]:
    """A server's context, for no name that anybody asks for, and its key as a "3 1 1" record has it."""
    leaf = certificates.authority().issue_cert("nobody.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    return context, b64decode(pin_of(der)).hex()


@pytest.fixture
def validated(world) -> World:
    """The same world, whose name server says that it has validated everything."""
    world.names.flags = dns.flags.AD
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    return world


def test_a_key_that_dns_vouches_for_is_enough(drive, validated) -> None:
    context, key = unnamed_server()
    validated.names.zone[f"_{validated.port}._tcp.mx1.test", "TLSA"] = [f"3 1 1 {key}"]
    server = validated.host(1, tls=context)
    drive(sending(validated.transport()))
    assert secured(server)


def test_another_key_than_dns_vouches_for_is_refused(drive, validated) -> None:
    validated.names.zone[f"_{validated.port}._tcp.mx1.test", "TLSA"] = [f"3 1 1 {'00' * 32}"]
    server = validated.host(1, tls=certificates.good())
    assert isinstance(fails(drive, validated.transport()), TLSError)
    assert server.commits == []


def test_a_record_that_cannot_be_used_still_forbids_plain_text(drive, validated) -> None:
    validated.names.zone[f"_{validated.port}._tcp.mx1.test", "TLSA"] = [f"2 0 1 {'00' * 32}"]
    server = validated.host(1)
    assert isinstance(fails(drive, validated.transport()), TLSError)
    assert server.commits == []


def test_records_that_were_not_validated_say_nothing(drive, validated) -> None:
    validated.names.flags = 0
    validated.names.zone[f"_{validated.port}._tcp.mx1.test", "TLSA"] = [f"3 1 1 {'00' * 32}"]
    server = validated.host(1)
    drive(sending(validated.transport()))
    assert len(server.commits) == 1


def test_records_of_which_nobody_can_say_forbid_delivery(drive, validated) -> None:
    validated.names.zone[f"_{validated.port}._tcp.mx1.test", "TLSA"] = dns.rcode.SERVFAIL
    server = validated.host(1)
    error = fails(drive, validated.transport())
    assert error.temporary
    assert server.opened == 0


def test_dane_can_be_switched_off(drive, validated) -> None:
    validated.names.zone[f"_{validated.port}._tcp.mx1.test", "TLSA"] = SILENT
    server = validated.host(1)
    drive(sending(validated.transport(dane=False)))
    assert len(server.commits) == 1


# --- MTA-STS ---------------------------------------------------------------------------------------------------------


def publish(world: World, *hosts: str, mode: str = "enforce") -> Callable[[Resolver], Policies]:
    """Let example.test promise that its mail hosts are these."""
    world.names.zone["_mta-sts.example.test", "TXT"] = ['"v=STSv1; id=1;"']
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), "max_age: 86400"]
    return partial(Policies, fetch=lambda domain: "\r\n".join(lines).encode())


def test_a_promise_forbids_plain_text(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1)
    assert isinstance(fails(drive, world.transport(publish(world, "*.test"))), TLSError)
    assert server.commits == []


def test_a_promise_forbids_a_host_that_is_not_named(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1, tls=certificates.good())
    error = fails(drive, world.transport(publish(world, "mx9.test")))
    assert isinstance(error, TLSError)
    assert error.temporary
    assert server.opened == 0


def test_a_promise_wants_a_verified_certificate(drive, world) -> None:
    world.names.zone |= {("example.test", "MX"): ["10 fault.test."], ("fault.test", "A"): [ADDRESSES[0]]}
    trust = {"ca": certificates.authority_pem()}
    server = world.host(1, tls=certificates.good())
    drive(sending(world.transport(publish(world, "fault.test"), tls=trust)))
    assert secured(server)
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]  # which the certificate is not for
    assert isinstance(fails(drive, world.transport(publish(world, "mx1.test"), tls=trust)), TLSError)
    assert len(server.commits) == 1


def test_a_promise_that_is_only_tested_forbids_nothing(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1)
    drive(sending(world.transport(publish(world, "mx9.test", mode="testing"))))
    assert len(server.commits) == 1


def test_promises_can_be_left_alone(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1)
    drive(sending(world.transport(publish(world, "mx9.test"), mta_sts=False)))
    assert len(server.commits) == 1


# --- REQUIRETLS ------------------------------------------------------------------------------------------------------


def test_tls_on_every_hop_needs_a_host_name_that_is_secured(drive, world) -> None:
    world.names.zone["example.test", "MX"] = ["10 mx1.test."]
    server = world.host(1, tls=certificates.good())
    assert isinstance(fails(drive, world.transport(), require_tls=True), TLSError)
    assert server.opened == 0


def test_tls_on_every_hop_needs_a_host_that_promises_it_too(drive, world) -> None:
    world.names.zone |= {("example.test", "MX"): ["10 fault.test."], ("fault.test", "A"): [ADDRESSES[0]]}
    trust = {"ca": certificates.authority_pem()}
    extensions = ("PIPELINING", "REQUIRETLS")
    server = world.host(1, tls=certificates.good(), extensions=extensions)
    transport = world.transport(publish(world, "fault.test"), tls=trust)
    drive(sending(transport, require_tls=True))
    assert "REQUIRETLS" in server.heard("MAIL")[0]


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
