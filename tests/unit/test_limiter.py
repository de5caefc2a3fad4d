"""The rate: at most so many messages begin in any window of a certain length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pymailer_smtp_pool.limiter import RateLimiter, SlidingWindow


def test_as_many_as_the_limit_begin_at_once():
    window = SlidingWindow(3, 1.0)
    assert [window.ask(100.0) for _ in range(3)] == [0, 0, 0]


def test_one_more_is_told_how_long_to_wait():
    window = SlidingWindow(1, 1.0)
    window.ask(100.0)
    assert 0.7 < window.ask(100.3) < 0.8


def test_it_may_begin_when_it_was_told():
    window = SlidingWindow(2, 1.0)
    for now in (100.0, 100.4):
        assert window.ask(now) == 0
    wait = window.ask(100.5)
    assert window.ask(100.5 + wait) == 0


def test_who_is_told_to_wait_takes_no_place():
    window = SlidingWindow(1, 1.0)
    window.ask(100.0)
    for _ in range(1000):
        window.ask(100.5)
    assert window.ask(101.1) == 0


def test_the_margin_is_short_however_long_the_window():
    window = SlidingWindow(1, 86_400.0)
    window.ask(100.0)
    assert window.ask(100.0) <= 86_400.05


@given(
    limit=st.integers(1, 5),
    length=st.floats(0.01, 100.0),
    steps=st.lists(st.floats(0.0, 50.0), min_size=1, max_size=60),
)
def test_the_limit_holds_in_every_window(limit, length, steps):
    window, now, begun = SlidingWindow(limit, length), 1_000.0, []
    for step in steps:
        now += step
        if window.ask(now) == 0:
            begun.append(now)
    assert all(later - earlier >= length for earlier, later in zip(begun, begun[limit:], strict=False))


@given(st.lists(st.floats(0.0, 3.0), max_size=60))
def test_who_waits_as_told_may_begin(steps):
    window, now = SlidingWindow(2, 1.0), 1_000.0
    for step in steps:
        now += step
        if wait := window.ask(now):
            now += wait + 1e-9
            assert window.ask(now) == 0


def test_any_object_that_reserves_is_a_limiter():
    class Mine:
        def reserve(self, now):
            return 0.0

    assert isinstance(Mine(), RateLimiter)
