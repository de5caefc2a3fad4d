"""How direct delivery is protected: TLS where it is offered, and what DANE, MTA-STS and REQUIRETLS ask for."""

from __future__ import annotations

import ssl
from base64 import b64decode
from collections.abc import Callable
from functools import partial

import dns.flags
import dns.rcode
import pytest

from pymailer.errors import TLSError
from pymailer.net.resolver import Resolver
from pymailer.net.tls import pin_of
from pymailer.transports.mta_sts import Policies
from tests.faults import FaultServer, certificates
from tests.peers.mail_hosts import ADDRESSES, World, fails, sending, world
from tests.peers.name_server import SILENT

__all__ = ["world"]

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
