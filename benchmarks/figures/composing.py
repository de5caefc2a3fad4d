"""Composing alone, without a server: ourselves, `EmailMessage`, Nodemailer's composer, and base64 as C does it.

python -m benchmarks.figures.composing ours|email|base64 WORKLOAD SECONDS
"""

from __future__ import annotations

import binascii
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from email.policy import SMTP
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.clients import stdlib_message, with_pymailer
from benchmarks.figures import answer_of
from benchmarks.job import Job
from benchmarks.peers import MissingError, nodemailer
from pymailer import create_transport
from pymailer.transports import memory

_NODEMAILER: Final = Path(__file__).parents[1] / "clients" / "compose_with_nodemailer.mjs"


def measure(*, rounds: int, seconds: float) -> dict[str, float]:
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for workload in ("small", "large"):
            for who in ("ours", "email", "base64"):
                answer = answer_of(__name__, who, workload, seconds)
                rates.setdefault(f"{workload} {who}", []).append(answer["rate"])
            theirs = _nodemailer(workload, seconds)
            if theirs is not None:
                rates.setdefault(f"{workload} nodemailer", []).append(theirs)
    return _figures({name: median(found) for name, found in rates.items()})


def _figures(rates: dict[str, float]) -> dict[str, float]:
    figures = {f"compose {name}, 1/s": rate for name, rate in rates.items()}
    for workload in ("small", "large"):
        ours = rates[f"{workload} ours"]
        figures[f"compose {workload} / EmailMessage"] = ours / rates[f"{workload} email"]
        if f"{workload} nodemailer" in rates:
            figures[f"compose {workload} / Nodemailer"] = ours / rates[f"{workload} nodemailer"]
    figures["compose large / base64"] = rates["large ours"] / rates["large base64"]
    return figures


def _nodemailer(workload: str, seconds: float) -> float | None:
    try:
        command, environment = nodemailer()
    except MissingError:
        return None
    job = Job(port=0, workload=workload, seconds=seconds)
    done = subprocess.run(
        [*command, _NODEMAILER, job.as_argument()],
        env={**os.environ, **environment},
        timeout=60 + 20 * seconds,
        check=True,
        capture_output=True,
    )
    return float(json.loads(done.stdout)["rate"])


# --- the programs ---


def ours(job: Job) -> Callable[[int], object]:
    mailer = create_transport(memory())
    return lambda number: mailer.compile(with_pymailer.compose(job, number)).content


def email(job: Job) -> Callable[[int], object]:
    return lambda number: stdlib_message.compose(job.content, number).as_bytes(policy=SMTP)


def base64(job: Job) -> Callable[[int], object]:
    """What nobody who encodes in Python can beat: one call into C, and one copy."""
    attachment = job.content.attachment
    return lambda _: bytearray(binascii.b2a_base64(attachment))


def main() -> None:
    who, workload, seconds = sys.argv[1:]
    compose = {"ours": ours, "email": email, "base64": base64}[who](Job(port=0, workload=workload))
    compose(0)
    number, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < float(seconds):
        number += 1
        compose(number)
    print(json.dumps({"rate": number / elapsed}))


if __name__ == "__main__":
    main()
