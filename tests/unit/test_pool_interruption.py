"""Ctrl-C at every moment of a send: whatever it interrupts, the pool loses no place and forgets nobody in line."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

import pymailer_smtp_pool
from pymailer.outcome import Outcome, Stage
from pymailer.runtime import run
from pymailer.runtime.blocking import BlockingRuntime
from pymailer_smtp_pool.pool import SMTPPool
from pymailer_smtp_pool.state import PoolState
from pymailer_smtp_pool.ticket import Ticket
from tests.simulation.scheduler import Scheduler
from tests.unit.fake_smtp import FakeConnection, FakeServer, fake_mail, lost, make_pool

FOLDER = str(Path(pymailer_smtp_pool.__file__).parent)


class Interrupter:
    """Raises `KeyboardInterrupt` at one of the moments at which Python looks for signals: a call, or a C call's return.

    Args:
        moment: Which one, counted over those in the pool's own code.
    """

    def __init__(self, moment: int) -> None:
        self.left = moment
        self.where = ""

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if event not in ("call", "c_return") or not frame.f_code.co_filename.startswith(FOLDER):
            return
        self.left -= 1
        if self.left < 0:
            sys.setprofile(None)
            self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {event}"
            raise KeyboardInterrupt


def interrupted(moment: int, function: Callable[[], Any]) -> str:
    """Where the interruption came; empty if the function was done before."""
    interrupter = Interrupter(moment)
    gc.disable()  # the pools of earlier moments are not to be interrupted
    sys.setprofile(interrupter)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.setprofile(None)
        gc.enable()
    return interrupter.where


def moments(once: Callable[[int], str]) -> int:
    """How many moments there are, each of them tried."""
    moment = 0
    while once(moment):
        moment += 1
    return moment


def test_a_send_that_is_interrupted_leaves_nothing_behind():
    runtime = BlockingRuntime()

    def once(moment: int) -> str:
        server = FakeServer()
        pool = make_pool(server, max_connections=2)
        run(pool.send(fake_mail(runtime)))
        where = interrupted(moment, lambda: run(pool.send(fake_mail(runtime))))
        assert_whole(pool, server, where)
        return where

    assert moments(once) > 50


def test_neither_does_a_first_send_nor_one_that_fails():
    def once(moment: int) -> str:
        scheduler = Scheduler(Random(1))  # its clock is a number: backing off takes no time
        server, failures = FakeServer(), [lost(Stage.DATA), lost(Stage.MAIL)]

        def sending(connection: FakeConnection) -> None:
            if failures:
                raise failures.pop()

        server.sending = sending
        pool = make_pool(server, max_connections=2)
        scheduler.spawn(pool.send(fake_mail(scheduler)))
        where = interrupted(moment, scheduler.run)
        assert_whole(pool, server, where)
        return where

    assert moments(once) > 100


def test_who_waits_behind_an_interrupted_send_is_served():
    def once(moment: int) -> str:
        server = FakeServer()
        pool = make_pool(server, max_connections=1)
        state = pool._guard.state
        scheduler = Scheduler(Random(1))
        run(pool.send(fake_mail(scheduler)))
        holder = Ticket(scheduler)
        place = pool._guard(PoolState.request, holder, scheduler.now())
        behind = scheduler.spawn(pool.send(fake_mail(scheduler)))
        scheduler.turn()
        assert len(state.line.waiting) == 1
        assert place is holder.place
        where = interrupted(moment, lambda: pool._leases.give_back(holder))
        pool._leases.settle(holder, Outcome.NOT_SENT)
        scheduler.run()
        assert behind.error is None, where
        assert_whole(pool, server, where)
        return where

    assert moments(once) > 10


def assert_whole(pool: SMTPPool, server: FakeServer, where: str) -> None:
    state = pool._guard.state
    assert not state.tickets, where
    assert not state.line.waiting, where
    assert not state.places.busy, where
    assert not state.places.parting, where
    assert len(server.open) == state.places.open, where
    run(pool.close(BlockingRuntime()))
    assert not server.open, where


def test_a_signal_handler_that_uses_the_pool_in_the_middle_of_a_change_is_told():
    pool = make_pool(FakeServer())
    with pytest.raises(RuntimeError, match="signal handler"):
        pool._guard(lambda state: pool._guard(PoolState.stats))


def test_a_finalizer_in_the_middle_of_a_change_is_served_after_it():
    server, runtime = FakeServer(), BlockingRuntime()
    pool, ticket = make_pool(server), Ticket(runtime)
    pool._guard(PoolState.request, ticket, runtime.now())

    def change(state: PoolState) -> bool:
        pool._leases.drop(ticket)
        pool._guard.later(PoolState.settle, ticket, Outcome.NOT_SENT, runtime.now())
        return ticket in state.tickets

    assert pool._guard(change)
    assert_whole(pool, server, "")
