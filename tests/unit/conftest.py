"""What unit tests have beside the two colours: both fronts."""

from __future__ import annotations

import pytest

from tests.fronts import Front


@pytest.fixture(params=["sync", "async"])
def front(request: pytest.FixtureRequest) -> Front:
    """Runs a scenario with an open mailer, once in each colour."""
    return Front(request.param)
