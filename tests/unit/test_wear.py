"""When a connection has done its work, and what its end teaches."""

from __future__ import annotations

import attrs
import pytest

from pymailer_smtp_pool.options import PoolOptions
from pymailer_smtp_pool.place import Place
from pymailer_smtp_pool.wear import A_RULE, LESSON_HOLDS, TRUST, Lesson, Wear

NOW = 1_000.0


@attrs.define
class Capabilities:
    mailmax: int | None = None


@attrs.define
class Connection:
    messages: int = 0
    capabilities: Capabilities = attrs.field(factory=Capabilities)


def wear(random: float = 0.0, **options) -> Wear:
    return Wear(PoolOptions(**options), lambda: random)


def place(wear: Wear, mailmax: int | None = None) -> Place:
    new = Place(Connection(capabilities=Capabilities(mailmax)))
    wear.take_measure(new, NOW)
    return new


def test_it_serves_max_messages():
    limits = wear(max_messages=2)
    one = place(limits)
    one.connection.messages = 1
    assert limits.fit(one, NOW)
    one.connection.messages = 2
    assert not limits.fit(one, NOW)


def test_it_serves_as_many_as_the_server_says():
    limits = wear(max_messages=100)
    assert place(limits, mailmax=7).most_messages == 7
    assert place(limits, mailmax=700).most_messages == 100


def test_it_gets_max_age_old():
    limits = wear(max_age=50, idle_timeout=1000)
    one = place(limits)
    assert limits.fit(one, NOW + 49.9)
    assert not limits.fit(one, NOW + 50)


def test_some_go_a_little_earlier():
    assert place(wear(max_age=100, random=1.0)).retires_at == NOW + 90


def test_it_may_rest_for_idle_timeout():
    limits = wear(idle_timeout=8)
    one = place(limits)
    assert limits.fit(one, NOW + 7.9)
    assert not limits.fit(one, NOW + 8)


class TestALesson:
    @pytest.fixture
    def learned(self) -> Lesson:
        lesson = Lesson()
        for _ in range(A_RULE):
            lesson.ended(20, NOW, NOW)
        return lesson

    def test_needs_a_few_that_agree(self):
        lesson = Lesson()
        for _ in range(A_RULE):
            assert lesson.most_messages(NOW) is None
            lesson.ended(20, NOW, NOW)
        assert lesson.most_messages(NOW) == 20

    def test_is_not_learned_from_chance(self):
        lesson = Lesson()
        for messages in (3, 3, 5, 5, 3, 3):
            lesson.ended(messages, NOW, NOW)
        assert lesson.most_messages(NOW) is None

    def test_is_not_learned_from_connections_that_were_idle(self):
        lesson = Lesson()
        for _ in range(A_RULE):
            lesson.ended(3, NOW - 60, NOW)
        assert lesson.most_messages(NOW) is None

    def test_is_put_to_the_test_now_and_then(self, learned):
        told = [learned.most_messages(NOW) for _ in range(2 * TRUST)]
        assert told.count(None) == 2
        assert told.count(20) == 2 * TRUST - 2

    def test_is_forgotten_when_a_connection_outlives_it(self, learned):
        learned.lived(20)
        assert learned.most_messages(NOW) == 20
        learned.lived(21)
        assert learned.most_messages(NOW) is None

    def test_is_forgotten_after_a_while(self, learned):
        assert learned.most_messages(NOW + LESSON_HOLDS) is None

    def test_is_heeded_by_new_connections(self, learned):
        limits = wear()
        limits.lesson = learned
        assert place(limits).most_messages == 20


@pytest.mark.parametrize("place", [Place()])
def test_a_place_without_a_connection_is_of_no_use(place):
    assert not wear().fit(place, NOW)
