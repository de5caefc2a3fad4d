"""Composing alone, in one run: ourselves, `EmailMessage` and Nodemailer's composer over the same messages.

    python -m benchmarks.compose [seconds for each cell]

The first rows are messages of one kind each; those after them double one thing at a time, so that growth shows.
"""

from __future__ import annotations

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
from benchmarks.job import Job
from benchmarks.peers import MissingError, nodemailer
from pymailer import create_transport
from pymailer.transports import memory

ROUNDS: Final = 3
_NODEMAILER: Final = Path(__file__).parent / "clients" / "compose_with_nodemailer.mjs"

KINDS: Final = {
    "2 KB text and html": Job(port=0),
    "100 KB attached, the same": Job(port=0, workload="large"),
    "100 KB attached, others": Job(port=0, workload="varied"),
    "200 recipients": Job(port=0, recipients=200),
}
DOUBLED: Final = {
    **{f"{count} recipients": Job(port=0, recipients=count) for count in (250, 500, 1_000, 2_000)},
    **{f"{size:,} octets attached": Job(port=0, workload=f"attachment-{size}") for size in (1_000_000, 10_000_000)},
}

Compose = Callable[[int], object]


def ours(job: Job) -> Compose:
    """From a mapping to octets, through the whole pipeline of a mailer."""
    mailer = create_transport(memory())
    return lambda number: mailer.compile(with_pymailer.compose(job, number)).content


def email(job: Job) -> Compose:
    """What a user of `smtplib` does."""
    return lambda number: stdlib_message.compose(job.content, number, job.recipients).as_bytes(policy=SMTP)


def per_message(compose: Compose, seconds: float) -> float:
    """Microseconds for one message."""
    compose(0)
    number, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        number += 1
        compose(number)
    return elapsed / number * 1e6


def per_message_of_nodemailer(job: Job, seconds: float) -> float | None:
    """The same for Nodemailer; ``None`` where it cannot be had."""
    try:
        command, environment = nodemailer()
    except MissingError:
        return None
    argument = Job(port=0, workload=job.workload, recipients=job.recipients, seconds=seconds).as_argument()
    done = subprocess.run(
        [*command, _NODEMAILER, argument],
        env={**os.environ, **environment},
        timeout=60 + 20 * seconds,
        check=True,
        capture_output=True,
    )
    return 1e6 / float(json.loads(done.stdout)["rate"])


def measured(job: Job, seconds: float) -> list[float | None]:
    """Microseconds a message for each of the three: the medians of rounds that take turns."""
    rounds = [
        (per_message(ours(job), seconds), per_message(email(job), seconds), per_message_of_nodemailer(job, seconds))
        for _ in range(ROUNDS)
    ]
    return [None if None in column else median(column) for column in zip(*rounds, strict=True)]


def row(name: str, times: list[float | None]) -> str:
    """One line of the table: the times, and how many times as long the others take."""
    own = times[0] or 1.0
    cells = [f"{name:26}", f"{own:11,.0f}"]
    cells += [
        "          –        " if other is None else f"{other:11,.0f} ({other / own:4.1f}x)" for other in times[1:]
    ]
    return "".join(cells)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"{'microseconds a message':26}{'pymailer':>11}{'EmailMessage':>19}{'Nodemailer':>19}")
    for kinds in (KINDS, DOUBLED):
        for name, job in kinds.items():
            print(row(name, measured(job, seconds)), flush=True)
        print()


if __name__ == "__main__":
    main()
