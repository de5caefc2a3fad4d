"""The rules that keep code without a colour sound: no await under a lock, nothing started that outlives its caller."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import PACKAGES, Source, dotted, sources

STARTERS = {"Thread", "Timer", "ThreadPoolExecutor", "ProcessPoolExecutor", "Process", "create_task", "ensure_future"}
"""What begins something that lives on beside its caller."""

ENDS_WHAT_IT_STARTS = "pymailer/runtime/aio.py"
"""Its `AsyncioTasks` cancels and awaits each task when it is closed."""

WITHOUT_COLOUR = [
    source
    for source in sources(*PACKAGES)
    if source.path.split("/")[1] not in {"testing", "testing.py"} and source.path != ENDS_WHAT_IT_STARTS
]
"""All but what runs servers for tests, and the tasks of one call."""


def awaits_under_a_lock(source: Source) -> list[str]:
    return [
        f"{source.path}:{waiting.lineno}"
        for block in source.nodes
        if isinstance(block, ast.With) and any(_is_lock(item.context_expr) for item in block.items)
        for statement in block.body
        for waiting in ast.walk(statement)
        if isinstance(waiting, (ast.Await, ast.AsyncFor, ast.AsyncWith))
    ]


def _is_lock(expression: ast.expr) -> bool:
    name = dotted(expression.func if isinstance(expression, ast.Call) else expression)
    return any(word in name.lower() for word in ("lock", "mutex", "condition"))


def starts(source: Source) -> list[str]:
    return [
        f"{source.path}:{node.lineno}: {dotted(node.func)}"
        for node in source.nodes
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in STARTERS
    ]


def test_no_lock_is_held_over_a_wait() -> None:
    assert [found for source in sources(*PACKAGES) for found in awaits_under_a_lock(source)] == []


def test_no_thread_task_or_timer_is_started() -> None:
    assert [found for source in WITHOUT_COLOUR for found in starts(source)] == []


class TestTheReaderOfRules:
    @pytest.mark.parametrize("lock", ["self._lock", "lock", "self._lock_for(host)"])
    def test_sees_an_await_under_a_lock(self, lock: str) -> None:
        text = f"async def f(self):\n    with {lock}:\n        if self.idle:\n            await self.idle.close()\n"
        assert awaits_under_a_lock(Source("x.py", text)) == ["x.py:4"]

    def test_lets_an_await_after_the_lock_pass(self) -> None:
        text = "async def f(self):\n    with self._lock:\n        idle = self.idle\n    await idle.close()\n"
        assert awaits_under_a_lock(Source("x.py", text)) == []

    def test_sees_what_would_live_on(self) -> None:
        text = "threading.Thread(target=f).start()\nasyncio.create_task(f())\n"
        assert set(starts(Source("x.py", text))) == {"x.py:1: threading.Thread", "x.py:2: asyncio.create_task"}
