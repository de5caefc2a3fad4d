"""What one client has to do, and how it reports what it did: the contract between the benchmark and its clients.

A client is a program. It gets a job as JSON in its first argument, warms its connections up, sends for as long as the
job says, and prints one line of JSON. Its clocks run inside it, so that starting an interpreter costs nobody anything.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import attrs

from benchmarks.workloads import Workload, workload


@attrs.frozen(kw_only=True)
class Job:
    """One run of one client.

    Attributes:
        port: Where the server listens on 127.0.0.1.
        workload: The name of the messages (`benchmarks.workloads`).
        seconds: How long to send; what has begun by then is finished.
        connections: How many the client may open.
        in_flight: How many messages a connection may begin before the first is answered (where a client can).
        max_messages: How many messages one connection carries; 0 for no limit.
        tls: ``"implicit"``, ``"starttls"`` or empty; `certificate` is a PEM file with the authority.
        mode: Which of its ways a client shall take.
        count: Send so many instead of for so long.
        recipients: How many each message has.
    """

    port: int
    workload: str = "small"
    seconds: float = 1.0
    connections: int = 5
    in_flight: int = 1
    max_messages: int = 0
    tls: str = ""
    certificate: str = ""
    mode: str = ""
    count: int = 0
    recipients: int = 1

    @classmethod
    def from_argument(cls) -> Self:
        """The job that this program was started with."""
        fields = {field.name for field in attrs.fields(cls)}
        return cls(**{key: value for key, value in json.loads(sys.argv[1]).items() if key in fields})

    def as_argument(self) -> str:
        """For a client in any language: with the content of the messages."""
        return json.dumps(attrs.asdict(self) | self.content.as_dict())

    @property
    def content(self) -> Workload:
        """The messages."""
        return workload(self.workload)

    @property
    def warm_up(self) -> range:
        """The numbers of the messages that open the connections, before the clocks run."""
        return range(0 if self.count else 2 * self.connections)

    @contextmanager
    def measured(self) -> Iterator[Clock]:
        """Measure what happens inside, and print it as this client's result."""
        clock = Clock(self)
        yield clock
        print(json.dumps(clock.result()), flush=True)


class Clock:
    """Gives out the numbers of messages while there is time, and knows what it cost."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._sent = 0
        self._lock = threading.Lock()
        self._cpu = _cpu()
        self._began = time.perf_counter()

    def numbers(self) -> Iterator[int]:
        """The numbers of the messages to send; several threads may have an iterator each."""
        while (number := self._next()) is not None:
            yield number

    def _next(self) -> int | None:
        with self._lock:
            if self._job.count:
                running = self._sent < self._job.count
            else:
                running = time.perf_counter() - self._began < self._job.seconds
            self._sent += running
            return self._sent if running else None

    def result(self) -> dict[str, Any]:
        return {
            "messages": self._sent,
            "seconds": time.perf_counter() - self._began,
            "cpu": _cpu() - self._cpu,
            "rss": peak_rss(),
        }


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss() -> float:
    """Megabytes that this process has had resident at most.

    Not `ru_maxrss`: Linux carries the parent's peak over into that.
    """
    return _memory("VmHWM")


def current_rss() -> float:
    """Megabytes that are resident now."""
    return _memory("VmRSS")


def _memory(name: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(name)
