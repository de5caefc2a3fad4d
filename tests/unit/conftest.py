"""What unit tests have beside the two colours: both fronts."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.fronts import Front


@pytest.fixture(params=["sync", "async"])
def front(request: pytest.FixtureRequest) -> Front:
    """Runs a scenario with an open mailer, once in each colour."""
    return Front(request.param)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that are connected with each other; the first does not block."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs
