"""The fixture `fault_server`: makes servers for a test, and closes and judges them after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.rules import Rule
from tests.faults.server import FaultServer


@pytest.fixture
def fault_server() -> Iterator[Callable[..., FaultServer]]:
    """Makes servers: `server = fault_server(at("final", commit, drop), users={"u": "p"})`."""
    with contextlib.ExitStack() as servers:
        strict: list[FaultServer] = []

        def make(*rules: Rule, strict_client: bool = True, **options: Any) -> FaultServer:
            server = servers.enter_context(FaultServer(*rules, **options))
            strict.extend([server] if strict_client else [])
            return server

        yield make
    for server in strict:
        assert not server.violations, f"the client broke the protocol: {server.violations}"
