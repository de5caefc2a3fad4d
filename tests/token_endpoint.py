"""A token endpoint on loopback that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


class TokenEndpoint(ThreadingHTTPServer):
    """Attributes: `answers`, a list of (status, body) whose last one is repeated; `forms`, what was posted."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, *answers: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = [answer if isinstance(answer, tuple) else (200, answer) for answer in answers]
        self.forms: list[dict[str, str]] = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        scheme = "https" if isinstance(self.socket, ssl.SSLSocket) else "http"
        return f"{scheme}://127.0.0.1:{self.server_address[1]}/token"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: TokenEndpoint

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.forms.append(dict(parse_qsl(form)))
        self.server.gate.wait(10)
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *args: Any) -> None:
        """Nothing: the test looks at `forms`."""


@contextlib.contextmanager
def token_endpoint(*answers: Any, tls: ssl.SSLContext | None = None) -> Iterator[TokenEndpoint]:
    """A running endpoint; with `tls` it speaks https."""
    server = TokenEndpoint(*answers)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()
