"""Several coroutines at once in one colour: threads that block, or tasks of one loop.

Knows runtimes; nothing of mail.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pymailer.runtime import Runtime, run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime

Function = Callable[[Runtime], Coroutine[Any, Any, Any]]
PATIENCE = 20.0
"""Seconds after which a thread hangs."""


def together(colour: str, functions: Sequence[Function]) -> list[Any]:
    """What each returned or raised."""
    return _in_threads(functions) if colour == "sync" else asyncio.run(_in_tasks(functions))


def failures(results: Sequence[Any]) -> list[BaseException]:
    return [result for result in results if isinstance(result, BaseException)]


def _in_threads(functions: Sequence[Function]) -> list[Any]:
    results: list[Any] = [None] * len(functions)

    def work(index: int, function: Function) -> None:
        try:
            results[index] = run(function(BlockingRuntime()))
        except BaseException as error:
            results[index] = error

    threads = [threading.Thread(target=work, args=each, daemon=True) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread hangs"
    return results


async def _in_tasks(functions: Sequence[Function]) -> list[Any]:
    runtime = AsyncioRuntime()
    return await asyncio.gather(*(function(runtime) for function in functions), return_exceptions=True)
