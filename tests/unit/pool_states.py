"""States of a pool in which a test can begin.

Knows `PoolState`; there is no pool, no lock and no waiting.
"""

from __future__ import annotations

from types import SimpleNamespace

from pymailer_smtp_pool.adaptive import AdaptiveLimit, Pause
from pymailer_smtp_pool.backoff import Backoff
from pymailer_smtp_pool.breaker import Door
from pymailer_smtp_pool.limiter import SlidingWindow
from pymailer_smtp_pool.options import PoolOptions
from pymailer_smtp_pool.place import Place
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.ticket import Ticket
from pymailer_smtp_pool.wear import Wear
from tests.unit.fake_smtp import FakeConnection, FakeServer

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
