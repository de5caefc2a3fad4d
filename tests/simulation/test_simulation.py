"""Ten thousand lives of a pool among random faults; what must hold is in `life`."""

from __future__ import annotations

import pytest

from tests.simulation.life import Life

BATCH = 500
LIVES = 10_000


@pytest.mark.parametrize("first", range(0, LIVES, BATCH))
def test_what_must_hold_holds_in_every_life(first: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="pymailer_smtp_pool")
    for seed in range(first, first + BATCH):
        life = Life(seed)
        try:
            life.play()
            life.check()
        except BaseException as error:
            error.add_note(f"to see it again: python -m tests.simulation {seed}")
            raise
