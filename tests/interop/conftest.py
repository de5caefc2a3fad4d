"""Servers that run for the whole session, a client of either colour, and the table of what came out.

Knows pytest; what the servers are is in `peers`, what the table looks like in `table`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.interop.cache import NotToBeHad
from tests.interop.client import Client
from tests.interop.instance import Instance
from tests.interop.peers import Peer
from tests.interop.server import Server
from tests.interop.table import Table

FIRST_START_SECONDS = 600
"""The first test of a server may have to fetch it."""

_table = pytest.StashKey[Table]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_table] = Table()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "interop" in item.path.parts:
            item.add_marker("interop")
            item.add_marker(pytest.mark.timeout(FIRST_START_SECONDS))


@pytest.fixture(scope="session")
def _instances() -> Iterator[dict[type[Instance], Instance]]:
    """The servers that run, by their kind; started when first wanted, ended with the session."""
    with contextlib.ExitStack() as stack:
        instances = _Instances(stack)
        yield instances


class _Instances(dict):
    def __init__(self, stack: contextlib.ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, kind: type[Instance]) -> Instance:
        try:
            self[kind] = self._stack.enter_context(kind())
        except NotToBeHad as error:
            pytest.fail(f"{kind.name}: {error}", pytrace=False)
        return self[kind]


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, _instances: dict[type[Instance], Instance]) -> Server:
    """A running server; which one, the test's `capability` says."""
    peer: Peer = request.param
    return Server(peer, _instances[peer.kind])


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest) -> Client:
    """The library, in each colour."""
    return Client(request.param)


# --- the table ---


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    marker, server = item.get_closest_marker("capability"), getattr(item, "funcargs", {}).get("server")
    if marker and server and report.when == "call":
        item.config.stash[_table].add(marker.args[0], server, passed=report.passed)
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        item.config.stash[_table].whole = False


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.config.stash[_table].write()
