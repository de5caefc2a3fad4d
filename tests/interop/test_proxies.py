"""Through proxies that others wrote: microsocks for SOCKS 5, tinyproxy for HTTP CONNECT.

Each runs in a root of its own; the server behind it is a listener of ours.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pymailer.errors import ProxyError
from pymailer.net.connect import Route, open_channel
from tests.interop.cache import NotToBeHad
from tests.interop.debian import root_of
from tests.interop.instance import free_port
from tests.peers.listener import listening, say

PATIENCE = 20.0
LOGIN = "user:geheim"


@contextlib.contextmanager
def running(package: str, port: int, *command: str) -> Iterator[None]:
    """A program from a package, listening on loopback."""
    try:
        root = root_of(package)
    except NotToBeHad as error:
        pytest.fail(str(error), pytrace=False)
    process = subprocess.Popen(["chroot", root, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)  # nobody tells us when it listens
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def socks() -> Iterator[int]:
    port = free_port()
    user, _, password = LOGIN.partition(":")
    with running("microsocks", port, "microsocks", "-i", "127.0.0.1", "-p", str(port), "-u", user, "-P", password):
        yield port


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    settings = f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nBasicAuth {LOGIN.replace(':', ' ')}\n"
    name = f"tmp-{port}.conf"
    try:
        path = Path(root_of("tinyproxy"), name)
    except NotToBeHad as error:
        pytest.fail(str(error), pytrace=False)
    path.write_text(settings)
    try:
        with running("tinyproxy", port, "tinyproxy", "-d", "-c", f"/{name}"):
            yield port
    finally:
        path.unlink()


@pytest.fixture(params=["socks5", "http"])
def proxy(request: pytest.FixtureRequest) -> str:
    """The beginning and the end of a proxy's URL, the credentials go in between."""
    kind = request.param
    return f"{kind}://{{}}127.0.0.1:{request.getfixturevalue('socks' if kind == 'socks5' else 'http')}"


def greeting(drive: Any, url: str, port: int) -> bytes:
    async def scenario(runtime: Any) -> bytes:
        deadline = runtime.now() + PATIENCE
        channel = await open_channel(runtime, Route(host="127.0.0.1", port=port, proxy=url), deadline)
        try:
            return await channel.read(runtime, deadline)
        finally:
            channel.close()

    return drive(scenario)


def test_a_proxy_connects_us(drive: Any, proxy: str) -> None:
    with listening(say(b"220 mx.test\r\n")) as server:
        assert greeting(drive, proxy.format(f"{LOGIN}@"), server.port) == b"220 mx.test\r\n"


@pytest.mark.parametrize("credentials", ["", "user:wrong@"])
def test_a_proxy_does_not_let_anybody_in(drive: Any, proxy: str, credentials: str) -> None:
    with listening(say(b"220 mx.test\r\n")) as server, pytest.raises(ProxyError) as caught:
        greeting(drive, proxy.format(credentials), server.port)
    assert caught.value.temporary is False


def test_a_proxy_says_that_nobody_listens_there(drive: Any, proxy: str) -> None:
    with pytest.raises(ProxyError):
        greeting(drive, proxy.format(f"{LOGIN}@"), free_port())
