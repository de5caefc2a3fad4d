"""What `import pymailer` costs a program, and what it drags in."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median
from typing import Final

from benchmarks.place import ROOT

HEAVY: Final = ("asyncio", "ssl", "dns")
"""What is imported where it is first used, and not before."""


def measure(*, rounds: int) -> dict[str, float]:
    empty, imported = [], []
    for _ in range(rounds):
        empty.append(_seconds("pass"))
        imported.append(_seconds("import pymailer"))
    return {
        "import, ms": 1000 * (median(imported) - median(empty)),
        "import, modules": float(len(_modules())),
        "import, heavy modules": float(len(set(HEAVY) & _modules())),
    }


def _seconds(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    return time.perf_counter() - began


def _modules() -> set[str]:
    """The modules that were not there before."""
    program = (
        "import sys; before = set(sys.modules); import pymailer, json; print(json.dumps([*set(sys.modules) - before]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))
