"""Names to addresses and mail hosts: what is asked, what is remembered, and what each kind of failure becomes.

A small name server on loopback answers; nothing leaves the machine.
"""

from __future__ import annotations

import re
import socket

import dns.flags
import dns.rcode
import pytest

from pymailer.errors import ConfigError, DNSError, MailError, MailTimeoutError
from pymailer.net import system_names
from pymailer.net.dns_client import Server
from pymailer.net.resolver import SHARED, Resolver, system_servers
from pymailer.outcome import Outcome, Stage
from tests.peers.name_server import FORGED, GARBAGE, SILENT, TRUNCATED, name_server

PATIENCE = 10.0
BOTH = {("mx.test", "A"): ["192.0.2.1", "192.0.2.2"], ("mx.test", "AAAA"): ["2001:db8::1"]}


def resolver_for(server):
    return Resolver([server.server], use_system=False)


def addresses(drive, resolver, host, patience=PATIENCE):
    async def scenario(runtime):
        return await resolver.addresses(runtime, host, runtime.now() + patience)

    return drive(scenario)


def failure(drive, resolver, host, patience=PATIENCE):
    with pytest.raises(MailError) as caught:
        addresses(drive, resolver, host, patience)
    return caught.value


class Clock:
    """A runtime whose clock a test turns forward."""

    def __init__(self, runtime):
        self._runtime = runtime
        self.ahead = 0.0

    def now(self):
        return self._runtime.now() + self.ahead

    async def wait(self, interests, deadline):
        return await self._runtime.wait(interests, None if deadline is None else deadline - self.ahead)

    async def offload(self, function, *args):
        return await self._runtime.offload(function, *args)


class TestAddresses:
    def test_are_those_of_both_families(self, drive_all):
        with name_server(BOTH) as server:
            found = addresses(drive_all, resolver_for(server), "mx.test")
        assert sorted(found) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]

    @pytest.mark.parametrize("spelling", ["MX.Test", "mx.test."])
    def test_do_not_depend_on_the_spelling_of_the_name(self, drive, spelling):
        with name_server(BOTH) as server:
            assert "192.0.2.1" in addresses(drive, resolver_for(server), spelling)

    def test_of_an_international_name_are_asked_by_its_a_labels(self, drive):
        with name_server({("xn--bcher-kva.test", "A"): ["192.0.2.7"]}) as server:
            assert addresses(drive, resolver_for(server), "Bücher.test") == ["192.0.2.7"]

    def test_are_found_behind_an_alias(self, drive):
        zone = {("www.test", "A"): "mx.test.", ("mx.test", "A"): ["192.0.2.9"]}
        with name_server(zone) as server:
            assert addresses(drive, resolver_for(server), "www.test") == ["192.0.2.9"]

    @pytest.mark.parametrize(
        ("host", "address"),
        [("192.0.2.1", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1"), ("fe80::1%lo", "fe80::1%lo")],
    )
    def test_of_a_literal_address_are_the_address_and_nobody_is_asked(self, drive, host, address):
        assert addresses(drive, Resolver([], use_system=False), host) == [address]

    def test_that_do_not_fit_are_asked_for_over_tcp(self, drive_all):
        many = [f"192.0.2.{number}" for number in range(100)]
        with name_server({("mx.test", "A"): (TRUNCATED, many)}) as server:
            assert sorted(addresses(drive_all, resolver_for(server), "mx.test")) == sorted(many)

    def test_of_one_family_are_enough_if_the_server_is_silent_about_the_other(self, drive):
        with name_server({("mx.test", "AAAA"): SILENT, ("mx.test", "A"): ["192.0.2.1"]}) as server:
            assert addresses(drive, resolver_for(server), "mx.test") == ["192.0.2.1"]

    def test_of_one_family_are_enough_if_the_server_fails_at_the_other(self, drive):
        with name_server({("mx.test", "AAAA"): dns.rcode.SERVFAIL, ("mx.test", "A"): ["192.0.2.1"]}) as server:
            assert addresses(drive, resolver_for(server), "mx.test") == ["192.0.2.1"]

    def test_come_from_the_next_server_if_the_first_fails(self, drive):
        failing = {("mx.test", "A"): dns.rcode.SERVFAIL, ("mx.test", "AAAA"): dns.rcode.REFUSED}
        with name_server(failing) as bad, name_server(BOTH) as good:
            resolver = Resolver([bad.server, good.server], use_system=False)
            assert "192.0.2.1" in addresses(drive, resolver, "mx.test")

    def test_come_from_the_next_server_if_nobody_listens_at_the_first(self, drive):
        with name_server(BOTH) as good, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            unused.close()
            resolver = Resolver([Server("127.0.0.1", port), good.server], use_system=False)
            assert "192.0.2.1" in addresses(drive, resolver, "mx.test")

    @pytest.mark.parametrize("nonsense", [GARBAGE, FORGED])
    def test_are_not_taken_from_an_answer_that_was_not_asked_for(self, drive, nonsense):
        zone = {("mx.test", "A"): nonsense, ("mx.test", "AAAA"): ["2001:db8::1"]}
        with name_server(zone) as server:
            assert addresses(drive, resolver_for(server), "mx.test") == ["2001:db8::1"]


class TestFailures:
    def test_a_name_that_does_not_exist_is_permanent(self, drive_all):
        with name_server(BOTH) as server:
            error = failure(drive_all, resolver_for(server), "mxx.test")
        assert isinstance(error, DNSError)
        assert re.search(r"mxx\.test.*NXDOMAIN", str(error))
        assert (error.temporary, error.code, error.stage) == (False, "EDNS", Stage.DNS)
        assert error.outcome is Outcome.NOT_SENT

    def test_a_name_without_addresses_is_permanent(self, drive):
        with name_server({("mx.test", "TXT"): ["x"]}) as server:
            error = failure(drive, resolver_for(server), "mx.test")
        assert "no address" in str(error)
        assert error.temporary is False

    def test_a_failing_server_is_temporary_and_is_named(self, drive_all):
        with name_server({("mx.test", kind): dns.rcode.SERVFAIL for kind in ("A", "AAAA")}) as server:
            error = failure(drive_all, resolver_for(server), "mx.test")
        assert isinstance(error, DNSError)
        assert f"127.0.0.1 port {server.server.port} said SERVFAIL" in str(error)
        assert error.temporary is True

    def test_no_address_of_one_family_and_failure_at_the_other_is_temporary(self, drive):
        with name_server({("mx.test", "A"): [], ("mx.test", "AAAA"): dns.rcode.SERVFAIL}) as server:
            assert failure(drive, resolver_for(server), "mx.test").temporary is True

    def test_silence_ends_at_the_deadline(self, drive_all):
        with name_server({("mx.test", kind): SILENT for kind in ("A", "AAAA")}) as server:
            error = failure(drive_all, resolver_for(server), "mx.test", patience=0.1)
        assert isinstance(error, MailTimeoutError)
        assert "did not answer" in str(error)
        assert (error.temporary, error.stage) == (True, Stage.DNS)

    @pytest.mark.parametrize("host", ["a..b", "", "x" * 64 + ".test", "a." * 130 + "test", "\u2260.test"])
    def test_what_is_no_host_name_is_refused(self, drive, host):
        with pytest.raises(ConfigError):
            addresses(drive, Resolver([], use_system=False), host)


class TestTheCache:
    def test_answers_the_second_time(self, drive_all):
        with name_server(BOTH) as server:
            resolver = resolver_for(server)
            for _ in range(3):
                addresses(drive_all, resolver, "mx.test")
            assert set(server.asked.values()) == {1}

    def test_remembers_that_there_is_nothing(self, drive):
        with name_server(BOTH) as server:
            resolver = resolver_for(server)
            for _ in range(3):
                with pytest.raises(DNSError):
                    addresses(drive, resolver, "mxx.test")
            assert set(server.asked.values()) == {1}

    def test_does_not_remember_a_failure(self, drive):
        with name_server({("mx.test", kind): dns.rcode.SERVFAIL for kind in ("A", "AAAA")}) as server:
            resolver = resolver_for(server)
            with pytest.raises(DNSError):
                addresses(drive, resolver, "mx.test")
            server.zone.update(BOTH)
            assert "192.0.2.1" in addresses(drive, resolver, "mx.test")

    def test_asks_again_when_the_time_is_over(self, drive):
        with name_server(BOTH) as server:
            resolver = resolver_for(server)

            async def scenario(runtime):
                clock = Clock(runtime)
                await resolver.addresses(clock, "mx.test", clock.now() + PATIENCE)
                clock.ahead = server.ttl + 1
                server.zone["mx.test", "A"] = ["192.0.2.99"]
                return await resolver.addresses(clock, "mx.test", clock.now() + PATIENCE)

            assert "192.0.2.99" in drive(scenario)

    def test_gives_a_stale_answer_while_no_server_answers_and_then_waits_for_none(self, drive):
        with name_server(BOTH) as server:
            resolver = resolver_for(server)

            async def scenario(runtime):
                clock = Clock(runtime)
                fresh = await resolver.addresses(clock, "mx.test", clock.now() + PATIENCE)
                server.zone.update({("mx.test", kind): dns.rcode.SERVFAIL for kind in ("A", "AAAA")})
                clock.ahead = server.ttl + 1
                stale = await resolver.addresses(clock, "mx.test", clock.now() + PATIENCE)
                asked = server.asked.total()
                again = await resolver.addresses(clock, "mx.test", clock.now() + PATIENCE)
                return fresh == stale == again, server.asked.total() - asked

            assert drive(scenario) == (True, 0)

    def test_does_not_give_an_answer_that_is_days_old(self, drive):
        with name_server(BOTH) as server:
            resolver = resolver_for(server)

            async def scenario(runtime):
                clock = Clock(runtime)
                await resolver.addresses(clock, "mx.test", clock.now() + PATIENCE)
                server.zone.update({("mx.test", kind): dns.rcode.SERVFAIL for kind in ("A", "AAAA")})
                clock.ahead = 3 * 86_400
                with pytest.raises(DNSError):
                    await resolver.addresses(clock, "mx.test", clock.now() + PATIENCE)

            drive(scenario)

    def test_is_bounded(self, drive):
        resolver = Resolver([], use_system=False)
        for number in range(5_000):
            resolver.cache.put((f"{number}.test", "A"), (), 0, 60)
        assert len(resolver.cache._entries) == 1024
        assert resolver.cache.get(("4999.test", "A")) is not None


class TestThisMachine:
    @pytest.fixture
    def hosts(self, tmp_path, monkeypatch):
        path = tmp_path / "hosts"
        monkeypatch.setattr(system_names, "_HOSTS", path)
        monkeypatch.setattr(system_names, "_reading", system_names._Reading())
        return path

    def test_knows_what_is_in_its_hosts_file_and_nobody_is_asked(self, drive, hosts):
        hosts.write_text("# ours\n192.0.2.5  mail.corp.test mail # alias\n2001:db8::5 mail.corp.test\nnonsense\n\n")
        resolver = Resolver([], use_system=False)
        assert addresses(drive, resolver, "MAIL.corp.test") == ["192.0.2.5", "2001:db8::5"]
        assert addresses(drive, resolver, "mail") == ["192.0.2.5"]

    def test_sees_that_its_hosts_file_changed(self, drive, hosts):
        resolver = Resolver([], use_system=False)
        hosts.write_text("192.0.2.5 mail.corp.test\n")
        addresses(drive, resolver, "mail.corp.test")
        hosts.write_text("192.0.2.66 mail.corp.test\n")
        assert addresses(drive, resolver, "mail.corp.test") == ["192.0.2.66"]

    @pytest.mark.parametrize("name", ["localhost", "app.localhost"])
    def test_is_localhost_even_without_a_hosts_file(self, drive, hosts, name):
        assert addresses(drive, Resolver([], use_system=False), name) == ["::1", "127.0.0.1"]

    @pytest.mark.parametrize("name", ["mailhog", "printer.local"])
    def test_is_asked_for_local_names_and_its_answer_is_kept(self, drive, hosts, monkeypatch, name):
        asked = []

        def getaddrinfo(host, *args, **kwargs):
            asked.append(host)
            return [(socket.AF_INET, 1, 6, "", ("10.0.0.7", 0)), (socket.AF_INET6, 1, 6, "", ("fe80::7", 0, 0, 2))]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        resolver = Resolver([])
        assert addresses(drive, resolver, name) == ["10.0.0.7", "fe80::7"]
        addresses(drive, resolver, name)
        assert asked == [name]

    def test_is_asked_for_what_dns_does_not_know(self, drive, hosts, monkeypatch):
        found = [(socket.AF_INET, 1, 6, "", ("10.0.0.8", 0))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
        with name_server(BOTH) as server:
            assert addresses(drive, Resolver([server.server]), "mail.ns") == ["10.0.0.8"]

    @pytest.mark.parametrize(("code", "temporary"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)])
    def test_may_not_know_either(self, drive, hosts, monkeypatch, code, temporary):
        def getaddrinfo(*args, **kwargs):
            raise socket.gaierror(code, "no")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        with pytest.raises(DNSError, match="not known on this machine") as caught:
            addresses(drive, Resolver([]), "mailhog")
        assert caught.value.temporary is temporary

    def test_names_its_servers(self):
        assert all(isinstance(server, Server) for server in system_servers())

    def test_shares_one_resolver(self):
        assert SHARED is not None


class TestMailHosts:
    def ask(self, drive, server, domain):
        async def scenario(runtime):
            return await resolver_for(server).mail_hosts(runtime, domain, runtime.now() + PATIENCE)

        return drive(scenario)

    def test_are_sorted_by_preference(self, drive_all):
        zone = {("d.test", "MX"): ["20 c.test.", "10 a.test.", "30 d.test."]}
        with name_server(zone) as server:
            answer = self.ask(drive_all, server, "d.test")
        assert [host.name for host in answer.hosts] == ["a.test", "c.test", "d.test"]
        assert answer.implicit is False

    def test_are_in_random_order_among_equals(self, drive):
        zone = {("d.test", "MX"): ["10 a.test.", "10 b.test.", "5 first.test."]}
        with name_server(zone) as server:
            orders = {tuple(host.name for host in self.ask(drive, server, "d.test").hosts) for _ in range(40)}
        assert orders == {("first.test", "a.test", "b.test"), ("first.test", "b.test", "a.test")}

    def test_are_the_domain_itself_if_it_names_none(self, drive):
        with name_server({("d.test", "A"): ["192.0.2.1"]}) as server:
            answer = self.ask(drive, server, "d.test")
        assert (answer.hosts[0].name, answer.implicit) == ("d.test", True)

    @pytest.mark.parametrize(
        ("zone", "message", "temporary"),
        [
            ({("d.test", "MX"): ["0 ."]}, "takes no mail", False),
            ({}, "NXDOMAIN", False),
            ({("d.test", "MX"): dns.rcode.SERVFAIL}, "SERVFAIL", True),
        ],
        ids=["null MX", "no such domain", "nobody can tell"],
    )
    def test_may_be_none(self, drive, zone, message, temporary):
        with name_server(zone) as server, pytest.raises(DNSError, match=message) as caught:
            self.ask(drive, server, "d.test")
        assert caught.value.temporary is temporary

    @pytest.mark.parametrize(("flags", "secure"), [(0, False), (dns.flags.AD, True)])
    def test_are_secure_if_a_local_server_validated_them(self, drive, flags, secure):
        with name_server({("d.test", "MX"): ["10 a.test."]}) as server:
            server.flags = flags
            assert self.ask(drive, server, "d.test").secure is secure


class TestOtherRecords:
    def test_texts_are_in_one_piece_each(self, drive):
        with name_server({("_mta-sts.d.test", "TXT"): ['"v=STSv1; " "id=1;"', '"other"']}) as server:

            async def scenario(runtime):
                return await resolver_for(server).texts(runtime, "_mta-sts.d.test", runtime.now() + PATIENCE)

            assert sorted(drive(scenario)) == ["other", "v=STSv1; id=1;"]

    def test_no_texts_are_an_empty_list(self, drive):
        with name_server({}) as server:

            async def scenario(runtime):
                return await resolver_for(server).texts(runtime, "_mta-sts.d.test", runtime.now() + PATIENCE)

            assert drive(scenario) == []

    def test_tlsa_records_come_with_their_validation(self, drive):
        with name_server({("_25._tcp.mx.test", "TLSA"): ["3 1 1 " + "00ff" * 16]}) as server:
            server.flags = dns.flags.AD

            async def scenario(runtime):
                return await resolver_for(server).tlsa(runtime, "mx.test", 25, runtime.now() + PATIENCE)

            records, secure = drive(scenario)
        assert (records[0].usage, records[0].selector, records[0].matching) == (3, 1, 1)
        assert (records[0].data, secure) == (b"\0\xff" * 16, True)

    def test_the_word_of_a_distant_server_on_validation_does_not_count(self):
        assert Server("127.0.0.53").local
        assert not Server("192.0.2.53").local

    def test_aliases_in_a_circle_are_no_record(self, drive):
        with name_server({("a.test", "TXT"): "a.test."}) as server:

            async def scenario(runtime):
                return await resolver_for(server).texts(runtime, "a.test", runtime.now() + PATIENCE)

            assert drive(scenario) == []
