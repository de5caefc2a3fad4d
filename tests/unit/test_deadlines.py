"""Deadlines: who is late, in which order, and when to look next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pymailer.runtime.deadlines import NEVER, Deadlines


def deadlines(**times):
    made = Deadlines()
    for who, time in times.items():
        made.set(who, time)
    return made


def test_nobody_is_awaited_at_first():
    assert (Deadlines().earliest, Deadlines().passed(1e9)) == (NEVER, [])


def test_the_earliest_is_known():
    assert deadlines(a=2.0, b=1.0, c=3.0).earliest == 1.0


def test_the_late_are_told_in_the_order_of_their_deadlines():
    assert deadlines(a=3.0, b=1.0, c=2.0, d=9.0).passed(3.0) == ["b", "c", "a"]


def test_each_is_late_once():
    some = deadlines(a=1.0, b=2.0)
    assert (some.passed(1.0), some.passed(1.0), some.passed(2.0)) == (["a"], [], ["b"])


def test_who_was_in_time_is_never_late():
    some = deadlines(a=1.0, b=2.0)
    some.clear("a")
    assert some.passed(2.0) == ["b"]


def test_who_has_no_deadline_can_be_cleared():
    some = deadlines(b=2.0)
    some.clear("a")
    assert some.passed(2.0) == ["b"]


def test_one_that_was_cleared_is_forgotten_at_the_next_look():
    some = deadlines(a=1.0, b=2.0)
    some.clear("a")
    some.passed(1.0)
    assert some.earliest == 2.0


@given(st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.floats(0, 10))), max_size=30), st.floats(0, 10))
def test_none_is_before_the_earliest(changes, now):
    some, model = Deadlines(), {}
    for who, time in changes:
        if time is None:
            some.clear(who)
            model.pop(who, None)
        else:
            some.set(who, time)
            model[who] = time
    assert some.earliest <= min(model.values(), default=NEVER)
    late = some.passed(now)
    assert sorted(late) == sorted(who for who, time in model.items() if time <= now)
    assert some.earliest == min((time for time in model.values() if time > now), default=NEVER)
