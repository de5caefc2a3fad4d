"""Through a proxy: HTTP CONNECT, HTTPS, SOCKS 4a and 5; what each is asked, and each way in which it can refuse."""

from __future__ import annotations

import contextlib
import ssl
import traceback

import pytest

from pymailer.errors import ConfigError, MailError, MailTimeoutError, ProxyError, TLSError
from pymailer.net import proxy as proxy_module
from pymailer.net.connect import Route, open_channel
from pymailer.net.proxy import Proxy, parse_proxy
from pymailer.net.tls import TLSOptions
from pymailer.outcome import Outcome, Stage
from tests.faults import certificates
from tests.peers.listener import listening, say
from tests.peers.proxies import HTTPProxy, Socks4Proxy, Socks5Proxy
from tests.peers.tls import tls_listening

PATIENCE = 10.0
SECRET = "s3cr3t/:@"
ENCODED = "s3cr3t%2F%3A%40"


@pytest.fixture
def mail_server():
    with listening(say(b"220 mx.test\r\n")) as server:
        yield server


@pytest.fixture
def lookup(mail_server):
    """Whatever is asked for, the relay goes to our own server."""
    return lambda host, port: (mail_server.host, mail_server.port)


def visit(drive, url, host="mx.test", port=25, **options):
    """Connect through the proxy and read the greeting."""

    async def scenario(runtime):
        way = Route(host=host, port=port, proxy=url, **options)
        channel = await open_channel(runtime, way, runtime.now() + PATIENCE)
        try:
            greeting = await channel.read(runtime, runtime.now() + PATIENCE)
            while not greeting.endswith(b"\n"):
                greeting += await channel.read(runtime, runtime.now() + PATIENCE)
            return channel.peer, greeting
        finally:
            channel.close()

    return drive(scenario)


def failure(drive, url, **options):
    with pytest.raises(MailError) as caught:
        visit(drive, url, **options)
    return caught.value


class TestHTTP:
    def test_connects_us_and_resolves_the_name(self, drive_all, lookup):
        proxy = HTTPProxy(lookup)
        with listening(proxy) as server:
            assert visit(drive_all, f"http://127.0.0.1:{server.port}") == ("mx.test:25", b"220 mx.test\r\n")
        assert proxy.heads == [b"CONNECT mx.test:25 HTTP/1.1\r\nHost: mx.test:25\r\n\r\n"]

    @pytest.mark.parametrize("host", ["::1", "[::1]"])
    def test_gets_an_ipv6_address_in_brackets(self, drive, lookup, host):
        proxy = HTTPProxy(lookup)
        with listening(proxy) as server:
            visit(drive, f"http://127.0.0.1:{server.port}", host=host, port=587)
        assert proxy.heads[0].startswith(b"CONNECT [::1]:587 HTTP/1.1\r\n")

    def test_gets_an_international_name_in_a_labels(self, drive, lookup):
        proxy = HTTPProxy(lookup)
        with listening(proxy) as server:
            visit(drive, f"http://127.0.0.1:{server.port}", host="bücher.test")
        assert proxy.heads[0].startswith(b"CONNECT xn--bcher-kva.test:25 HTTP/1.1\r\n")

    def test_logs_in_with_what_is_in_the_url(self, drive_all, lookup):
        with listening(HTTPProxy(lookup, f"user:{SECRET}")) as server:
            url = f"http://user:{ENCODED}@127.0.0.1:{server.port}"
            assert visit(drive_all, url)[1] == b"220 mx.test\r\n"

    def test_loses_nothing_that_came_with_its_answer(self, drive, lookup):
        with listening(HTTPProxy(lookup, early=b"220-early\r")) as server:
            assert visit(drive, f"http://127.0.0.1:{server.port}")[1].startswith(b"220-early\r")

    def test_takes_an_answer_that_comes_octet_by_octet(self, drive):
        def handle(client):
            client.recv(1_000)
            for octet in b"HTTP/1.0 200 OK\r\n\r\n220 mx.test\r\n":
                client.sendall(bytes([octet]))
            client.recv(1)

        with listening(handle) as server:
            assert visit(drive, f"http://127.0.0.1:{server.port}")[1] == b"220 mx.test\r\n"

    @pytest.mark.parametrize(
        ("answer", "message", "temporary"),
        [
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "it said 403 Forbidden", False),
            (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "credentials in its URL", False),
            (b"HTTP/1.1 503 Busy\r\n\r\n", "it said 503 Busy", True),
            (b"HTTP/1.1 100 Continue\r\n\r\n", "it said 100", False),
            (b"HTTP/1.1 403 \x1b[31mred\xff\r\n\r\n", r"it said 403 ?[31mred\xff", False),
            (b"220 mx.test ESMTP\r\n\r\n", "no HTTP proxy, it said b'220 mx.test ESMTP'", False),
            (b"HTTP/1.1 2000\r\n\r\n", "no HTTP proxy", False),
            (b"\x16\x03\x01\r\n\r\n", "no HTTP proxy", False),
            (b"", "hung up without an answer", True),
            (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "no end", False),
        ],
    )
    def test_may_refuse(self, drive, answer, message, temporary):
        def handle(client):
            client.recv(1_000)
            with contextlib.suppress(OSError):
                client.sendall(answer)

        with listening(handle) as server:
            error = failure(drive, f"http://127.0.0.1:{server.port}")
        assert isinstance(error, ProxyError)
        assert message in str(error)
        assert f"the proxy http://127.0.0.1:{server.port} did not connect us to mx.test:25" in str(error)
        assert (error.code, error.stage, error.temporary) == ("EPROXY", Stage.CONNECT, temporary)
        assert error.outcome is Outcome.NOT_SENT

    def test_may_never_answer(self, drive_all):
        with listening(lambda client: client.recv(1_000) and client.recv(1)) as server:
            error = failure(drive_all, f"http://127.0.0.1:{server.port}", connection_timeout=0.1)
        assert isinstance(error, MailTimeoutError)
        assert f"the proxy http://127.0.0.1:{server.port}" in str(error)

    def test_may_not_be_there(self, drive, unused_port):
        error = failure(drive, f"http://127.0.0.1:{unused_port}")
        assert isinstance(error, ProxyError)
        assert f"the proxy http://127.0.0.1:{unused_port} cannot be reached" in str(error)
        assert error.temporary is True

    def test_shows_no_password(self, drive, lookup):
        with listening(HTTPProxy(lookup, "other:password")) as server:
            url = f"http://user:{ENCODED}@127.0.0.1:{server.port}"
            way = Route(host="mx.test", port=25, proxy=url)
            error = failure(drive, way.proxy)
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert SECRET not in shown
        assert SECRET not in repr(way)
        assert SECRET not in repr(way.proxy)


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


class TestHTTPS:
    @pytest.fixture(autouse=True)
    def _trust(self, monkeypatch):
        trusting = TLSOptions(ca=certificates.authority_pem())
        monkeypatch.setattr(proxy_module.TLSOptions, "parse", lambda value: trusting)

    def test_is_spoken_to_over_tls(self, drive_all, lookup):
        with tls_listening(certificates.good(), HTTPProxy(lookup)) as server:
            assert visit(drive_all, f"https://localhost:{server.port}")[1] == b"220 mx.test\r\n"

    def test_must_be_who_it_says(self, drive, lookup):
        with tls_listening(certificates.wrong_name(), HTTPProxy(lookup)) as server:
            error = failure(drive, f"https://localhost:{server.port}")
        assert isinstance(error, TLSError)
        assert f"localhost:{server.port}" in str(error)

    def test_carries_the_tls_of_the_server_inside_its_own(self, drive):
        """The proxy's TLS protects nothing between the proxy and the server, so the channel is not secure by it."""

        async def scenario(runtime):
            way = Route(host="mx.test", port=25, proxy=f"https://localhost:{server.port}")
            deadline = runtime.now() + PATIENCE
            channel = await open_channel(runtime, way, deadline)
            assert (channel.secure, channel.tls_version, channel.peer_certificate) == (False, None, None)
            await channel.start_tls(runtime, certificates.client_context(), "fault.test", deadline)
            assert (channel.secure, channel.tls_version) == (True, "TLSv1.3")
            greeting = await channel.read(runtime, deadline)
            channel.close()
            return greeting

        with tls_listening(certificates.good()) as mail_server:
            proxy = HTTPProxy(lambda host, port: (mail_server.host, mail_server.port))
            with tls_listening(certificates.good(), proxy) as server:
                assert drive(scenario) == b"220 mx.test\r\n"


class TestSocks5:
    def test_connects_us_and_resolves_the_name(self, drive_all, lookup):
        proxy = Socks5Proxy(lookup)
        with listening(proxy) as server:
            assert visit(drive_all, f"socks5://127.0.0.1:{server.port}")[1] == b"220 mx.test\r\n"
        assert proxy.asked == [(3, "mx.test", 25)]

    @pytest.mark.parametrize(("host", "kind"), [("192.0.2.1", 1), ("2001:db8::1", 4), ("[2001:db8::1]", 4)])
    def test_gets_an_address_as_such(self, drive, lookup, host, kind):
        proxy = Socks5Proxy(lookup)
        with listening(proxy) as server:
            visit(drive, f"socks5://127.0.0.1:{server.port}", host=host)
        assert proxy.asked == [(kind, host.strip("[]"), 25)]

    def test_logs_in_with_what_is_in_the_url(self, drive, lookup):
        with listening(Socks5Proxy(lookup, (b"user", SECRET.encode()))) as server:
            url = f"socks5://user:{ENCODED}@127.0.0.1:{server.port}"
            assert visit(drive, url)[1] == b"220 mx.test\r\n"

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("socks5://127.0.0.1", "it wants credentials: give them in its URL"),
            ("socks5://user:wrong@127.0.0.1", "did not accept the user name and password"),
        ],
    )
    def test_may_not_let_us_in(self, drive, lookup, url, message):
        with listening(Socks5Proxy(lookup, (b"user", b"right"))) as server:
            error = failure(drive, f"{url}:{server.port}")
        assert message in str(error)
        assert error.temporary is False

    @pytest.mark.parametrize(
        ("code", "message", "temporary"),
        [(2, "rules do not allow", False), (4, "host unreachable", True), (77, "unknown failure 77", True)],
    )
    def test_may_fail_to_connect_us(self, drive, lookup, code, message, temporary):
        with listening(Socks5Proxy(lookup, code=code)) as server:
            error = failure(drive, f"socks5://127.0.0.1:{server.port}")
        assert isinstance(error, ProxyError)
        assert message in str(error)
        assert error.temporary is temporary

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad\r\n\r\n", b"\x04\x00", b"\x05"])
    def test_may_be_something_else(self, drive, answer):
        with listening(lambda client: client.recv(100) and client.sendall(answer)) as server:
            assert isinstance(failure(drive, f"socks5://127.0.0.1:{server.port}"), ProxyError)


class TestSocks4:
    def test_connects_us_and_resolves_the_name(self, drive_all, lookup):
        proxy = Socks4Proxy(lookup)
        with listening(proxy) as server:
            assert visit(drive_all, f"socks4a://user@127.0.0.1:{server.port}")[1] == b"220 mx.test\r\n"
        assert proxy.asked == [("mx.test", 25, b"user")]

    def test_gets_an_address_as_such(self, drive, lookup):
        proxy = Socks4Proxy(lookup)
        with listening(proxy) as server:
            visit(drive, f"socks4://127.0.0.1:{server.port}", host="192.0.2.1")
        assert proxy.asked == [("192.0.2.1", 25, b"")]

    def test_cannot_be_asked_for_ipv6(self, drive, lookup):
        with listening(Socks4Proxy(lookup)) as server:
            assert "SOCKS 4 knows no IPv6" in str(failure(drive, f"socks4://127.0.0.1:{server.port}", host="::1"))

    def test_may_refuse(self, drive, lookup):
        with listening(Socks4Proxy(lookup, code=91)) as server:
            assert "it refused" in str(failure(drive, f"socks4://127.0.0.1:{server.port}"))


class TestTheURL:
    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("http://proxy.test", "http://proxy.test:80"),
            ("HTTPS://proxy.test", "https://proxy.test:443"),
            ("socks5://proxy.test/", "socks5://proxy.test:1080"),
            ("socks://[::1]:99", "socks://[::1]:99"),
        ],
    )
    def test_has_a_usual_port(self, url, shown):
        assert str(parse_proxy(url)) == shown

    def test_may_be_given_in_parts(self):
        proxy = Proxy(scheme="http", host="proxy.test", port=3128)
        assert parse_proxy(proxy) is proxy

    def test_may_be_missing(self):
        assert parse_proxy(None) is None

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://user:s3cr3t@proxy.test",
            "proxy.test:3128",
            "http://",
            "http://user:s3cr3t@proxy.test:99999",
            "http://user:s3cr3t@proxy.test:0",
            "http://user:s3cr3t@[::1",
            "http://user:s3cr3t@proxy.test/path",
            "http://user:s3cr3t@proxy.test?a=b",
            "http://user:s3cr3t\r\n@proxy.test",
            "http://user%0d%0aX:s3cr3t@proxy.test",
            "http://user:s3cr3t%0a@proxy.test",
            "http://proxy .test",
            f"socks5://user:{'s3cr3t' * 50}@proxy.test",
            7,
            b"http://proxy.test",
        ],
    )
    def test_is_refused_if_it_is_malformed_and_not_shown(self, url):
        with pytest.raises(ConfigError) as caught:
            parse_proxy(url)
        assert "s3cr3t" not in str(caught.value)


def test_a_proxys_certificate_is_checked_against_the_authorities_of_this_machine():
    assert TLSOptions.parse(None).context().verify_mode is ssl.CERT_REQUIRED
