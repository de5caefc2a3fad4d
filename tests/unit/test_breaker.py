"""The door to the server: one may knock until somebody was let in."""

from __future__ import annotations

import pytest

from pymailer.outcome import Stage
from pymailer_smtp_pool.backoff import Backoff
from pymailer_smtp_pool.breaker import Breaker, Door
from tests.unit.fake_smtp import refused, reply_error, wrong_password

NOW = 100.0


@pytest.fixture
def door() -> Door:
    return Door(timeout=30.0, patience=2, backoff=Backoff(5.0, random=lambda: 1.0))


def fail(door: Door, error=None, now: float = NOW) -> None:
    door.failed(error or refused(), now, door.epoch)


def test_it_begins_with_one_probe(door):
    assert door.mode is Breaker.PROBING
    assert door.lets_knock(knocking=0)
    assert not door.lets_knock(knocking=1)


def test_once_somebody_was_let_in_all_may_knock(door):
    door.opened()
    assert door.mode is Breaker.CLOSED
    assert door.lets_knock(knocking=100)


class TestAFinalRefusal:
    def test_shuts_it_for_a_while(self, door):
        fail(door, wrong_password())
        assert door.mode is Breaker.OPEN
        assert door.shut(NOW + 29.9)
        assert not door.shut(NOW + 30.0)

    def test_leaves_no_hope(self, door):
        fail(door, wrong_password())
        assert door.hopeless

    def test_is_followed_by_one_probe(self, door):
        fail(door, wrong_password())
        assert door.lets_knock(knocking=0)
        assert not door.lets_knock(knocking=1)

    def test_is_forgotten_when_somebody_is_let_in(self, door):
        fail(door, wrong_password())
        door.opened()
        assert door.error is None
        assert not door.shut(NOW)

    def test_counts_although_another_attempt_was_lost_just_before(self, door):
        door.opened()
        both_began_in = door.epoch
        door.failed(refused(), NOW, both_began_in)
        door.failed(wrong_password(), NOW, both_began_in)
        assert door.mode is Breaker.OPEN

    def test_is_not_prolonged_by_those_that_were_on_their_way(self, door):
        door.opened()
        epoch = door.epoch
        door.failed(wrong_password(), NOW, epoch)
        door.failed(wrong_password(), NOW + 10, epoch)
        assert not door.shut(NOW + 30.0)


class TestAServerThatIsDown:
    def test_is_left_alone_longer_and_longer(self, door):
        waits = []
        for _ in range(4):
            fail(door)
            waits.append(round(door.not_before - NOW, 3))
        assert waits == [0.1, 0.2, 0.4, 0.8]

    def test_does_not_make_anybody_fail_fast(self, door):
        fail(door)
        assert not door.shut(NOW)

    def test_is_hopeless_after_so_many_probes(self, door):
        fail(door)
        fail(door)
        assert not door.hopeless
        fail(door)
        assert door.hopeless

    def test_is_counted_once_for_attempts_that_began_together(self, door):
        door.opened()
        epoch = door.epoch
        for _ in range(5):
            door.failed(refused(), NOW, epoch)
        assert door.not_before == NOW + 0.1

    def test_that_takes_us_again_is_as_good_as_new(self, door):
        for _ in range(3):
            fail(door)
        door.opened()
        fail(door)
        assert not door.hopeless
        assert door.not_before == NOW + 0.1


class TestAServerThatIsTooBusyEvenForOne:
    def test_is_asked_later_and_never_hopeless(self, door):
        for _ in range(50):
            door.turned_away(reply_error(421, "busy", Stage.GREETING), NOW, door.epoch)
        assert not door.hopeless
        assert door.not_before == NOW + 5.0
        assert door.mode is Breaker.PROBING
