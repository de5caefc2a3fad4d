"""The limit in force: less at once when a server complains, more step by step when it does not."""

from __future__ import annotations

import pytest

from pymailer_smtp_pool.adaptive import AdaptiveLimit, Pause
from pymailer_smtp_pool.backoff import Backoff

NOW = 100.0


@pytest.fixture
def limit() -> AdaptiveLimit:
    return AdaptiveLimit(8)


def succeed(limit: AdaptiveLimit, times: int, now: float) -> None:
    for _ in range(times):
        limit.went_well(now)


def test_it_begins_with_what_the_user_set(limit):
    assert limit.current == 8
    assert limit.reason is None


def test_one_turned_away_shrinks_it_to_those_that_are_served(limit):
    limit.too_many(3, "421 too many", NOW)
    assert limit.current == 3
    assert limit.reason == "421 too many"


def test_too_fast_halves_it(limit):
    limit.too_fast("451 slow down", NOW)
    assert limit.current == 4


def test_it_is_never_less_than_one(limit):
    limit.too_many(0, "421", NOW)
    limit.too_fast("451", NOW)
    assert limit.current == 1


def test_a_complaint_never_makes_it_more(limit):
    limit.too_many(2, "421", NOW)
    limit.too_many(5, "421", NOW)
    assert limit.current == 2


def test_it_grows_by_one_after_as_many_successes(limit):
    limit.too_many(2, "421", NOW)
    succeed(limit, 1, NOW + 60)
    assert limit.current == 2
    succeed(limit, 1, NOW + 60)
    assert limit.current == 3


def test_it_does_not_grow_right_after_a_complaint(limit):
    limit.too_many(2, "421", NOW)
    succeed(limit, 100, NOW + 0.5)
    assert limit.current == 2


def test_it_never_grows_beyond_what_the_user_set(limit):
    limit.too_fast("451", NOW)
    succeed(limit, 1000, NOW + 3600)
    for hour in range(20):
        succeed(limit, 100, NOW + 3600 * hour)
    assert limit.current == 8
    assert limit.reason is None


def test_each_growth_that_was_a_mistake_makes_it_more_patient(limit):
    waits, now = [], NOW
    for _ in range(4):
        limit.too_many(2, "421", now)
        complained = now
        while limit.current == 2:
            now += 0.5
            succeed(limit, 2, now)
        waits.append(now - complained)
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_each_growth_that_was_none_makes_it_less_so(limit):
    for _ in range(5):
        limit.too_many(1, "421", NOW)
        limit.went_well(NOW + 1_000)  # grown, and wrong again
    limit.too_many(1, "421", NOW)
    waits, now = [], NOW
    for current in range(1, 7):
        grew = now
        while limit.current == current:
            now += 0.5
            succeed(limit, 8, now)
        waits.append(now - grew)
    assert waits == [32.0, 32.0, 16.0, 8.0, 4.0, 2.0]


def test_complaints_at_one_time_are_one_mistake(limit):
    for held in (4, 3, 2):
        limit.too_many(held, "421", NOW)
    succeed(limit, 2, NOW + 1.0)
    assert limit.current == 3


class TestThePause:
    @pytest.fixture
    def pause(self) -> Pause:
        return Pause(Backoff(30.0, random=lambda: 1.0))

    def test_is_longer_each_time(self, pause):
        now, lengths = NOW, []
        for _ in range(3):
            pause.extend(now)
            lengths.append(round(pause.until - now, 3))
            now = pause.until
        assert lengths == [0.1, 0.2, 0.4]

    def test_is_not_prolonged_by_what_began_before_it(self, pause):
        pause.extend(NOW)
        until = pause.until
        pause.extend(NOW + 0.01)
        assert pause.until == until

    def test_begins_short_again_after_a_success(self, pause):
        for step in range(5):
            pause.extend(NOW + 10 * step)
        pause.went_well()
        pause.extend(NOW + 1000)
        assert pause.until == pytest.approx(NOW + 1000.1)
