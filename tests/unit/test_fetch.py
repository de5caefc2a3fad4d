"""Content from the web: what is fetched, what is refused, and how far it may go."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from traceback import TracebackException

import attrs
import pytest
import trustme

from pymailer.errors import MailTimeoutError, MessageError
from pymailer.message import fetch as fetching
from pymailer.message.composer import ComposePolicy, compose
from pymailer.message.fetch import FetchLimits, is_public
from pymailer.message.merge import merge_message
from pymailer.message.origins import Remote
from pymailer.secret import Secret
from tests.composing import PARTIES, composed, composed_in, read

OPEN = FetchLimits(private=True, seconds=5)
LARGE = bytes(range(256)) * 8192  # 2 MiB: goes through a file


def fetch(url: str, headers: dict | None, limits: FetchLimits):
    return fetching.fetch(Remote(Secret(url), Secret(headers or {})), limits)


Answer = Callable[[BaseHTTPRequestHandler], None]


@attrs.define
class Web:
    """A server on loopback that answers each path as told, and remembers the headers it was sent."""

    port: int
    answers: dict[str, Answer] = attrs.field(factory=dict)
    requests: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    """Hands each request to what its server was told."""

    web: Web

    def do_GET(self) -> None:
        self.web.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.web.answers[self.path](self)

    def log_message(self, *_: object) -> None:
        pass


def content(data: bytes, status: int = 200, length: int | None = None, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def redirect(target: str, status: int = 302) -> Answer:
    return content(b"", status, Location=target)


@pytest.fixture
def web() -> Iterator[Web]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisHandler", (Handler,), {}))
    server.RequestHandlerClass.web = found = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def octets(source) -> bytes:
    return b"".join(source.chunks())


def refused(url: str, limits: FetchLimits = OPEN, headers: dict | None = None) -> MessageError:
    with pytest.raises(MessageError) as caught:
        fetch(url, headers, limits)
    return caught.value


class TestWhatIsFetched:
    @pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=len)
    def test_comes_whole(self, web: Web, data: bytes) -> None:
        web.answers["/x?y=1"] = content(data)
        source = fetch(web.url("/x?y=1"), None, OPEN)
        assert source.length == len(data)
        assert octets(source) == octets(source) == data

    def test_may_be_chunked(self, web: Web) -> None:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.protocol_version = "HTTP/1.1"
            request.send_response(200)
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            request.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

        web.answers["/"] = answer
        assert octets(fetch(web.url(""), None, OPEN)) == b"abcde"

    def test_is_an_attachment_a_text_or_a_message(self, drive, web: Web) -> None:
        web.answers |= {"/a/file.pdf?x=1": content(b"%PDF"), "/t": content("größe".encode())}
        policy = ComposePolicy(allow_private_urls=True)

        async def send(runtime) -> bytes:
            fields = {"text": {"href": web.url("/t")}, "attachments": [{"href": web.url("/a/file.pdf?x=1")}]}
            message = (await composed_in(runtime, policy, **fields)).message
            return b"".join([chunk async for chunk in message.chunks(runtime)])

        message = read(drive(send))
        (part,) = message.iter_attachments()
        assert (part.get_filename(), part.get_content_type()) == ("file.pdf", "application/pdf")
        assert part.get_payload(decode=True) == b"%PDF"
        assert message.get_body().get_content().strip() == "größe"

    def test_is_asked_for_with_the_given_headers_and_credentials(self, web: Web) -> None:
        web.answers["/x"] = content(b"x")
        fetch(web.url("/x", "us%40er:p%3Aw@127.0.0.1"), {"X-Key": "k"}, OPEN)
        ((_, headers),) = web.requests
        assert headers["authorization"] == "Basic dXNAZXI6cDp3"
        assert headers["x-key"] == "k"
        assert headers["accept-encoding"] == "identity"

    def test_may_be_elsewhere(self, web: Web) -> None:
        web.answers |= {f"/{status}": redirect("/x", status) for status in (301, 302, 303, 307, 308)}
        web.answers["/x"] = content(b"x")
        for status in (301, 302, 303, 307, 308):
            assert octets(fetch(web.url(f"/{status}"), None, OPEN)) == b"x"

    def test_over_tls_comes_from_whom_the_name_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        authority = trustme.CA()
        client, server = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.configure_trust(client)
        authority.issue_cert("localhost").configure_cert(server)
        monkeypatch.setattr(fetching, "_tls_context", lambda: client)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            thread = threading.Thread(target=_serve_tls, args=(listener, server))
            thread.start()
            assert octets(fetch(f"https://localhost:{port}/", None, OPEN)) == b"secure"
            assert "certificate" in str(refused(f"https://127.0.0.1:{port}/"))
            thread.join()


def _serve_tls(listener: socket.socket, context: ssl.SSLContext) -> None:
    for _ in range(2):
        raw, _ = listener.accept()
        try:
            with context.wrap_socket(raw, server_side=True) as connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecure")
        except OSError:
            raw.close()


class TestCredentials:
    def test_are_not_taken_to_another_origin(self, web: Web) -> None:
        web.answers |= {
            "/start": redirect(f"http://localhost:{web.port}/there"),
            "/there": redirect(web.url("/back")),
            "/back": content(b"x"),
        }
        fetch(web.url("/start", "user:pass@127.0.0.1"), {"Cookie": "c", "X-Key": "k"}, OPEN)
        assert [{"authorization", "cookie", "x-key"} & headers.keys() for _, headers in web.requests] == [
            {"authorization", "cookie", "x-key"},
            set(),
            set(),
        ]

    def test_are_taken_along_within_one(self, web: Web) -> None:
        web.answers |= {"/start": redirect("/there"), "/there": content(b"x")}
        fetch(web.url("/start"), {"Authorization": "Bearer t"}, OPEN)
        assert [headers["authorization"] for _, headers in web.requests] == ["Bearer t", "Bearer t"]

    @pytest.mark.parametrize("path", ["/none", "/away", "/away/again"])
    def test_are_not_among_the_locals_of_a_traceback(self, web: Web, path: str) -> None:
        web.answers |= {
            "/none?token=t0ken": content(b"", 403),
            "/away?token=t0ken": redirect("file:///x?token=t0ken"),
            "/away/again?token=t0ken": redirect("/none?token=t0ken"),
        }
        error = refused(web.url(f"{path}?token=t0ken", "user:passw0rd@127.0.0.1"), OPEN, {"X-Key": "k3y"})
        shown = "".join(TracebackException.from_exception(error, capture_locals=True).format())
        own = shown[shown.index("pymailer/message/fetch.py") :]
        assert not [secret for secret in ("passw0rd", "t0ken", "k3y", "dXNlcjpwYXNzdzByZA") if secret in own]

    def test_are_never_shown(self, web: Web) -> None:
        web.answers["/secret-path?token=t0ken"] = content(b"", 403)
        error = refused(web.url("/secret-path?token=t0ken", "user:passw0rd@127.0.0.1"))
        assert "403" in str(error)
        assert "passw0rd" not in str(error)
        assert "t0ken" not in str(error)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "url",
        [
            *("gopher://localhost/x", "file:///etc/passwd", "ftp://example.com/", "//example.com/x", "x", ""),
            *("http://", "http:///x", "http://[::1", "http://a:b:c/", "http://a:99999/", "javascript:alert(1)"),
            *("http://a/b c", "http://a/\r\nX: y", "http://a/ü", "data://x"),
        ],
    )
    def test_an_address_that_is_not_of_the_web(self, url: str) -> None:
        assert refused(url).code == "EURLACCESS"

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "[::1]", "0.0.0.0"]
    )
    def test_an_address_that_leads_to_this_machine(self, web: Web, host: str) -> None:
        error = refused(web.url("/x", host), FetchLimits())
        assert error.code == "EURLACCESS"
        assert web.requests == []

    @pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "[fe80::1]", "[::ffff:10.0.0.1]"])
    def test_an_address_inside_a_network(self, host: str) -> None:
        assert refused(f"http://{host}/latest/meta-data/", FetchLimits()).code == "EURLACCESS"

    def test_a_redirect_into_a_network(self, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetching, "is_public", lambda address: address == "127.0.0.1")
        web.answers["/x"] = redirect("http://169.254.169.254/")
        assert refused(web.url("/x"), FetchLimits()).code == "EURLACCESS"

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://x/", "data:,x"])
    def test_a_redirect_out_of_the_web(self, web: Web, target: str) -> None:
        web.answers["/x"] = redirect(target)
        assert refused(web.url("/x")).code == "EURLACCESS"

    def test_the_message_says_what_would_allow_it(self, web: Web) -> None:
        with pytest.raises(MessageError, match="allow_private_urls"):
            composed(html={"href": web.url("/x")})


class TestLimits:
    def test_of_redirects(self, web: Web) -> None:
        web.answers["/x"] = redirect("/x")
        assert "redirects" in str(refused(web.url("/x")))
        assert len(web.requests) == 6

    @pytest.mark.parametrize("length", [None, 10_000])
    def test_of_size(self, web: Web, length: int | None) -> None:
        web.answers["/x"] = content(b"x" * 1000, length=length)
        assert "larger" in str(refused(web.url("/x"), FetchLimits(private=True, size=999)))

    def test_of_time_for_a_server_that_says_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            started = time.monotonic()
            error = refused(f"http://127.0.0.1:{listener.getsockname()[1]}/", FetchLimits(private=True, seconds=0.1))
        assert isinstance(error.__cause__, TimeoutError)
        assert time.monotonic() - started < 3

    def test_of_time_for_a_server_that_says_a_little_now_and_then(self, web: Web) -> None:
        stop = threading.Event()

        def trickle(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", "100000")
            request.end_headers()
            try:
                while not stop.wait(0.01):
                    request.wfile.write(b"x")
                    request.wfile.flush()
            except OSError:
                pass

        web.answers["/x"] = trickle
        started = time.monotonic()
        error = refused(web.url("/x"), FetchLimits(private=True, seconds=0.3))
        stop.set()
        assert isinstance(error.__cause__, TimeoutError)
        assert time.monotonic() - started < 3

    def test_of_time_that_the_message_has_left(self, drive) -> None:
        async def send(runtime) -> None:
            message = merge_message({**PARTIES, "html": {"href": url}}, {}, {})
            await compose(runtime, message, ComposePolicy(allow_private_urls=True), runtime.now() + 0.1)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            with pytest.raises(MailTimeoutError, match="over"):
                drive(send)


class TestWhatGoesWrong:
    @pytest.mark.parametrize("status", [204, 304, 400, 404, 500])
    def test_is_told_with_the_servers_answer(self, web: Web, status: int) -> None:
        web.answers["/x"] = content(b"", status)
        error = refused(web.url("/x"))
        assert error.code == "ESTREAM"
        assert str(status) in str(error)
        assert web.url("/x") in str(error)

    def test_an_early_end_is_no_end(self, web: Web) -> None:
        web.answers["/x"] = content(b"short", length=1000)
        assert "before its end" in str(refused(web.url("/x")))

    def test_compressed_content_is_not_what_was_asked_for(self, web: Web) -> None:
        web.answers["/x"] = content(b"x", Content_Encoding="gzip")
        assert "compressed" in str(refused(web.url("/x")))

    def test_nobody_is_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        error = refused(f"http://127.0.0.1:{port}/")
        assert isinstance(error.__cause__, ConnectionRefusedError)

    def test_something_else_is_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=_say, args=(listener, b"220 mail.example ESMTP\r\n"))
            thread.start()
            assert refused(f"http://127.0.0.1:{listener.getsockname()[1]}/").code == "ESTREAM"
            thread.join()


def _say(listener: socket.socket, what: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(what)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        *((address, False) for address in ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.1.1")),
        *((address, False) for address in ("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1")),
        *(
            (address, False)
            for address in ("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1")
        ),
        *((address, False) for address in ("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:10.0.0.1")),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
