"""Who gets which connection: the decisions, one by one, and then all of them in any order."""

from __future__ import annotations

import pytest

from pymailer.errors import AuthError, ConnectError, PoolClosedError, QueueFullError
from pymailer.outcome import Outcome, Stage
from pymailer_smtp_pool.closing import Closing
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.throttle import Throttle
from tests.unit.fake_smtp import FakeConnection, refused, reply_error, wrong_password
from tests.unit.pool_states import NOW, SERVER, connected, make, ticket, waiting, woken


class TestGettingAPlace:
    def test_the_first_opens_a_connection(self):
        place = make().request(ticket(), NOW)
        assert place is not None
        assert place.connection is None

    def test_nobody_else_does_until_it_is_known_that_one_can(self):
        state = make(max_connections=5)
        state.request(ticket(), NOW)
        assert state.request(ticket(), NOW) is None

    def test_then_all_who_wait_may(self):
        state = make(max_connections=3)
        first = state.request(ticket(), NOW)
        line = waiting(state, 5)
        first.connection = FakeConnection(SERVER, "c", usable=True)
        state.opened(first, NOW)
        assert woken(state) == line[:2]

    def test_there_are_never_more_than_max_connections(self):
        state, _ = connected(max_connections=3)
        assert state.request(ticket(), NOW) is None
        assert state.stats().connections == 3

    def test_the_connection_used_last_is_used_next(self):
        state, busy = connected(max_connections=3)
        places = [one.place for one in busy]
        for one in busy:
            state.check_in(one, NOW)
        assert state.request(ticket(), NOW) is places[-1]

    def test_who_waits_gets_what_comes_back(self):
        state, busy = connected(max_connections=1)
        (one,) = waiting(state)
        place = busy[0].place
        assert state.check_in(busy[0], NOW)
        assert woken(state) == [one]
        assert one.place is place

    def test_nobody_overtakes_those_who_wait(self):
        state, busy = connected(max_connections=1)
        (one,) = waiting(state)
        state.check_in(busy[0], NOW)
        assert state.request(ticket(), NOW) is None
        assert one.place is not None

    def test_a_connection_that_ends_makes_room_for_a_new_one(self):
        state, busy = connected(max_connections=1)
        (one,) = waiting(state)
        state.leave(busy[0], NOW)
        assert woken(state) == [one]
        assert one.place.connection is None

    def test_no_more_than_max_queue_may_wait(self):
        state, _ = connected(max_connections=1, max_queue=2)
        waiting(state, 2)
        with pytest.raises(QueueFullError, match="max_queue=2"):
            state.wait(ticket(), NOW)

    def test_who_had_a_place_before_is_not_turned_away_from_the_line(self):
        state, busy = connected(max_connections=1, max_queue=1)
        waiting(state)
        state.leave(busy[0], NOW)
        assert state.wait(busy[0], NOW) is None

    def test_who_gives_up_passes_its_place_on(self):
        state, busy = connected(max_connections=1)
        first, second = waiting(state, 2)
        state.check_in(busy[0], NOW)
        state.check_in(first, NOW)  # it was granted, and was cancelled meanwhile
        state.settle(first, Outcome.NOT_SENT, NOW)
        assert second.place is not None


class TestGivingItBack:
    def test_a_worn_connection_is_used_only_when_there_is_no_other(self):
        state, (one, other) = connected(max_connections=2, max_messages=1)
        one.place.connection.messages = 1
        fresh, worn = other.place, one.place
        state.check_in(other, NOW)
        state.check_in(one, NOW)
        assert state.request(ticket(), NOW) is fresh
        assert state.request(ticket(), NOW) is worn

    def test_one_too_many_is_not_taken_back(self):
        state, (first, *_) = connected(max_connections=3)
        state.limit.too_many(2, "421", NOW)
        assert not state.check_in(first, NOW)

    def test_after_the_end_none_is(self):
        state, (one,) = connected(max_connections=1)
        state.end()
        assert not state.check_in(one, NOW)

    def test_doing_it_twice_is_harmless(self):
        state, (one,) = connected(max_connections=1)
        assert state.check_in(one, NOW)
        assert not state.check_in(one, NOW)
        state.leave(one, NOW)
        assert state.stats().idle == 1

    def test_one_that_rested_too_long_keeps_its_place_until_it_is_gone(self):
        state, (one,) = connected(max_connections=1, idle_timeout=10)
        state.check_in(one, NOW)
        (expired,) = state.expired(NOW + 10, worn=False)
        assert state.stats().connections == 1
        assert state.request(ticket(), NOW + 10) is None
        state.gone(expired, NOW + 10)
        assert state.stats().connections == 0

    def test_when_the_next_one_will_have_rested_too_long_is_known(self):
        state, (one, other) = connected(max_connections=2, idle_timeout=10)
        state.check_in(one, NOW)
        state.check_in(other, NOW + 3)
        assert state.expired(NOW + 4, worn=False) == []
        assert state.next_expiry == NOW + 10
        assert len(state.expired(NOW + 10, worn=False)) == 1
        assert state.next_expiry == NOW + 13


class TestRefusedCredentials:
    def test_all_who_wait_are_told_at_once(self):
        state = make(max_connections=5)
        first = ticket()
        state.request(first, NOW)
        line = waiting(state, 50)
        state.failed(first, wrong_password(), None, NOW)
        assert woken(state) == line
        assert all(isinstance(one.refusal, AuthError) for one in line)
        assert isinstance(first.refusal, AuthError)

    def test_who_comes_later_fails_fast(self):
        state = self.refused()
        with pytest.raises(AuthError):
            state.request(ticket(), NOW + 29)

    def test_after_a_while_one_may_try(self):
        state = self.refused()
        assert state.request(ticket(), NOW + 30) is not None
        assert state.request(ticket(), NOW + 30) is None

    def test_a_connection_that_lives_goes_on_serving(self):
        state, (live, failing) = connected(max_connections=2)
        state.leave(failing, NOW)
        place = state.request(failing, NOW)
        assert place.connection is None
        (one,) = waiting(state)
        state.failed(failing, wrong_password(), None, NOW)
        assert failing.refusal is None
        state.leave(failing, NOW)
        assert one.refusal is None
        state.check_in(live, NOW)
        assert one.place is not None

    def test_when_the_last_such_connection_ends_all_are_told(self):
        state, (live, failing) = connected(max_connections=2)
        state.leave(failing, NOW)
        state.request(failing, NOW)
        (one,) = waiting(state)
        state.failed(failing, wrong_password(), None, NOW)
        state.leave(failing, NOW)
        state.leave(live, NOW)
        assert isinstance(one.refusal, AuthError)

    @staticmethod
    def refused() -> PoolState:
        state, first = make(breaker_timeout=30), ticket()
        state.request(first, NOW)
        state.failed(first, wrong_password(), None, NOW)
        state.leave(first, NOW)
        return state


class TestAServerThatIsDown:
    def test_is_asked_by_one_at_a_time_and_not_before_its_time(self):
        state, first = make(max_connections=5), ticket()
        state.request(first, NOW)
        line = waiting(state, 3)
        state.failed(first, refused(), None, NOW)
        state.leave(first, NOW)
        assert woken(state) == line[:1]
        assert line[0].place.not_before == NOW + 0.1

    def test_is_given_up_for_all_after_max_requeues(self):
        state = make(max_requeues=2)
        everyone = [ticket() for _ in range(5)]
        for one in everyone:
            state.wait(one, NOW)
        for _ in range(3):
            assert not any(one.refusal for one in everyone)
            (prober,) = [one for one in everyone if one.place is not None]
            state.failed(prober, refused(), None, NOW)
            state.leave(prober, NOW)
            if not prober.refusal:
                state.wait(prober, NOW)
        assert all(isinstance(one.refusal, ConnectError) for one in everyone)


class TestAServerThatIsBusy:
    def test_that_turns_one_away_gets_no_more_than_it_serves(self):
        state, busy = connected(max_connections=5)
        for one in busy[3:]:
            state.leave(one, NOW)
        state.request(busy[3], NOW)
        state.failed(busy[3], reply_error(421, "too many", Stage.GREETING), Throttle.TOO_MANY, NOW)
        assert state.stats().limit == 3
        assert state.stats().throttled == 1

    def test_that_turns_the_only_one_away_is_asked_later(self):
        state, first = make(), ticket()
        state.request(first, NOW)
        state.failed(first, reply_error(421, "busy", Stage.GREETING), Throttle.TOO_MANY, NOW)
        state.leave(first, NOW)
        assert state.stats().limit == 5
        assert state.request(first, NOW).not_before > NOW

    def test_that_says_too_fast_to_a_message_makes_all_pause(self):
        state, (one, _) = connected(max_connections=2)
        state.slowed(Throttle.TOO_FAST, "451 slow down", NOW)
        assert state.begin(one, NOW) == pytest.approx(0.1)
        assert state.stats().limit == 1
        assert state.stats().limit_reason == "451 slow down"


class TestTheRate:
    def test_is_for_all_connections_together(self):
        state, (one, other) = connected(max_connections=2, rate_limit=1)
        assert state.begin(one, NOW) == 0
        assert state.begin(other, NOW) > 0
        assert not other.begun

    def test_counts_every_attempt(self):
        state, (one, _) = connected(max_connections=2, rate_limit=1)
        state.begin(one, NOW)
        state.check_in(one, NOW)
        state.request(one, NOW)
        assert state.begin(one, NOW) > 0


class TestClosing:
    def test_nothing_new_is_taken(self):
        state = make()
        state.close(Closing())
        with pytest.raises(PoolClosedError):
            state.request(ticket(), NOW)

    def test_what_waits_is_still_served(self):
        state, (busy,) = connected(max_connections=1)
        (one,) = waiting(state)
        state.close(Closing())
        state.check_in(busy, NOW)
        assert one.place is not None

    def test_the_end_is_told_to_all_that_have_not_begun(self):
        state, (flying, leased) = connected(max_connections=2)
        state.begin(flying, NOW)
        (one,) = waiting(state)
        state.end()
        assert flying.refusal is None
        assert isinstance(one.refusal, PoolClosedError)
        with pytest.raises(PoolClosedError):
            state.begin(leased, NOW)

    def test_who_closes_is_woken_when_the_last_has_settled(self):
        state, (one, other) = connected(max_connections=2)
        closing = Closing()
        state.close(closing)
        state.settle(one, Outcome.ACCEPTED, NOW)
        assert closing not in state.line.unwoken
        state.settle(other, Outcome.UNKNOWN, NOW)
        assert closing in state.line.unwoken


class TestSignals:
    def test_idle_says_that_there_is_room_again(self):
        state, (one,) = connected(max_connections=1)
        state.signals.clear()
        state.check_in(one, NOW)
        assert list(state.signals) == ["idle"]

    def test_clear_says_that_no_connection_is_left(self):
        state, (one,) = connected(max_connections=1)
        state.signals.clear()
        state.leave(one, NOW)
        assert list(state.signals) == ["idle", "clear"]
