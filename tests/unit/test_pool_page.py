"""The page about the pool says everything that there is, and its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

from pymailer_smtp_pool import PoolOptions, PoolStats

PAGE = (Path(__file__).parents[2] / "docs" / "pool.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_option_is_described():
    assert [field.name for field in attrs.fields(PoolOptions) if f"`{field.name}`" not in PAGE] == []


def test_the_defaults_are_right():
    defaults = PoolOptions()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", PAGE, re.MULTILINE)
    told = {name: default.strip("`") for name, default in rows if hasattr(defaults, name)}
    for name, default in told.items():
        real = getattr(defaults, name)
        assert default == ("none" if real in (None, ()) else f"{real:g}" if not isinstance(real, bool) else str(real))
    assert len(told) > 8


def test_every_statistic_is_described():
    assert [field.name for field in attrs.fields(PoolStats) if f"`{field.name}`" not in PAGE] == []


@pytest.mark.parametrize("block", BLOCKS)
def test_its_code_runs(block):
    exec(compile(block, "pool.md", "exec"), {})
