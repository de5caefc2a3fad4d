"""Files and functions that fit in the head, and no room that stays empty."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePath

from tests.architecture.sources import PACKAGES, Source, dotted, sources

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_SLEEP = 0.05
"""Seconds that a test may pause; for more than that it waits for the thing itself."""

NAMES_THAT_SAY_NOTHING = {"base", "common", "helper", "helpers", "misc", "util", "utils"}

SHIPPED = sources(*PACKAGES)
CODE = [*SHIPPED, *sources("benchmarks", "examples")]
TESTS = sources("tests")


def long_functions(source: Source) -> list[str]:
    return [
        f"{source.path}:{function.lineno} {function.name}: {size} lines"
        for function in source.functions()
        if (size := (function.end_lineno or function.lineno) - function.lineno + 1) > MAX_FUNCTION_LINES
    ]


def stubs(source: Source) -> list[str]:
    """Places that raise NotImplementedError, called or not."""
    return [
        f"{source.path}:{node.lineno}"
        for node in source.nodes
        if isinstance(node, ast.Raise)
        and dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc or node) == "NotImplementedError"
    ]


def sleepers(source: Source) -> list[str]:
    """Calls of any `sleep` with a constant that is too long."""
    return [f"{source.path}:{call.lineno}: {seconds} s" for call, seconds in sleeps(source) if seconds > MAX_SLEEP]


def sleeps(source: Source) -> Iterator[tuple[ast.Call, float]]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func) in {"sleep", "time.sleep", "asyncio.sleep"} and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, (int, float)):
                yield node, argument.value


def test_every_file_fits_in_the_head() -> None:
    long = [f"{source.path}: {lines} lines" for source in CODE if (lines := source.text.count("\n")) > MAX_FILE_LINES]
    assert long == []


def test_every_function_fits_on_a_screen() -> None:
    assert [found for source in CODE for found in long_functions(source)] == []


def test_every_file_has_a_name_that_says_something() -> None:
    assert [
        source.path for source in CODE if set(PurePath(source.path).with_suffix("").parts) & NAMES_THAT_SAY_NOTHING
    ] == []


def test_every_module_opens_with_what_it_knows() -> None:
    assert [source.path for source in [*CODE, *TESTS] if not ast.get_docstring(ast.parse(source.text))] == []


def test_nothing_is_left_to_be_implemented() -> None:
    assert [found for source in SHIPPED for found in stubs(source)] == []


def test_no_test_sleeps_to_wait() -> None:
    assert [found for source in TESTS for found in sleepers(source)] == []


class TestTheReaderOfSizes:
    def test_sees_a_stub_in_both_spellings(self) -> None:
        text = "def f():\n    raise NotImplementedError\ndef g():\n    raise NotImplementedError('later')\n"
        assert stubs(Source("x.py", text)) == ["x.py:2", "x.py:4"]

    def test_lets_a_reraise_pass(self) -> None:
        assert stubs(Source("x.py", "try:\n    f()\nexcept OSError:\n    raise\n")) == []

    def test_sees_a_long_sleep_and_not_a_yield_to_the_loop(self) -> None:
        text = "async def f():\n    await asyncio.sleep(0)\n    time.sleep(1)\n    await runtime.sleep(3600)\n"
        assert sleepers(Source("x.py", text)) == ["x.py:3: 1 s"]

    def test_sees_a_long_function(self) -> None:
        text = "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES
        assert long_functions(Source("x.py", text)) == [f"x.py:1 f: {MAX_FUNCTION_LINES + 1} lines"]
