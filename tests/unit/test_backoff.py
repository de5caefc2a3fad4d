"""How long to wait before trying again."""

from __future__ import annotations

import pytest

from pymailer_smtp_pool.backoff import Backoff


def longest(most: float = 5.0) -> Backoff:
    return Backoff(most, random=lambda: 1.0)


def shortest(most: float = 5.0) -> Backoff:
    return Backoff(most, random=lambda: 0.0)


def test_it_doubles():
    assert [longest()(failures) for failures in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.8]


def test_it_is_bounded():
    assert longest(most=5.0)(1000) == 5.0


@pytest.mark.parametrize("failures", [1, 5, 100])
def test_the_jitter_takes_at_most_half(failures):
    assert shortest()(failures) == longest()(failures) / 2


def test_two_clients_do_not_wait_equally_long():
    backoff = Backoff(5.0)
    assert len({backoff(10) for _ in range(20)}) > 1
