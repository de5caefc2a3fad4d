"""The programs that the clients talk to: a sink that takes everything, a wire that makes it far away.

Knows how to build, start, ask and end them. They end with their stdin, so that none is left behind.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Final, Self

import attrs

from benchmarks.place import BUILD

EVERYTHING: Final = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1073741824", "ENHANCEDSTATUSCODES", "CHUNKING")
"""What a modern server offers."""
PIPELINING_ONLY: Final = EVERYTHING[:-1]

_HERE: Final = Path(__file__).parent


@attrs.frozen
class Tally:
    """What a sink was given since it started."""

    messages: int
    octets: int
    connections: int
    resumed: int
    """TLS connections that resumed a session."""


class Program:
    """A server in a process of its own, listening on a port of loopback that it chose."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.port = int(self.read_line().split()[1])
        except BaseException:
            self.close()
            raise

    def read_line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")
        return line

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Sink(Program):
    """Takes every message and counts.

    Args:
        capabilities: What it answers to EHLO.
        tls: ``"implicit"`` or ``"starttls"``; needs `certificate`, a PEM file with its key.
    """

    def __init__(
        self, capabilities: tuple[str, ...] = EVERYTHING, *, tls: str | None = None, certificate: Path | None = None
    ) -> None:
        built = None if tls else compiled("sink")
        if built:
            super().__init__([str(built), *capabilities])
        else:
            security = [f"--tls={tls}", f"--certificate={certificate}"] if tls else []
            super().__init__([sys.executable, "-m", "benchmarks.servers.sink", *security, *capabilities])

    def tally(self) -> Tally:
        assert self.process.stdin is not None
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return Tally(*(int(number) for number in self.read_line().split()))


class Wire(Program):
    """Delivers what it is given half a round trip later.

    Args:
        target: The port it leads to.
        round_trip: Seconds.
    """

    def __init__(self, target: int, round_trip: float) -> None:
        built = compiled("wire")
        if built is None:
            raise RuntimeError("the wire is written in C and there is no C compiler here")
        super().__init__([str(built), str(target), str(round(round_trip * 1e6 / 2))])


def compiled(name: str) -> Path | None:
    """The program of that name, built if it is older than its source; ``None`` without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, program = _HERE / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        fresh = program.with_suffix(".new")
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", fresh, source], check=True)
        fresh.replace(program)
    return program


def measured_round_trip(port: int, samples: int = 15) -> float:
    """Seconds from a NOOP to its reply, the median; what a client sees, the server's own time included."""
    times = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(512)
        for _ in range(samples):
            began = time.perf_counter()
            sock.sendall(b"NOOP\r\n")
            sock.recv(512)
            times.append(time.perf_counter() - began)
    return median(times)
