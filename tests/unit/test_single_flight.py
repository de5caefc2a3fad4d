"""One fetch for everybody who wants a token: across threads, event loops, both colours, cancellation and a fork."""

from __future__ import annotations

import asyncio
import os
import threading
from time import monotonic, time

import pytest

from pymailer.errors import AuthError, MailTimeoutError
from pymailer.oauth2 import OAuth2
from pymailer.runtime import run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime
from pymailer.secret import Secret

TIMEOUT = 10.0


class SlowProvider:
    """Gives out t1, t2, …, each only when the test opens the gate."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.error = error

    def __call__(self, renew: bool) -> tuple[str, float]:
        self.calls += 1
        number = self.calls
        self.entered.set()
        assert self.gate.wait(TIMEOUT)
        if self.error is not None:
            raise self.error
        return f"t{number}", time() + 3600


def in_thread(work) -> tuple[threading.Thread, list]:
    results: list = []

    def body() -> None:
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    return thread, results


def wait_until_waiting(auth: OAuth2, count: int) -> None:
    """Until so many stand in line behind the one who fetches."""
    deadline = monotonic() + TIMEOUT
    while (flight := auth._tokens._flight) is None or len(flight.waiters) < count:
        assert monotonic() < deadline
        threading.Event().wait(0.001)


def blocking(auth: OAuth2, **options):
    return lambda: run(auth.token(BlockingRuntime(), **options)).reveal()


def looping(auth: OAuth2, times: int, **options):
    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(auth.token(AsyncioRuntime(), **options)) for _ in range(times)]
        return [task.result().reveal() for task in tasks]

    return lambda: asyncio.run(main())


def test_threads_and_loops_share_one_fetch():
    provider = SlowProvider()
    auth = OAuth2("u", token_provider=provider)
    crowd = [in_thread(blocking(auth)) for _ in range(3)] + [in_thread(looping(auth, 3)) for _ in range(2)]
    wait_until_waiting(auth, 8)
    provider.gate.set()
    for thread, _ in crowd:
        thread.join(TIMEOUT)
    assert [results for _, results in crowd] == [["t1"]] * 3 + [[["t1"] * 3]] * 2
    assert provider.calls == 1


def test_all_share_one_renewal_of_a_refused_token():
    provider = SlowProvider()
    auth = OAuth2("u", access_token="old", token_provider=provider)
    refused = Secret("old")
    crowd = [in_thread(blocking(auth, refused=refused)) for _ in range(4)]
    wait_until_waiting(auth, 3)
    provider.gate.set()
    for thread, _ in crowd:
        thread.join(TIMEOUT)
    assert [results for _, results in crowd] == [["t1"]] * 4
    assert blocking(auth, refused=refused)() == "t1"  # who comes late with the old one finds it renewed
    assert provider.calls == 1


def test_all_hear_why_there_is_no_token_each_in_an_error_of_its_own():
    provider = SlowProvider(RuntimeError("no consent"))
    auth = OAuth2("u", token_provider=provider)
    crowd = [in_thread(blocking(auth)) for _ in range(3)]
    wait_until_waiting(auth, 2)
    provider.gate.set()
    for thread, _ in crowd:
        thread.join(TIMEOUT)
    errors = [results[0] for _, results in crowd]
    assert {type(error) for error in errors} == {AuthError}
    assert {str(error) for error in errors} == {str(errors[0])}
    assert len({id(error) for error in errors}) == 3
    assert provider.calls == 1


def test_who_waits_too_long_is_told_so():
    provider = SlowProvider()
    auth = OAuth2("u", token_provider=provider)
    first, results = in_thread(blocking(auth))
    assert provider.entered.wait(TIMEOUT)
    with pytest.raises(MailTimeoutError):
        run(auth.token(BlockingRuntime(), monotonic() + 0.01))
    provider.gate.set()
    first.join(TIMEOUT)
    assert results == ["t1"]


def test_when_the_one_who_fetches_is_cancelled_another_takes_over():
    async def main():
        entered, calls = asyncio.Event(), []

        async def provider(renew):
            calls.append(renew)
            if len(calls) == 1:
                entered.set()
                await asyncio.Event().wait()
            return "t"

        auth = OAuth2("u", token_provider=provider)
        first = asyncio.create_task(auth.token(AsyncioRuntime()))
        await entered.wait()
        others = [asyncio.create_task(auth.token(AsyncioRuntime())) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        tokens = await asyncio.wait_for(asyncio.gather(*others), TIMEOUT)
        with pytest.raises(asyncio.CancelledError):
            await first
        return [token.reveal() for token in tokens], len(calls)

    assert asyncio.run(main()) == (["t"] * 3, 2)


def test_one_who_waits_may_be_cancelled_alone():
    async def main():
        gate = asyncio.Event()

        async def provider(renew):
            await gate.wait()
            return "t"

        auth = OAuth2("u", token_provider=provider)
        first, second = (asyncio.create_task(auth.token(AsyncioRuntime())) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        gate.set()
        return (await asyncio.wait_for(first, TIMEOUT)).reveal()

    assert asyncio.run(main()) == "t"


def test_a_forked_child_does_not_wait_for_a_fetch_of_its_parent():
    provider = SlowProvider()
    auth = OAuth2("u", token_provider=provider)
    thread, _ = in_thread(blocking(auth))
    assert provider.entered.wait(TIMEOUT)
    child = os.fork()
    if child == 0:
        provider.gate.set()
        os._exit(0 if blocking(auth)() == "t2" else 1)
    _, status = os.waitpid(child, 0)
    provider.gate.set()
    thread.join(TIMEOUT)
    assert os.waitstatus_to_exitcode(status) == 0
