"""The line: first come, first served within a priority, whoever leaves or comes back."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pymailer.errors import PoolClosedError
from pymailer_smtp_pool.line import Line
from pymailer_smtp_pool.ticket import Ticket


def ticket(number: int, priority: int = 0) -> Ticket:
    return Ticket(runtime=None, number=number, priority=priority)  # type: ignore[arg-type]  # nobody waits here


def order(line: Line) -> list[int]:
    numbers = []
    while line.waiting:
        first = line.first()
        line.leave(first)
        numbers.append(first.number)
    return numbers


def test_first_come_first_served():
    line = Line()
    for number in (1, 2, 3):
        line.join(ticket(number))
    assert order(line) == [1, 2, 3]


def test_a_lower_priority_number_passes():
    line = Line()
    for each in (ticket(1), ticket(2, priority=-1), ticket(3, priority=5), ticket(4, priority=-1)):
        line.join(each)
    assert order(line) == [2, 4, 1, 3]


def test_who_comes_back_stands_where_it_stood():
    line = Line()
    tickets = [ticket(number) for number in range(1, 6)]
    for each in tickets:
        line.join(each)
    line.leave(tickets[1])
    line.join(tickets[1])
    assert order(line) == [1, 2, 3, 4, 5]


def test_joining_twice_is_joining_once():
    line, one = Line(), ticket(1)
    line.join(one)
    line.join(one)
    assert order(line) == [1]


def test_a_thousand_that_leave_leave_nothing_behind():
    line = Line()
    for number in range(10_000):
        one = ticket(number)
        line.join(one)
        line.leave(one)
    assert len(line._heap) < 100


def test_all_who_wait_are_told_each_with_an_error_of_its_own():
    line = Line()
    tickets = [ticket(number) for number in range(3)]
    for each in tickets:
        line.join(each)
    error = PoolClosedError("closed")
    line.refuse_all(error)
    told = [each.refusal for each in tickets]
    assert len({id(each) for each in told}) == 3
    assert all(str(each) == "closed" and each.__cause__ is error for each in told)
    assert list(line.unwoken) == tickets
    assert not line.waiting


class Lines(RuleBasedStateMachine):
    """The line against a list that is sorted each time."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.model: list[Ticket] = []
        self.away: list[Ticket] = []
        self.number = 0

    @rule(priority=st.integers(-2, 2))
    def join(self, priority):
        self.number += 1
        one = ticket(self.number, priority)
        self.line.join(one)
        self.model.append(one)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def leave(self, data):
        one = data.draw(st.sampled_from(self.model))
        self.line.leave(one)
        self.model.remove(one)
        self.away.append(one)

    @precondition(lambda self: self.away)
    @rule()
    def come_back(self):
        one = self.away.pop()
        self.line.join(one)
        self.model.append(one)

    @invariant()
    def the_same_is_first(self):
        assert len(self.line.waiting) == len(self.model)
        if self.model:
            assert self.line.first() is min(self.model, key=lambda one: (one.priority, one.number))


TestLines = Lines.TestCase
