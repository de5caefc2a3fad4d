"""The corpus of hostile input: its cases by area, with the inputs as they are meant.

Knows the file and its shorthand; nothing of what a case is fed to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

FILE = Path(__file__).with_name("bad_inputs.json")


@attrs.frozen
class Case:
    """One input and what must become of it.

    Attributes:
        id: Area and number.
        area: What it is aimed at.
        input: The value to feed in; a list of `str` or `bytes` where it comes in chunks.
        verdict: ``accept``, ``reject_local``, ``normalize``, ``encode``, ``policy_deny``, ``time_bound``, …
        rule: The same in a sentence.
    """

    id: str
    area: str
    input: Any
    verdict: str
    rule: str


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, in the order of the file."""
    return tuple(
        Case(each["id"], each["area"], expand(each["input"]), each["verdict"], each["expected_rule"])
        for each in json.loads(FILE.read_text(encoding="utf-8"))
    )


def expand(value: Any) -> Any:
    """A value without shorthand: ``$hex`` is bytes, ``$repeat`` a long text, ``$chunks`` a list of pieces."""
    match value:
        case {"$hex": digits}:
            return bytes.fromhex(digits)
        case {"$repeat": {"prefix": prefix, "unit": unit, "n": times, "suffix": suffix}}:
            return prefix + unit * times + suffix
        case {"$chunks": pieces}:
            return [expand(piece) for piece in pieces]
        case dict():
            return {key: expand(inner) for key, inner in value.items()}
        case list():
            return [expand(inner) for inner in value]
        case _:
            return value


def cases(*areas: str, verdict: str | None = None, only: Iterable[str] = (), without: Iterable[str] = ()) -> Any:
    """A decorator that runs a test once for each case of these areas, as its argument `case`.

    Args:
        areas: Names of areas.
        verdict: Only the cases with this one.
        only: Only these ids.
        without: Not these ids.
    """
    chosen = [
        case
        for case in all_cases()
        if case.area in areas
        and verdict in (None, case.verdict)
        and (not only or case.id in set(only))
        and case.id not in set(without)
    ]
    assert chosen, f"no case of {areas} is left"
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.id)
