"""The way to a server: every address is tried, in turn and in time, and an error says what became of each.

Listeners on several loopback addresses; one whose backlog is full stands for a host that does not answer.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time

import attrs
import pytest

from pymailer.errors import ConfigError, ConnectError, DNSError, MailError, MailTimeoutError
from pymailer.net import race as race_module
from pymailer.net.connect import Route, open_channel
from pymailer.net.race import interleave
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime
from tests.peers.listener import listening, say

PATIENCE = 10.0


@attrs.frozen
class Known:
    """A resolver that knows one answer."""

    found: list[str]

    async def addresses(self, runtime, host, deadline):
        return self.found


def route(server_or_port, *addresses, **options):
    port = server_or_port if isinstance(server_or_port, int) else server_or_port.port
    if addresses:
        options["resolver"] = Known(list(addresses))
    options.setdefault("host", "mx.test" if addresses else "127.0.0.1")
    return Route(port=port, **{"connection_timeout": PATIENCE, **options})


def visit(drive, way, deadline=None):
    """Connect, read the greeting, hang up; whom we reached, as who, and what he said."""

    async def scenario(runtime):
        by = None if deadline is None else runtime.now() + deadline
        channel = await open_channel(runtime, way, by)
        try:
            said = await channel.read(runtime, runtime.now() + PATIENCE)
            return channel._sock.getpeername()[0], channel.local_address, said
        finally:
            channel.close()

    return drive(scenario)


def failure(drive, way, deadline=None):
    with pytest.raises(MailError) as caught:
        visit(drive, way, deadline)
    return caught.value


@pytest.fixture
def closed_port():
    """A port of 127.0.0.1 (and its neighbours) where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def silent():
    """The port of a host, 127.0.0.3, that does not answer: its backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.3", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


class TestOneAddress:
    def test_is_connected_to(self, drive_all):
        with listening(say(b"220 hi\r\n")) as server:
            assert visit(drive_all, route(server)) == ("127.0.0.1", "127.0.0.1", b"220 hi\r\n")

    def test_may_be_of_ipv6_with_or_without_brackets(self, drive):
        with listening(say(b"220 hi\r\n"), "::1") as server:
            for host in ("::1", "[::1]"):
                assert visit(drive, route(server, host=host))[0] == "::1"

    def test_names_the_channel_after_the_server(self, drive):
        async def scenario(runtime):
            channel = await open_channel(runtime, route(server, "127.0.0.1"))
            name = channel.peer
            channel.close()
            return name

        with listening(say(b"")) as server:
            assert drive(scenario) == f"mx.test:{server.port}"

    def test_gets_a_socket_that_sends_at_once_and_shows_signs_of_life(self, drive):
        async def scenario(runtime):
            channel = await open_channel(runtime, route(server))
            sock = channel._sock
            options = [
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            ]
            channel.close()
            return options

        with listening(say(b"")) as server:
            assert all(drive(scenario))

    def test_that_refuses_is_an_error_that_says_so(self, drive_all, closed_port):
        error = failure(drive_all, route(closed_port))
        assert str(error) == f"cannot connect to 127.0.0.1:{closed_port}: Connection refused"
        assert isinstance(error, ConnectError)
        assert isinstance(error.__cause__, ConnectionRefusedError)
        assert (error.code, error.stage, error.temporary) == ("ESOCKET", Stage.CONNECT, True)
        assert error.outcome is Outcome.NOT_SENT

    def test_that_does_not_answer_is_given_up_in_time(self, drive_all, silent):
        started = time.monotonic()
        error = failure(drive_all, route(silent, host="127.0.0.3", connection_timeout=0.1))
        assert time.monotonic() - started < PATIENCE
        assert isinstance(error, MailTimeoutError)
        assert str(error).startswith(f"no connection to 127.0.0.3:{silent} within 0.1")
        assert str(error).endswith("no answer")
        assert (error.stage, error.temporary, error.outcome) == (Stage.CONNECT, True, Outcome.NOT_SENT)

    def test_is_given_up_at_the_callers_deadline_if_that_is_earlier(self, drive, silent):
        started = time.monotonic()
        assert isinstance(failure(drive, route(silent, host="127.0.0.3"), deadline=0.05), MailTimeoutError)
        assert time.monotonic() - started < PATIENCE


class TestSeveralAddresses:
    def test_are_tried_one_after_the_other(self, drive_all):
        with listening(say(b"220 hi\r\n")) as server:
            way = route(server, "127.0.0.2", "127.0.0.4", "127.0.0.1")
            started = time.monotonic()
            assert visit(drive_all, way)[0] == "127.0.0.1"
            assert time.monotonic() - started < 2  # a refusal starts the next at once

    def test_include_those_of_the_other_family(self, drive):
        with listening(say(b"220 hi\r\n")) as server:
            assert visit(drive, route(server, "::1", "127.0.0.1"))[0] == "127.0.0.1"

    def test_do_not_wait_for_one_that_is_silent(self, drive_all, silent):
        with listening(say(b"220 hi\r\n"), "127.0.0.1", port=silent) as server:
            started = time.monotonic()
            assert visit(drive_all, route(server, "127.0.0.3", "127.0.0.1"))[0] == "127.0.0.1"
            assert 0.2 <= time.monotonic() - started < 2

    def test_are_all_named_if_none_takes_us(self, drive, closed_port):
        error = failure(drive, route(closed_port, "::1", "127.0.0.1", "127.0.0.2"))
        assert str(error).startswith(f"cannot connect to mx.test:{closed_port}: [::1]:{closed_port}: ")
        assert f"; 127.0.0.1:{closed_port}: Connection refused; 127.0.0.2:{closed_port}: Connection" in str(error)

    def test_are_counted_if_they_are_many(self, drive, closed_port):
        many = [f"127.0.1.{number}" for number in range(1, 31)]
        assert str(failure(drive, route(closed_port, *many))).endswith("; and 24 more")

    def test_share_one_timeout(self, drive_all, silent):
        way = route(silent, "127.0.0.2", "127.0.0.3", connection_timeout=0.4)
        error = failure(drive_all, way)
        assert isinstance(error, MailTimeoutError)
        assert f"127.0.0.2:{silent}: Connection refused; 127.0.0.3:{silent}: no answer" in str(error)

    def test_may_be_wrong_without_harm_to_the_others(self, drive):
        with listening(say(b"220 hi\r\n")) as server:
            assert visit(drive, route(server, "fe80::1%no-such-zone", "127.0.0.1"))[0] == "127.0.0.1"

    @pytest.mark.parametrize(
        ("given", "tried"),
        [
            (["1", "2", "a:", "b:"], ["a:", "1", "b:", "2"]),
            (["1", "2"], ["1", "2"]),
            (["a:", "1", "2", "3"], ["a:", "1", "2", "3"]),
            (["1", "1", "a:", "a:"], ["a:", "1"]),
        ],
    )
    def test_take_turns_by_family_and_ipv6_begins(self, given, tried):
        assert interleave(given) == tried


class TestNothingIsLeftBehind:
    """The fixture that looks at open descriptors is the judge."""

    def test_by_a_cancelled_task(self, silent):
        async def scenario():
            task = asyncio.create_task(open_channel(AsyncioRuntime(), route(silent, "127.0.0.3", "127.0.0.3")))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(scenario())

    def test_when_there_are_no_descriptors(self, monkeypatch):
        def no_socket(*args):
            raise OSError(errno.EMFILE, "Too many open files")

        def drive(scenario):  # an event loop could not even start
            return run(scenario(BlockingRuntime()))

        monkeypatch.setattr(race_module.socket, "socket", no_socket)
        error = failure(drive, route(25, "192.0.2.1", "192.0.2.2"))
        assert "Too many open files" in str(error)
        assert error.temporary is True


class TestTheLocalAddress:
    def test_is_bound_to(self, drive_all):
        with listening(say(b"220 hi\r\n")) as server:
            assert visit(drive_all, route(server, local_address="127.0.0.9"))[1] == "127.0.0.9"

    def test_rules_out_the_other_family(self, drive):
        with listening(say(b"220 hi\r\n")) as server:
            assert visit(drive, route(server, "::1", "127.0.0.1", local_address="127.0.0.9"))[1] == "127.0.0.9"

    def test_must_be_one_of_this_machine(self, drive, closed_port):
        error = failure(drive, route(closed_port, local_address="192.0.2.77"))
        assert isinstance(error, ConnectError)
        assert "annot assign requested address" in str(error)


class TestNames:
    def test_that_cannot_be_resolved_are_an_error_of_dns(self, drive):
        class Ignorant:
            async def addresses(self, runtime, host, deadline):
                raise DNSError("no such name", stage=Stage.DNS)

        assert isinstance(failure(drive, Route(host="mx.test", port=25, resolver=Ignorant())), DNSError)

    def test_have_a_time_of_their_own(self, drive):
        seen = []

        class Watch:
            async def addresses(self, runtime, host, deadline):
                seen.append(deadline - runtime.now())
                raise MailTimeoutError("slow", stage=Stage.DNS)

        way = Route(host="mx.test", port=25, resolver=Watch(), dns_timeout=7)
        failure(drive, way)
        failure(drive, way, deadline=3)
        assert [round(seconds) for seconds in seen] == [7, 3]


class TestASocketOfTheUser:
    def given(self, server):
        return socket.create_connection((server.host, server.port))

    def test_is_used_as_it_is(self, drive_all):
        with listening(say(b"220 hi\r\n")) as server:
            assert visit(drive_all, Route(host="mx.test", port=25, socket=self.given(server)))[2] == b"220 hi\r\n"

    def test_may_come_from_a_function(self, drive):
        with listening(say(b"220 hi\r\n")) as server:
            way = Route(host="mx.test", port=25, socket=lambda: self.given(server))
            assert [visit(drive, way)[2] for _ in range(2)] == [b"220 hi\r\n"] * 2

    def test_may_come_from_an_async_function(self, drive_all):
        async def make():
            return self.given(server)

        with listening(say(b"220 hi\r\n")) as server:
            assert visit(drive_all, Route(host="mx.test", port=25, socket=make))[2] == b"220 hi\r\n"

    def test_may_be_of_unix(self, drive):
        async def scenario(runtime):
            ours, theirs = socket.socketpair()
            with theirs:
                channel = await open_channel(runtime, Route(host="mx.test", port=25, socket=ours))
                theirs.sendall(b"220 hi\r\n")
                said = await channel.read(runtime, runtime.now() + PATIENCE)
                channel.close()
            return channel.peer, said

        assert drive(scenario) == ("mx.test:25", b"220 hi\r\n")

    def test_serves_one_connection_only(self, drive):
        with listening(say(b"220 hi\r\n")) as server:
            way = Route(host="mx.test", port=25, socket=self.given(server))
            visit(drive, way)
            error = failure(drive, way)
        assert "give a callable" in str(error)
        assert error.temporary is False

    def test_must_be_connected(self, drive):
        with socket.socket() as sock:
            assert "not connected" in str(failure(drive, Route(host="mx.test", port=25, socket=sock)))

    def test_must_not_speak_tls_already(self, drive):
        ours, theirs = socket.socketpair()
        context = ssl.create_default_context()
        with theirs, context.wrap_socket(ours, server_hostname="mx.test", do_handshake_on_connect=False) as tls:
            error = failure(drive, Route(host="mx.test", port=25, socket=tls))
        assert isinstance(error, ConfigError)
        assert "give the plain socket" in str(error)

    @pytest.mark.parametrize("given", ["127.0.0.1", 7, lambda: None])
    def test_must_be_a_socket(self, drive, given):
        with pytest.raises(ConfigError, match="connected stream socket"):
            visit(drive, Route(host="mx.test", port=25, socket=given))

    def test_must_be_a_stream(self, drive):
        ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
        with ours, theirs, pytest.raises(ConfigError, match="stream"):
            visit(drive, Route(host="mx.test", port=25, socket=ours))
