"""The guard in `tests/conftest.py` sees what a test leaves behind: it is run over tests that do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

UNTIDY = """
import asyncio, socket, threading

kept = []
gate = threading.Event()

def test_keeps_a_socket():
    kept.append(socket.socket())

def test_forgets_a_socket_in_a_circle():
    circle = [socket.socket()]
    circle.append(circle)

def test_leaves_a_thread():
    threading.Thread(target=gate.wait, args=(2,)).start()

async def leave_a_task(runtime):
    kept.append(asyncio.get_running_loop().create_task(asyncio.sleep(3600)))

def test_leaves_a_task(drive):
    if drive.colour == "sync":
        raise AssertionError("has no loop to leave one in")
    drive(leave_a_task)

def test_is_tidy(drive):
    async def nap(runtime):
        await runtime.sleep(0)
        return await runtime.offload(int, "3")
    assert drive(nap) == 3
    gate.set()
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("untidy")
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_untidy.py").write_text(UNTIDY, encoding="utf-8")
    return _pytest(folder).stdout


def _pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    settings = ("-c", ROOT / "pyproject.toml", "--rootdir", folder, "-p", "no:cacheprovider", "-rA")
    command = [sys.executable, "-m", "pytest", *map(str, settings), str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)


def outcomes(report: str, test: str) -> set[str]:
    return set(re.findall(rf"^(PASSED|FAILED|ERROR) \S*::{test}(?: |$)", report, re.MULTILINE))


@pytest.mark.parametrize("test", ["test_keeps_a_socket", "test_forgets_a_socket_in_a_circle", "test_leaves_a_thread"])
def test_an_untidy_test_is_an_error(report: str, test: str) -> None:
    assert "ERROR" in outcomes(report, test)


def test_a_task_left_in_the_loop_is_a_failure(report: str) -> None:
    assert outcomes(report, r"test_leaves_a_task\[async\]") == {"FAILED"}
    assert "tasks outlive the call that started them" in report


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_tidy_test_passes(report: str, colour: str) -> None:
    assert outcomes(report, rf"test_is_tidy\[{colour}\]") == {"PASSED"}


def test_a_run_that_only_skips_is_not_a_success(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_skips.py").write_text("import pytest\ndef test_skips():\n    pytest.skip('no server')\n")
    assert _pytest(tmp_path).returncode == pytest.ExitCode.NO_TESTS_COLLECTED
