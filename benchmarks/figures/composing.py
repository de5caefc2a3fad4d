"""Composing alone, as ratios: `benchmarks.compose` measures it, and base64 as C does it is put beside."""

from __future__ import annotations

import binascii
from statistics import median
from typing import Final

from benchmarks.compose import Compose, email, ours, per_message, per_message_of_nodemailer
from benchmarks.job import Job

JOBS: Final = {name: Job(port=0, workload=name) for name in ("small", "large", "varied")}


def measure(*, rounds: int, seconds: float) -> dict[str, float]:
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for workload, job in JOBS.items():
            for name, compose in (("ours", ours(job)), ("EmailMessage", email(job)), ("base64", base64(job))):
                times.setdefault(f"{workload} {name}", []).append(per_message(compose, seconds))
            theirs = per_message_of_nodemailer(job, seconds)
            if theirs is not None:
                times.setdefault(f"{workload} Nodemailer", []).append(theirs)
    return _figures({name: median(found) for name, found in times.items()})


def _figures(times: dict[str, float]) -> dict[str, float]:
    figures = {f"compose {name}, µs": time for name, time in times.items()}
    for name, time in times.items():
        workload, who = name.split()
        if who != "ours":
            figures[f"compose {workload} / {who}"] = time / times[f"{workload} ours"]
    return figures


def base64(job: Job) -> Compose:
    """What nobody who encodes in Python can beat: one call into C, and one copy."""
    content = job.content
    return lambda number: bytearray(binascii.b2a_base64(content.attachment_of(number)))
