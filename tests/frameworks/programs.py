"""A program of `examples/` in a process of its own, as its user would start it.

Knows processes, their output and their ports; must not know what any of them does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 25.0
"""Seconds after which waiting for a program is a failure; a busy machine starts one slowly."""


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Program:
    """A Python program that runs.

    Args:
        command: Its arguments after ``python``.
        directory: Where it runs, below the root.
        environment: Variables beside those of the tests.
    """

    def __init__(self, *command: str, directory: str = ".", **environment: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 -- open while the program runs
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT / directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        """What it has written so far, also to standard error."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def terminate(self) -> None:
        """Ask it to end, as a supervisor does."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end; it said:\n{self.output}") from None

    def wait_for(self, text: str) -> None:
        """Block until it has written `text`."""
        self._until(lambda: text in self.output, f"say {text!r}")

    def wait_for_port(self, port: int) -> None:
        """Block until it listens on a port of loopback."""
        self._until(lambda: _listens(port), f"listen on {port}")

    def _until(self, seen: object, what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not seen():
            ended = self.process.poll() is not None
            assert not ended or seen(), f"it ended and did not {what}; it said:\n{self.output}"
            assert time.monotonic() < deadline, f"it does not {what}; it said:\n{self.output}"
            time.sleep(0.02)  # nobody tells us

    def kill(self) -> None:
        """End it and all its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self._output.close()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
