"""Third parties: a package that is installed beside pymailer is found by the name of its entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import attrs
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "pymailer_example_transport"


@attrs.define
class API:
    """An HTTP API that takes messages, and what it took."""

    port: int
    posted: list[dict] = attrs.field(factory=list)
    status: int = 200
    authorization: str | None = None


@pytest.fixture
def api() -> Iterator[API]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            api.authorization = self.headers["Authorization"]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            api.posted.append(json.loads(body))
            self.send_response(api.status)
            self.end_headers()
            self.wfile.write(b"queued")

        def log_message(self, *_) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        api = API(server.server_address[1])
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield api
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the example package is installed, as pip does it, without any network."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    source = tmp_path_factory.mktemp("source")
    for path in EXAMPLE.iterdir():
        if path.is_file():
            (source / path.name).write_bytes(path.read_bytes())  # so that building leaves nothing in the repository
    subprocess.run([*command, "--target", str(target), str(source)], check=True, timeout=50)
    return target


def python(installed: Path, program: str) -> str:
    """What a program prints that sees the installed package."""
    path = os.pathsep.join([str(installed), str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SEND = """
from pymailer import create_transport
mailer = create_transport({})
info = mailer.send_mail(from_="a@example.com", to="b@example.com", subject="Hi", text="Hello")
print(mailer.transport.name, info.response, info.outcome)
"""


@pytest.mark.parametrize(
    "selection",
    [
        '"example://127.0.0.1:{port}/?token=secret"',
        '{{"example": True, "host": "127.0.0.1", "port": {port}, "token": "secret"}}',
    ],
    ids=["url", "mapping"],
)
def test_an_installed_transport_is_selected_by_its_name(installed, api, selection) -> None:
    program = SEND.replace("{}", selection.format(port=api.port))
    assert python(installed, program) == "Example queued accepted"
    (posted,) = api.posted
    assert (posted["from"], posted["to"]) == ("a@example.com", ["b@example.com"])
    assert b"Subject: Hi\r\n" in b64decode(posted["content"])
    assert api.authorization == "Bearer secret"


def test_the_example_keeps_the_contract(installed, api) -> None:
    program = (
        "from pymailer.testing import check_transport\n"
        "from pymailer_example_transport import example\n"
        f"check_transport(lambda: example(host='127.0.0.1', port={api.port}))\n"
        "print('kept')"
    )
    assert python(installed, program) == "kept"


@pytest.mark.parametrize(("status", "temporary"), [(400, False), (503, True)])
def test_the_example_tells_a_refusal_from_a_failure(installed, api, status, temporary) -> None:
    api.status = status
    program = (
        "from pymailer import MailError, create_transport\n"
        "try:\n"
        f"    create_transport('example://127.0.0.1:{api.port}').send_mail(from_='a@x.example', to='b@x.example')\n"
        "except MailError as error:\n"
        "    print(error.outcome, error.temporary)\n"
    )
    assert python(installed, program) == f"rejected {temporary}"


def test_a_name_that_is_not_installed_is_told_with_the_closest(installed) -> None:
    program = (
        "from pymailer import ConfigError, create_transport\n"
        "try:\n"
        "    create_transport('exampel:')\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    assert "did you mean 'example'" in python(installed, program)
