"""What one client made of one scenario: what it said, and what the server knows.

Knows numbers and moments; must not know which of them are good.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import attrs

from benchmarks.faults.task import Task
from benchmarks.peers import nodemailer
from benchmarks.place import ROOT
from tests.faults import FaultServer

CLIENTS: Final = {"Nodemailer 10": "with_nodemailer.mjs", "aiosmtplib": "with_aiosmtplib", "this pool": "with_pymailer"}


@attrs.frozen
class Settled:
    """What a client said about one message, and when, in seconds after it began."""

    number: int
    ok: bool
    code: str
    text: str
    outcome: str
    at: float


@attrs.frozen
class Observed:
    """One client in one scenario."""

    task: Task
    settled: tuple[Settled, ...]
    server: FaultServer | None = None

    @property
    def sent(self) -> int:
        return sum(one.ok for one in self.settled)

    @property
    def failed(self) -> int:
        return sum(not one.ok for one in self.settled)

    @property
    def open(self) -> int:
        """How many have not settled."""
        return self.task.sends - len(self.settled)

    @property
    def seconds(self) -> float:
        """Until the last one settled."""
        return max((one.at for one in self.settled), default=0.0)

    @property
    def held(self) -> int:
        """How many messages the server holds."""
        return len(self.server.commits) if self.server else 0

    @property
    def connects(self) -> int:
        return self.server.opened if self.server else 0

    @property
    def logins(self) -> int:
        return len(self.server.logins) if self.server else 0

    @property
    def most_in_a_second(self) -> int:
        """The most messages that began within any second."""
        if self.server is None:
            return 0
        begun = sorted(line.at for line in self.server.lines if line.text.upper().startswith("MAIL"))
        return max((sum(start <= other < start + 1 for other in begun) for start in begun), default=0)

    @property
    def outcomes(self) -> set[str]:
        return {one.outcome for one in self.settled}

    def in_short(self) -> str:
        """How many were sent, what the others ended with, and how many never ended."""
        parts = [f"{self.sent} of {self.task.sends} sent"] if self.sent or not self.settled else []
        codes = Counter(f"{one.outcome}: {one.code}" if one.outcome else one.code for one in self.settled if not one.ok)
        parts += [f"{count} × `{code}`" for code, count in codes.items()]
        if self.open:
            parts.append(f"{self.open} never settled")
        return ", ".join(parts)


def observe(client: str, task: Task, server: FaultServer | None) -> Observed:
    """Let a client do its task; it is ended when its patience is over."""
    program = CLIENTS[client]
    if program.endswith(".mjs"):
        command, environment = nodemailer()
        command = [*command, str(Path(__file__).parent / program)]
    else:
        command, environment = [sys.executable, "-m", f"benchmarks.faults.{program}"], {}
    process = subprocess.Popen(
        [*command, task.as_argument()],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = time.monotonic()
    try:
        said, complaints = process.communicate(timeout=task.patience)
    except subprocess.TimeoutExpired:
        process.kill()
        said, complaints = process.communicate()
    if process.returncode not in (0, -9) and not said and time.monotonic() - started < task.patience / 2:
        raise RuntimeError(f"{client} ended with {process.returncode}:\n{complaints[-3000:]}")
    return Observed(task, tuple(Settled(**json.loads(line)) for line in said.splitlines()), server)
