"""What every test has: both colours to run in, and a guard that nothing is left behind.

Knows the runtimes and the test runner; must not know any message, server or transport.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from pymailer.runtime import Runtime, run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime
from pymailer.runtime.multiplex import Multiplexer

GRACE = 1.0
"""Seconds that a thread which is already ending may take to end."""


# --- both colours ----------------------------------------------------------------------------------------------------


@attrs.frozen
class Drive:
    """Runs neutral code to its end in one colour: `drive(coroutine_function, *args)` gives it the fitting runtime."""

    colour: str

    def __call__(self, function: Callable[..., Coroutine[Any, Any, Any]], /, *args: Any) -> Any:
        if self.colour == "sync":
            return run(function(BlockingRuntime(), *args))
        if self.colour == "multiplexed":
            return _multiplexed(function, *args)
        return asyncio.run(_leaving_no_task(function, AsyncioRuntime(), *args))


def _multiplexed(function: Callable[..., Coroutine[Any, Any, Any]], /, *args: Any) -> Any:
    multiplexer = Multiplexer()
    results: list[Any] = []

    async def keep_result() -> None:
        results.append(await function(multiplexer, *args))

    multiplexer.spawn(keep_result())
    try:
        while multiplexer.busy:
            multiplexer.step()
    finally:
        multiplexer.close()
    return results[0]


async def _leaving_no_task(function: Callable[..., Coroutine[Any, Any, Any]], runtime: Runtime, *args: Any) -> Any:
    result = await function(runtime, *args)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks outlive the call that started them: {left}"
    return result


@pytest.fixture(params=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Drive:
    """Runs a coroutine function that takes a `Runtime` first, once in each colour."""
    return Drive(request.param)


@pytest.fixture(params=["sync", "async", "multiplexed"])
def drive_all(request: pytest.FixtureRequest) -> Drive:
    """As `drive`, and once more over the multiplexer: for what waits at sockets itself."""
    return Drive(request.param)


# --- nothing is left behind ------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Iterator[None]:
    threads = set(threading.enumerate())
    descriptors = _open_descriptors()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(GRACE)
    threads_left = set(threading.enumerate()) - threads
    assert not threads_left, f"threads are left behind: {threads_left}"
    if _open_descriptors() - descriptors:
        gc.collect()  # what was merely forgotten raises its ResourceWarning here, where it belongs
    descriptors_left = _open_descriptors() - descriptors
    assert not descriptors_left, f"descriptors are left open: {descriptors_left}"


def _open_descriptors() -> set[tuple[str, str]]:
    """Number and target of each open descriptor, where the system lists them: far cheaper than a collection a test."""
    folder = Path("/proc/self/fd")
    descriptors = list(folder.iterdir()) if folder.exists() else []
    return {(each.name, target) for each in descriptors if (target := _target(each))}


def _target(descriptor: Path) -> str | None:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # the descriptor by which the folder itself was read
        return None


# --- a run that shows nothing is no success --------------------------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which every test was skipped ends as one that found no test."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.config.option.collectonly:  # a worker of xdist; its controller counts
        return
    if session.exitstatus == pytest.ExitCode.OK and not reporter.stats.get("passed"):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
