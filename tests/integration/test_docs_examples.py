"""The code on the pages about testing and transports runs as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"# (\w+\.py)\n")


def blocks(page: str) -> list[str]:
    return _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with the files of the page about testing."""
    for block in blocks("testing.md"):
        name = _NAME.match(block)
        assert name, f"a block does not say which file it is: {block[:60]!r}"
        (tmp_path / name[1]).write_text(block, encoding="utf-8")
    return tmp_path


def test_every_test_on_the_page_passes(pages: Path) -> None:
    tests = sum(block.count("\ndef test_") for block in blocks("testing.md"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(pages), str(pages)]
    done = subprocess.run(command, cwd=pages, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout
    assert f"{tests + 2} passed" in done.stdout, done.stdout  # one of them has three parameters


def test_the_first_test_has_ten_lines() -> None:
    first = blocks("testing.md")[1]
    assert len([line for line in first.splitlines() if line.strip() and not line.startswith("#")]) <= 10


@pytest.mark.parametrize("block", blocks("transports.md"))
def test_the_code_about_transports_runs(block: str) -> None:
    exec(compile(block, "transports.md", "exec"), {})


def test_every_factory_is_described() -> None:
    import pymailer.transports

    page = (DOCS / "transports.md").read_text(encoding="utf-8")
    assert [name for name in pymailer.transports.__all__ if f"`{name}(" not in page] == []
