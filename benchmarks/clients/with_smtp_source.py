"""Postfix's smtp-source: written in C, composes nothing. How far it gets in a second is tried out first."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time

from benchmarks.job import Job
from benchmarks.peers import smtp_source

WIRE_SIZE = {"small": 2800, "large": 141_000}
"""Octets, as the other clients' messages have on the wire."""


def timed(job: Job, messages: int) -> tuple[float, float]:
    """Seconds and CPU seconds that so many messages took."""
    program, environment = smtp_source()
    size = WIRE_SIZE[job.workload]
    options = ["-d", "-s", str(job.connections), "-m", str(messages), "-l", str(size)]
    addresses = ["-f", "news@example.com", "-t", "zoe@example.org"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(
        [program, *options, *addresses, f"inet:127.0.0.1:{job.port}"], check=True, env={**os.environ, **environment}
    )
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    job = Job.from_argument()
    trial = 10 * job.connections
    seconds, _ = timed(job, trial)
    messages = max(trial, round(job.seconds / seconds * trial))
    seconds, cpu = timed(job, messages)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    print(json.dumps({"messages": messages, "seconds": seconds, "cpu": cpu, "rss": peak}))


if __name__ == "__main__":
    main()
