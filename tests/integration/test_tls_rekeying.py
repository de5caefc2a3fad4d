"""A server that changes keys in the middle: KeyUpdate in TLS 1.3, renegotiation in TLS 1.2.

The peer is OpenSSL's own `s_server`, which does either on a word from its terminal; Python's `ssl` cannot.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading

import pytest

from pymailer.net.channel import Channel
from pymailer.runtime import READ
from tests.faults import certificates

OPENSSL = shutil.which("openssl")
PATIENCE = 10.0
CHUNK = b"hello%d " * 20_000

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl program")


class Server:
    """`openssl s_server`, its terminal in our hands."""

    def __init__(self, certificate, version):
        command = [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-naccept", "1", version]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        line = b""
        while not line.startswith(b"ACCEPT"):
            line = self.process.stdout.readline()
        self.port = int(line.rsplit(b":", 1)[1])
        self.output = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        self.output = self.process.stdout.read()

    def type(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()


@pytest.fixture
def serve(tmp_path):
    certificate = tmp_path / "server.pem"
    certificates.authority().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    servers = []

    def start(version):
        servers.append(Server(certificate, version))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("version", "word"), [("-tls1_3", b"K"), ("-tls1_2", b"R")], ids=["KeyUpdate", "renegotiation"]
)
def test_new_keys_change_nothing_for_what_is_written_and_read(drive_all, serve, version, word):
    server = serve(version)

    async def scenario(runtime):
        deadline = runtime.now() + PATIENCE
        await channel.start_tls(runtime, certificates.client_context(), "localhost", deadline)
        server.type(b"ready")
        assert await channel.read(runtime, deadline) == b"ready\n"  # and with it what TLS 1.3 sends unasked
        for number in range(3):
            server.type(word)
            await runtime.wait([(channel._sock, READ)], deadline)
            assert channel.has_input() is False
            channel.queue(CHUNK.replace(b"%d", b"%d" % number))
            assert await channel.flush(runtime, deadline) is True
            assert channel.unsent == 0
            server.type(b"text%d" % number)
            assert await channel.read(runtime, deadline) == b"text%d\n" % number

    channel = Channel(socket.create_connection(("127.0.0.1", server.port)))
    try:
        drive_all(scenario)
    finally:
        channel.close()
    server.close()
    assert server.output.count(b"hello1 ") >= 19_990  # its own remarks stand in between
