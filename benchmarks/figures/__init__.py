"""Single figures that no race shows: memory, imports, composing, what the pool itself costs.

Each module has a `measure` that returns figures by name. What needs a process to itself is run as a program, which is
the same module started with `-m` and answering with one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.place import ROOT


def answer_of(module: str, *arguments: object) -> dict[str, Any]:
    """What a program of this package answers.

    Raises:
        RuntimeError: It failed; the text is the end of what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        timeout=900,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
