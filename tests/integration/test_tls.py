"""A channel over TLS: the same promises as without, and each way in which it can fail to be made.

The peers are `ssl` servers on loopback with certificates of a throw-away authority.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
import threading

import pytest

from pymailer.errors import TLSError
from pymailer.net.certificates import endpoint_hash
from pymailer.net.channel import _KEEP_LIMIT, Channel
from pymailer.net.tls import TLSOptions, check_pins, explain_tls, pin_of
from tests.faults import certificates
from tests.peers.listener import listening, say
from tests.peers.tls import greet, tls_listening

PATIENCE = 10.0
TRUSTING = TLSOptions(ca=certificates.authority_pem())


async def connected(runtime, server, options=TRUSTING, name="fault.test", session=None, patience=PATIENCE):
    """A secured channel, which is closed if it cannot be made."""
    channel = Channel(socket.create_connection((server.host, server.port)), "mx.test:465")
    try:
        await channel.start_tls(runtime, options.context(), name, runtime.now() + patience, session)
    except BaseException:
        channel.close()
        raise
    return channel


def refusal(drive, server, options=TRUSTING, name="fault.test", patience=PATIENCE):
    """What the user is told when the handshake fails."""

    async def scenario(runtime):
        with pytest.raises(OSError) as caught:  # noqa: PT012  # what a server refuses late, shows at the first read
            channel = await connected(runtime, server, options, name, patience=patience)
            try:
                await channel.read(runtime, runtime.now() + patience)
            finally:
                channel.close()
        return explain_tls(caught.value, "mx.test", 465, "connect")

    return drive(scenario)


class TestSpeaking:
    def test_carries_octets_both_ways(self, drive_all):
        received = []

        def script(tls):
            tls.sendall(b"220 hi\r\n")
            while sum(map(len, received)) < 3_000_000:
                received.append(tls.recv(65_536))
            tls.sendall(b"250 " + b"y" * 200_000)

        async def scenario(runtime):
            channel = await connected(runtime, server)
            deadline = runtime.now() + PATIENCE
            assert await channel.read(runtime, deadline) == b"220 hi\r\n"
            for piece in (b"a" * 10, b"b" * 40_000, b"c" * 100, b"d" * (3_000_000 - 40_110)):
                channel.queue(piece)
            assert channel.unsent == 3_000_000
            assert await channel.flush(runtime, deadline) is True
            assert channel.unsent == 0
            reply = b""
            while len(reply) < 200_004:
                reply += await channel.read(runtime, deadline)
            channel.close()
            return reply

        with tls_listening(certificates.good(), script) as server:
            assert drive_all(scenario) == b"250 " + b"y" * 200_000
        sent = b"a" * 10 + b"b" * 40_000 + b"c" * 100 + b"d" * (3_000_000 - 40_110)
        assert hashlib.sha256(b"".join(received)).digest() == hashlib.sha256(sent).digest()

    def test_says_that_it_is_secure_and_how(self, drive):
        async def scenario(runtime):
            channel = await connected(runtime, server)
            assert (channel.secure, channel.tls_version) == (True, "TLSv1.3")
            assert repr(channel) == "<Channel mx.test:465 TLS>"
            assert ssl.DER_cert_to_PEM_cert(channel.peer_certificate).startswith("-----BEGIN")
            assert channel.channel_binding("tls-server-end-point") == endpoint_hash(channel.peer_certificate)
            assert channel.channel_binding("tls-unique") is None
            channel.close()

        with tls_listening(certificates.good()) as server:
            drive(scenario)

    def test_is_bound_by_its_finished_messages_in_tls_1_2(self, drive):
        async def scenario(runtime):
            channel = await connected(runtime, server)
            binding = channel.channel_binding("tls-unique")
            channel.close()
            return channel.tls_version, binding

        def script(tls):
            bindings.append(tls.get_channel_binding("tls-unique"))
            greet(tls)

        bindings = []
        with tls_listening(only(ssl.TLSVersion.TLSv1_2), script) as server:
            version, binding = drive(scenario)
        assert (version, bindings) == ("TLSv1.2", [binding])

    def test_knows_what_was_certainly_not_sent(self, drive_all):
        """A record that the kernel has not taken whole is unreadable, so its octets count as unsent."""
        received = []

        def script(tls):
            blocked.wait(PATIENCE)
            try:
                while piece := tls.recv(65_536):
                    received.append(piece)
            except ssl.SSLError:
                return

        async def scenario(runtime):
            channel = await connected(runtime, server)
            channel.queue(b"z" * 20_000_000)
            with pytest.raises(TimeoutError):
                await channel.flush(runtime, runtime.now() + 0.1)
            unsent = channel.unsent
            channel.close()
            blocked.set()
            return unsent

        blocked = threading.Event()
        with tls_listening(certificates.good(), script) as server:
            unsent = drive_all(scenario)
        assert 0 < unsent < 20_000_000
        assert sum(map(len, received)) + unsent == 20_000_000

    def test_hears_a_refusal_while_it_writes(self, drive_all):
        def script(tls):
            tls.sendall(b"552 too big\r\n")
            done.wait(PATIENCE)

        def heard(data):
            said.append(data)
            return True

        async def scenario(runtime):
            channel = await connected(runtime, server)
            channel.queue(b"z" * 20_000_000)
            stopped = await channel.flush(runtime, runtime.now() + PATIENCE, heard)
            unsent = channel.unsent
            channel.close()
            done.set()
            return stopped, unsent > 0

        said, done = [], threading.Event()
        with tls_listening(certificates.good(), script) as server:
            assert drive_all(scenario) == (False, True)
        assert said == [b"552 too big\r\n"]

    def test_keeps_no_more_than_a_bounded_amount(self, drive):
        def script(tls):
            try:
                while True:
                    tls.sendall(b"250 babble\r\n" * 1_000)
            except OSError:
                return

        async def scenario(runtime):
            channel = await connected(runtime, server)
            channel.queue(b"z" * 20_000_000)
            with pytest.raises(TimeoutError):
                await channel.flush(runtime, runtime.now() + 0.3)
            kept = len(channel._kept)
            channel.close()
            return kept

        with tls_listening(certificates.good(), script) as server:
            assert 0 < drive(scenario) < 3 * _KEEP_LIMIT

    def test_runs_inside_the_tls_of_a_proxy(self, drive):
        def script(outer):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            inner = certificates.good().wrap_bio(incoming, outgoing, server_side=True)

            def until(step):
                while True:
                    try:
                        result = step()
                    except ssl.SSLWantReadError:
                        outer.sendall(outgoing.read())
                        incoming.write(outer.recv(65_536))
                        continue
                    outer.sendall(outgoing.read())
                    return result

            until(inner.do_handshake)
            taken = 0
            while taken < 100_000:
                taken += len(until(lambda: inner.read(65_536)))
            until(lambda: inner.write(b"250 %d\r\n" % taken))

        async def scenario(runtime):
            channel = await connected(runtime, server)
            deadline = runtime.now() + PATIENCE
            await channel.start_tls(runtime, TRUSTING.context(), "localhost", deadline)
            channel.queue(b"z" * 100_000)
            assert channel.unsent == 100_000
            await channel.flush(runtime, deadline)
            assert channel.unsent == 0
            reply = await channel.read(runtime, deadline)
            channel.close()
            return reply

        with tls_listening(certificates.good(), script) as server:
            assert drive(scenario) == b"250 100000\r\n"

    def test_is_not_begun_over_plain_text_that_was_left_over(self, drive):
        async def scenario(runtime):
            channel = Channel(socket.create_connection((server.host, server.port)))
            await runtime.wait([(channel._sock, 1)], runtime.now() + PATIENCE)
            assert channel.has_input()
            with pytest.raises(ssl.SSLError, match="plain text"):
                await channel.start_tls(runtime, TRUSTING.context(), "fault.test", runtime.now() + PATIENCE)
            channel.close()

        with listening(say(b"250 injected\r\n")) as server:
            drive(scenario)


class TestTheEnd:
    def read_all(self, drive, script, context=None):
        async def scenario(runtime):
            channel = await connected(runtime, server)
            deadline = runtime.now() + PATIENCE
            pieces = [await channel.read(runtime, deadline) for _ in range(3)]
            waiting = channel.has_input()
            channel.close()
            return pieces, waiting

        with tls_listening(context or certificates.good(), script) as server:
            return drive(scenario)

    def test_without_close_notify_is_an_end_like_any_other(self, drive_all):
        def script(tls):
            tls.sendall(b"221 bye\r\n")
            socket.socket(fileno=tls.detach()).close()

        assert self.read_all(drive_all, script) == ([b"221 bye\r\n", b"", b""], True)

    def test_with_close_notify_does_not_wait_for_the_socket_to_close(self, drive_all):
        def script(tls):
            tls.sendall(b"221 bye\r\n")
            tls.settimeout(0.2)
            try:
                tls.unwrap()
            except OSError:
                return

        assert self.read_all(drive_all, script) == ([b"221 bye\r\n", b"", b""], True)

    def test_by_reset_is_an_error(self, drive):
        def script(tls):
            tls.sendall(b"220 hi\r\n")
            tls.recv(10)
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket(fileno=tls.detach()).close()

        async def scenario(runtime):
            channel = await connected(runtime, server)
            deadline = runtime.now() + PATIENCE
            await channel.read(runtime, deadline)
            channel.queue(b"EHLO\r\n")
            await channel.flush(runtime, deadline)
            with pytest.raises(ConnectionResetError):
                await channel.read(runtime, deadline)
            channel.close()

        with tls_listening(certificates.good(), script) as server:
            drive(scenario)


class TestIdle:
    def test_is_not_disturbed_by_what_only_tls_says(self, drive):
        """TLS 1.3 sends tickets of its own accord: no sign of life of the server above it."""

        async def scenario(runtime):
            channel = await connected(runtime, server)
            quiet = channel.has_input()
            channel.queue(b"go")
            await channel.flush(runtime, runtime.now() + PATIENCE)
            while not channel.has_input():
                await runtime.wait([(channel._sock, 1)], runtime.now() + PATIENCE)
            said = await channel.read(runtime, runtime.now() + PATIENCE)
            channel.close()
            return quiet, said

        def script(tls):
            tls.recv(2)
            tls.sendall(b"421 idle\r\n")

        with tls_listening(certificates.good(), script) as server:
            assert drive(scenario) == (False, b"421 idle\r\n")


class TestResumption:
    def visit(self, drive, server, sessions, options=TRUSTING):
        async def scenario(runtime):
            channel = await connected(runtime, server, options, session=sessions[-1] if sessions else None)
            await channel.read(runtime, runtime.now() + PATIENCE)
            sessions.append(channel.tls_session)
            resumed = channel.tls_resumed
            pin = pin_of(channel.peer_certificate)
            channel.close()
            return resumed, pin

        return drive(scenario)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_really_resumes_and_still_knows_the_certificate(self, drive_all, version):
        sessions = []
        with tls_listening(only(version)) as server:
            visits = [self.visit(drive_all, server, sessions) for _ in range(4)]
        assert [resumed for resumed, _ in visits] == [False, True, True, True]
        assert len({pin for _, pin in visits}) == 1

    def test_never_uses_a_session_of_another_context(self, drive):
        sessions = []
        with tls_listening(certificates.good()) as server:
            self.visit(drive, server, sessions)
            resumed, _ = self.visit(drive, server, sessions, TLSOptions(ca=certificates.authority_pem()))
        assert resumed is False


def only(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.authority().issue_cert(*certificates.NAMES).configure_cert(context)
    context.minimum_version = context.maximum_version = version
    return context


def serving(*names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.authority().issue_cert(*names).configure_cert(context)
    return context


class TestNames:
    @pytest.mark.parametrize("name", ["fault.test", "localhost", "127.0.0.1", "::1", "FAULT.test"])
    def test_one_of_the_certificates_names_and_addresses_will_do(self, drive, name):
        async def scenario(runtime):
            channel = await connected(runtime, server, TRUSTING, TRUSTING.name_for(name))
            channel.close()

        with tls_listening(certificates.good()) as server:
            drive(scenario)

    @pytest.mark.parametrize(("host", "good"), [("a.wild.test", True), ("a.b.wild.test", False), ("wild.test", False)])
    def test_a_wildcard_covers_one_label(self, drive, host, good):
        async def scenario(runtime):
            channel = await connected(runtime, server, TRUSTING, host)
            channel.close()
            return True

        with tls_listening(serving("*.wild.test")) as server:
            if good:
                assert drive(scenario)
            else:
                assert "another name" in str(refusal(drive, server, name=host))

    def test_the_servername_is_asked_for_and_looked_for(self, drive):
        asked = []
        context = serving("inside.test")
        context.sni_callback = lambda tls, name, _: asked.append(name)
        options = TLSOptions(ca=certificates.authority_pem(), servername="inside.test")

        async def scenario(runtime):
            channel = await connected(runtime, server, options, options.name_for("127.0.0.1"))
            channel.close()

        with tls_listening(context) as server:
            drive(scenario)
        assert asked == ["inside.test"]

    def test_the_common_name_does_not_count(self, drive):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificates.authority().issue_cert("other.test", common_name="fault.test").configure_cert(context)
        with tls_listening(context) as server:
            assert "another name" in str(refusal(drive, server))


class TestRefusals:
    @pytest.mark.parametrize(
        ("context", "advice"),
        [
            (certificates.expired, "has expired"),
            (certificates.wrong_name, "another name"),
            (certificates.unknown_issuer, "not trusted here"),
            (certificates.old_protocol, "TLS 1.2"),
        ],
    )
    def test_say_what_is_wrong_and_what_to_do(self, drive_all, context, advice):
        with tls_listening(context()) as server:
            error = refusal(drive_all, server)
        assert isinstance(error, TLSError)
        assert advice in str(error)
        assert str(error).startswith("cannot secure the connection to mx.test:465: ")
        assert (error.code, error.stage, error.temporary) == ("ETLS", "connect", False)

    def test_name_an_address_that_is_not_in_the_certificate(self, drive):
        with tls_listening(serving("elsewhere.test")) as server:
            assert "not for this address" in str(refusal(drive, server, name="127.0.0.1"))

    def test_do_not_happen_without_verification(self, drive):
        async def scenario(runtime):
            channel = await connected(runtime, server, TLSOptions(reject_unauthorized=False))
            channel.close()

        with tls_listening(certificates.unknown_issuer()) as server:
            drive(scenario)

    @pytest.mark.parametrize("text", [b"220 mx.test ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0\0"])
    def test_recognise_plain_text_where_tls_was_expected(self, drive, text):
        with listening(say(text)) as server:
            error = refusal(drive, server)
        assert "plain text" in str(error)
        assert "STARTTLS" in str(error)

    def test_are_temporary_if_the_server_hangs_up(self, drive_all):
        with listening(lambda connection: connection.recv(10_000)) as server:
            error = refusal(drive_all, server)
        assert "hung up" in str(error)
        assert error.temporary is True

    def test_are_temporary_if_the_server_resets_the_connection(self, drive):
        def handle(connection):
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with listening(handle) as server:
            error = refusal(drive, server)
        assert "hung up" in str(error)
        assert error.temporary is True

    def test_do_not_wait_longer_than_the_deadline(self, drive_all):
        async def scenario(runtime):
            with pytest.raises(TimeoutError):
                await connected(runtime, server, patience=0.05)

        with listening(lambda connection: connection.recv(100_000) and connection.recv(1)) as server:
            drive_all(scenario)

    def test_tell_the_server_why(self, drive):
        with tls_listening(certificates.unknown_issuer()) as server:
            refusal(drive, server)
        assert "ALERT_UNKNOWN_CA" in str(server.errors[0]).upper().replace(" ", "_")


class TestClientCertificates:
    def options(self, authority):
        leaf = authority.issue_cert("client.test")
        return TLSOptions(
            ca=certificates.authority_pem(),
            cert=leaf.cert_chain_pems[0].bytes(),
            key=leaf.private_key_pem.bytes(),
        )

    def test_are_shown_to_a_server_that_asks(self, drive_all):
        async def scenario(runtime):
            channel = await connected(runtime, server, self.options(certificates.authority()))
            greeting = await channel.read(runtime, runtime.now() + PATIENCE)
            channel.close()
            return greeting

        with tls_listening(certificates.asking_for_a_certificate()) as server:
            assert drive_all(scenario) == b"220 mx.test\r\n"

    def test_are_asked_for_if_they_are_missing(self, drive):
        with tls_listening(certificates.asking_for_a_certificate()) as server:
            assert "wants a client certificate" in str(refusal(drive, server))

    def test_may_be_refused(self, drive):
        import trustme

        with tls_listening(certificates.asking_for_a_certificate()) as server:
            assert "does not accept our" in str(refusal(drive, server, self.options(trustme.CA())))


class TestPins:
    def check(self, drive, pins):
        async def scenario(runtime):
            channel = await connected(runtime, server, TLSOptions(reject_unauthorized=False))
            pin = pin_of(channel.peer_certificate)
            try:
                check_pins(channel.peer_certificate, pins or (pin,), "mx.test", 465)
            finally:
                channel.close()
            return pin

        with tls_listening(certificates.unknown_issuer()) as server:
            return drive(scenario)

    def test_accept_the_key_that_they_name(self, drive):
        assert len(self.check(drive, None)) == 44

    def test_refuse_any_other_and_say_which_it_is(self, drive):
        other = "A" * 43 + "="
        with pytest.raises(TLSError, match=r"not one of the 1 pinned ones.*its pin is '[A-Za-z0-9+/]{43}='"):
            self.check(drive, (other,))

    def test_that_are_not_given_accept_any_key(self):
        check_pins(None, (), "mx.test", 465)

    def test_refuse_a_peer_without_a_certificate(self):
        with pytest.raises(TLSError):
            check_pins(None, ("A" * 43 + "=",), "mx.test", 465)
