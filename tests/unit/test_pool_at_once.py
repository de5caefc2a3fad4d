"""The usual message: it begins as it gets its connection, and settles as it gives it back."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType, SimpleNamespace

import pymailer_smtp_pool
from pymailer.outcome import Outcome
from pymailer.runtime import run
from pymailer.runtime.blocking import BlockingRuntime
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.throttle import Throttle
from pymailer_smtp_pool.ticket import Ticket
from tests.unit.fake_smtp import FakeServer, fake_mail, make_pool
from tests.unit.pool_states import NOW, connected, make, ticket, waiting

FOLDER = str(Path(pymailer_smtp_pool.__file__).parent)


class TestBeginningAtOnce:
    """A message begins as it gets its connection, unless there is something to wait for first."""

    def test_with_a_connection_that_is_ready(self):
        assert self.begins(self.ready())

    def test_not_while_a_connection_has_to_be_opened(self):
        assert not self.begins(make())

    def test_not_with_a_connection_that_is_worn(self):
        state, (one,) = connected(max_connections=1, max_messages=1)
        one.place.connection.messages = 1
        state.check_in(one, NOW)
        assert not self.begins(state)

    def test_not_with_one_that_rested_too_long(self):
        assert not self.begins(self.ready(idle_timeout=10), NOW + 10)

    def test_not_during_a_pause(self):
        state = self.ready()
        state.slowed(Throttle.TOO_FAST, "451 slow down", NOW)
        assert not self.begins(state, NOW)
        assert self.begins(state, NOW + 0.1)

    def test_not_past_the_gate_that_counts_messages(self):
        assert not self.begins(self.ready(rate_limit=100))
        assert not self.begins(self.ready(rate_limiter=SimpleNamespace(reserve=lambda now: 0.0)))

    def test_not_for_a_ticket_without_a_message(self):
        state, empty = self.ready(), Ticket(runtime=None)
        assert state.request(empty, NOW).connection is not None
        assert not empty.begun

    def test_what_did_not_begin_after_all_may_again(self):
        state, one = self.ready(), ticket()
        state.request(one, NOW)
        state.leave(one, NOW)  # the server had hung up
        assert not one.begun

    @staticmethod
    def ready(**options) -> PoolState:
        state, (one,) = connected(max_connections=1, **options)
        state.check_in(one, NOW)
        return state

    @staticmethod
    def begins(state: PoolState, now: float = NOW) -> bool:
        one = ticket()
        assert state.request(one, now) is not None
        begun = one.begun
        state.check_in(one, now)
        return begun


class TestSettlingAtOnce:
    def test_the_connection_goes_to_the_next_one_and_the_message_counts(self):
        state, (one,) = connected(max_connections=1)
        (behind,) = waiting(state)
        assert state.complete(one, Outcome.ACCEPTED, NOW)
        assert one not in state.tickets
        assert behind.place is not None
        assert state.stats().sent == 1

    def test_not_with_a_connection_that_must_be_closed_first(self):
        state, (one,) = connected(max_connections=1)
        state.end()
        assert not state.complete(one, Outcome.ACCEPTED, NOW)
        assert one.place is not None
        assert one in state.tickets

    def test_settling_again_serves_those_whom_an_interruption_left_waiting(self):
        state, (one,) = connected(max_connections=1)
        (behind,) = waiting(state)
        place, one.place = one.place, None
        state.places.take_back(place, NOW, worn=False)
        del state.tickets[one]  # Ctrl-C came here
        state.settle(one, Outcome.ACCEPTED, NOW)
        assert behind.place is place


def test_it_costs_two_changes_of_the_state_and_few_calls_besides():
    runtime, called = BlockingRuntime(), []

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(FOLDER):
            called.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")

    pool = make_pool(FakeServer())
    run(pool.send(fake_mail(runtime)))
    mail = fake_mail(runtime)
    sys.setprofile(note)
    try:
        run(pool.send(mail))
    finally:
        sys.setprofile(None)
    assert called.count("guard.__call__") == 2
    assert len(called) <= 40, called
