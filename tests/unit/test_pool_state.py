"""Who gets which connection: the decisions, one by one, and then all of them in any order."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from pymailer.errors import AuthError, ConnectError, MailError, PoolClosedError, QueueFullError
from pymailer.outcome import Outcome, Stage
from pymailer_smtp_pool.adaptive import AdaptiveLimit, Pause
from pymailer_smtp_pool.backoff import Backoff
from pymailer_smtp_pool.breaker import Door
from pymailer_smtp_pool.closing import Closing
from pymailer_smtp_pool.limiter import SlidingWindow
from pymailer_smtp_pool.options import PoolOptions
from pymailer_smtp_pool.place import Place, Ticket
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.throttle import Throttle
from pymailer_smtp_pool.wear import Wear
from tests.unit.fake_smtp import FakeConnection, FakeServer, refused, reply_error, wrong_password

NOW = 1_000.0
SERVER = FakeServer()


def make(**options) -> PoolState:
    chosen = PoolOptions(**options)
    return PoolState(
        chosen,
        limit=AdaptiveLimit(chosen.max_connections),
        door=Door(chosen.breaker_timeout, chosen.max_requeues, Backoff(5.0, random=lambda: 1.0)),
        pause=Pause(Backoff(30.0, random=lambda: 1.0)),
        wear=Wear(chosen, lambda: 0.0),
        window=None if chosen.rate_limit is None else SlidingWindow(chosen.rate_limit, chosen.rate_delta),
    )


def ticket(priority: int = 0) -> Ticket:
    return Ticket(runtime=None, priority=priority, mail=SimpleNamespace(data=None))  # type: ignore[arg-type]  # nobody waits here


def connect(state: PoolState, one: Ticket, now: float = NOW) -> Place:
    """A ticket's place, with an open connection in it."""
    place = state.request(one, now)
    assert place is not None
    if place.connection is None:
        place.connection = FakeConnection(SERVER, "c", usable=True)
        state.opened(place, now)
    return place


def connected(**options) -> tuple[PoolState, list[Ticket]]:
    """A pool whose connections are all in use."""
    state = make(**options)
    busy = [ticket() for _ in range(state.options.max_connections)]
    for one in busy:
        connect(state, one)
    return state, busy


def waiting(state: PoolState, count: int = 1) -> list[Ticket]:
    line = [ticket() for _ in range(count)]
    for one in line:
        assert state.wait(one, NOW) is None
    return line


def woken(state: PoolState) -> list[Ticket]:
    served = list(state.line.unwoken)
    state.line.unwoken.clear()
    return served


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
    def test_a_worn_connection_is_not_taken_back(self):
        state, (one,) = connected(max_connections=1, max_messages=1)
        one.place.connection.messages = 1
        assert not state.check_in(one, NOW)
        assert one.place is not None

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
        (expired,) = state.expired(NOW + 10)
        assert state.stats().connections == 1
        assert state.request(ticket(), NOW + 10) is None
        state.gone(expired, NOW + 10)
        assert state.stats().connections == 0


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


class Pools(RuleBasedStateMachine):
    """Everything that can happen to a pool, in any order; time passes now and then."""

    holding = Bundle("holding")
    in_line = Bundle("in_line")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = make(max_connections=3, max_messages=4, max_requeues=2, idle_timeout=5, breaker_timeout=2)
        self.all: list[Ticket] = []

    # --- what senders do ---

    @rule(target=holding, priority=st.integers(-1, 1))
    def send(self, priority):
        one = ticket(priority)
        self.all.append(one)
        return self._ask(one)

    def _ask(self, one: Ticket):
        try:
            self.state.wait(one, self.now)
        except MailError:
            return self._settle(one)
        return one

    def _settle(self, one: Ticket):
        self.state.leave(one, self.now)
        self.state.settle(one, Outcome.NOT_SENT, self.now)
        return multiple()

    def _refused(self, one: Ticket) -> bool:
        if one.refusal is not None or one not in self.state.tickets:
            self._settle(one)
            return True
        return False

    @rule(one=holding)
    def open_well(self, one):
        if not self._refused(one) and one.place in self.state.places.opening:
            one.place.connection = FakeConnection(SERVER, "c", usable=True)
            self.state.opened(one.place, self.now)

    @rule(
        one=holding,
        how=st.sampled_from(
            [
                (refused(), None),
                (wrong_password(), None),
                (reply_error(421, "too many", Stage.GREETING), Throttle.TOO_MANY),
            ]
        ),
    )
    def open_badly(self, one, how):
        if not self._refused(one) and one.place in self.state.places.opening:
            self.state.failed(one, *how, self.now)
            self.state.leave(one, self.now)
            self._ask(one)

    @rule(one=holding)
    def deliver(self, one):
        if not self._refused(one) and one.place in self.state.places.leased:
            if one.place.connection is None:
                return
            try:
                if self.state.begin(one, self.now):
                    return
            except PoolClosedError:
                self._settle(one)
                return
            one.place.connection.messages += 1
            if not self.state.check_in(one, self.now):
                self.state.leave(one, self.now)
            self.state.settle(one, Outcome.ACCEPTED, self.now)

    @rule(one=holding)
    def lose_the_connection_and_try_again(self, one):
        if not self._refused(one) and one.place in self.state.places.leased:
            self.state.leave(one, self.now)
            self._ask(one)

    @rule(one=holding)
    def hear_a_complaint(self, one):
        if not self._refused(one) and one.place in self.state.places.leased:
            self.state.slowed(Throttle.TOO_FAST, "451", self.now)

    @rule(one=consumes(holding))
    def give_up(self, one):
        self._settle(one)

    # --- what else happens ---

    @rule(seconds=st.sampled_from([0.05, 1.0, 6.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def tidy(self):
        for place in self.state.expired(self.now):
            self.state.gone(place, self.now)

    @rule()
    def repair(self):
        """In any state, repairing what is whole changes nothing."""
        before = self.state.places.everywhere()
        self.state.repair()
        assert self.state.places.everywhere() == before

    @rule(really=st.sampled_from([False] * 9 + [True]))
    def close(self, really):
        if really:
            self.state.close(Closing())

    # --- what must hold ---

    @invariant()
    def connections_are_bounded(self):
        assert self.state.places.open <= 3
        assert 1 <= self.state.limit.current <= 3

    @invariant()
    def every_place_is_in_one_group_and_has_one_holder(self):
        everywhere = self.state.places.everywhere()
        assert len(set(everywhere)) == len(everywhere)
        held = [one.place for one in self.all if one.place is not None]
        assert len(set(held)) == len(held)
        assert set(held) == {*self.state.places.opening, *self.state.places.leased}

    @invariant()
    def while_it_is_not_known_whether_the_server_takes_us_one_knocks(self):
        if self.state.door.mode != "closed":
            young = [place for place in self.state.places.opening if place.epoch == self.state.door.epoch]
            assert len(young) <= 1

    @invariant()
    def nobody_waits_for_what_is_free(self):
        if self.state.line.waiting:
            free = self.state.places.busy < self.state.limit.current and self.state.places.idle
            assert not free
            assert self.state.places.busy or self.state.places.parting

    @invariant()
    def who_has_an_answer_does_not_wait(self):
        for one in self.all:
            if one in self.state.line.waiting:
                assert one.place is None
                assert one.refusal is None
                assert one in self.state.tickets


TestPools = Pools.TestCase
TestPools.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
