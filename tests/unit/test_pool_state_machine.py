"""Everything that can happen to a pool, in any order: what must hold after each change does."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from pymailer.errors import MailError, PoolClosedError
from pymailer.outcome import Outcome, Stage
from pymailer_smtp_pool.closing import Closing
from pymailer_smtp_pool.throttle import Throttle
from pymailer_smtp_pool.ticket import Ticket
from tests.unit.fake_smtp import FakeConnection, refused, reply_error, wrong_password
from tests.unit.pool_states import NOW, SERVER, make, ticket


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

    @rule(target=holding, priority=st.integers(-1, 1), tries=st.booleans())
    def send(self, priority, tries):
        one = ticket(priority)
        self.all.append(one)
        if tries:
            try:
                if self.state.request(one, self.now):
                    return one
            except MailError:
                return self._settle(one)
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

    @rule(one=holding, at_once=st.booleans())
    def deliver(self, one, at_once):
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
            if at_once and self.state.complete(one, Outcome.ACCEPTED, self.now):
                return
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

    @rule(worn=st.booleans())
    def tidy(self, worn):
        for place in self.state.expired(self.now, worn):
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
        assert set(held) == set(self.state.places.busy) >= set(self.state.places.opening)

    @invariant()
    def who_has_begun_holds_an_open_connection(self):
        assert all(one.place in self.state.places.leased for one in self.all if one.begun)

    @invariant()
    def while_it_is_not_known_whether_the_server_takes_us_one_knocks(self):
        if self.state.door.mode != "closed":
            young = [place for place in self.state.places.opening if place.epoch == self.state.door.epoch]
            assert len(young) <= 1

    @invariant()
    def nobody_waits_for_what_is_free(self):
        if self.state.line.waiting:
            free = len(self.state.places.busy) < self.state.limit.current and self.state.places.idle
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
