"""Closing the pool: wait for what is on its way, say goodbye, and report.

Knows the order of things; who is told what is decided by the state.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pymailer_smtp_pool.closing import Closing
from pymailer_smtp_pool.leases import FAREWELL
from pymailer_smtp_pool.state import PoolState

if TYPE_CHECKING:
    from pymailer.results import CloseReport
    from pymailer.runtime import Runtime
    from pymailer_smtp_pool.leases import Leases

GRACE: Final = 1.0
"""Seconds, once the time is up, for those who were told to say that they heard it."""


async def shut_down(leases: Leases, runtime: Runtime, *, drain: bool, deadline: float | None) -> CloseReport:
    """Close the pool; see `SMTPPool.close`."""
    closing, guard = Closing(), leases.guard
    guard(PoolState.close, closing)
    try:
        if not drain:
            guard(PoolState.end)
        settled = await _all_settled(leases, closing, runtime, deadline)
        guard(PoolState.end)
        if not settled:
            await _all_settled(leases, closing, runtime, runtime.now() + GRACE)
        await say_goodbye(leases, runtime)
    finally:
        guard(PoolState.finish, closing)
    return closing.report()


async def _all_settled(leases: Leases, closing: Closing, runtime: Runtime, deadline: float | None) -> bool:
    """Wait until no message is left; ``False`` if the time is up before."""
    while True:
        closing.waiter = runtime.waiter()
        if not leases.guard.state.tickets:
            return True
        try:
            await closing.waiter.wait(deadline)
        except TimeoutError:
            return False


async def say_goodbye(leases: Leases, runtime: Runtime) -> None:
    """End all idle connections."""
    deadline = runtime.now() + FAREWELL
    places = leases.guard(PoolState.clear_out)
    connections = [place.connection for place in places if place.connection is not None]
    try:
        for connection in connections:
            with suppress(Exception):  # what becomes of a goodbye is nobody's business
                await connection.quit(runtime, deadline)
    finally:
        for connection in connections:
            connection.close()
        for place in places:
            leases.guard(PoolState.gone, place, runtime.now())
