"""Who competes, and how a contender is set to a job.

Knows which program stands for whom. What the job is, is the scenario's business.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from benchmarks.job import Job
from benchmarks.peers import MissingError, nodemailer, smtp_source
from benchmarks.place import ROOT
from benchmarks.results import Result

_CLIENTS: Final = Path(__file__).parent / "clients"


@attrs.frozen
class Contender:
    """A client as it appears in the tables.

    Attributes:
        name: What the tables call it.
        program: Its file in `benchmarks/clients`.
        mode: Which of its ways it takes.
        in_flight: How many messages a connection may begin before the first is answered.
        available: Raises `MissingError` where it cannot be run.
    """

    name: str
    program: str
    mode: str = ""
    in_flight: int = 1
    available: Callable[[], object] = attrs.field(default=lambda: None, eq=False, repr=False)

    @property
    def ours(self) -> bool:
        return self.program == "with_pymailer"

    def run(self, job: Job) -> Result:
        """Let it do the job.

        Raises:
            RuntimeError: It failed; the text is the end of what it said.
        """
        job = attrs.evolve(job, mode=self.mode or job.mode, in_flight=self.in_flight)
        command, environment = self._command()
        patience = 60 + 20 * job.seconds if not job.count else 900
        done = subprocess.run(
            [*command, job.as_argument()],
            cwd=ROOT,
            env={**os.environ, **environment},
            timeout=patience,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return Result(**json.loads(done.stdout.splitlines()[-1]))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        if self.program.endswith(".mjs"):
            command, environment = nodemailer()
            return [*command, str(_CLIENTS / self.program)], environment
        return [sys.executable, "-m", f"benchmarks.clients.{self.program}"], {}


MANY: Final = Contender("pymailer, send_many", "with_pymailer", "many")
ASYNC: Final = Contender("pymailer, asyncio", "with_pymailer", "async")
UVLOOP: Final = Contender("pymailer, uvloop", "with_pymailer", "uvloop")
WAITING: Final = Contender("pymailer, asyncio, a task for each", "with_pymailer", "waiting")
THREADS: Final = Contender("pymailer, threads", "with_pymailer", "threads")
COMPILED: Final = Contender("pymailer, send_compiled, asyncio", "with_pymailer", "compiled")
COMPILED_THREADS: Final = Contender("pymailer, send_compiled, threads", "with_pymailer", "compiled-threads")
COMPILED_MANY: Final = Contender("pymailer, send_many of compiled mail", "with_pymailer", "compiled-many")
MANY_16: Final = Contender("pymailer, send_many, in_flight=16", "with_pymailer", "many", in_flight=16)
ASYNC_16: Final = Contender("pymailer, asyncio, in_flight=16", "with_pymailer", "async", in_flight=16)

NODEMAILER: Final = Contender("Nodemailer 10, pool", "with_nodemailer.mjs", available=nodemailer)
SMTPLIB: Final = Contender("smtplib, one connection", "with_smtplib")
SMTPLIB_THREADS: Final = Contender("smtplib, threads", "with_smtplib", "threads")
AIOSMTPLIB: Final = Contender("aiosmtplib, reused connections", "with_aiosmtplib")
DJANGO: Final = Contender("Django, send_messages", "with_django")
SMTP_SOURCE: Final = Contender("Postfix smtp-source (C, composes nothing)", "with_smtp_source", available=smtp_source)


def those_available(contenders: tuple[Contender, ...]) -> tuple[list[Contender], dict[str, str]]:
    """Who can run here; and the others' names, with the reason."""
    present, missing = [], {}
    for contender in contenders:
        try:
            contender.available()
        except MissingError as error:
            missing[contender.name] = str(error)
        else:
            present.append(contender)
    return present, missing
