"""What a test of a capability says of itself: at which servers it runs, and which row of the table it fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.interop.peers import offering

Test = Callable[..., Any]


def capability(name: str) -> Callable[[Test], Test]:
    """Run the test at every server that offers the capability."""

    def mark(test: Test) -> Test:
        peers = offering(name)
        assert peers, f"no server offers {name!r}"
        at_each = pytest.mark.parametrize("server", peers, indirect=True, ids=[peer.name for peer in peers])
        return pytest.mark.capability(name)(at_each(test))

    return mark


def mechanism(*names: str) -> Callable[[Test], Test]:
    """Run the test with each mechanism at every server that offers it; each mechanism is a row of its own."""
    cases = [
        pytest.param(peer, name, marks=pytest.mark.capability(f"AUTH {name}"), id=f"{peer.name} {name}")
        for name in names
        for peer in offering(f"AUTH {name}")
    ]
    return pytest.mark.parametrize(("server", "method"), cases, indirect=["server"])
