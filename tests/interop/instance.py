"""A private server on loopback: its own directory, ports and processes, and an end of all of them.

Knows processes and waiting; must not know which server it is, nor where its program comes from.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.interop.cache import CACHE

START_SECONDS = 20.0
STOP_SECONDS = 5.0


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Instance:
    """One server from start to end, as a context manager.

    Attributes:
        directory: Everything that it reads and writes.
        port: Where it speaks plainly, and offers STARTTLS.
        tls_port: Where it speaks TLS from the first octet.
    """

    name: ClassVar[str]
    host = "127.0.0.1"

    def __init__(self) -> None:
        runs = CACHE / "runs"  # beside what is cached: hard links do not cross file systems
        runs.mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(dir=runs, prefix=f"{self.name.lower()}-"))
        self.directory.chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        self._output = self.directory.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    # --- what each server says of itself ---

    def prepare(self) -> None:
        """Write the configuration."""
        raise NotImplementedError

    def command(self) -> Sequence[str | Path]:
        """What runs in the foreground."""
        raise NotImplementedError

    def version(self) -> str:
        """Its own version, for the table."""
        raise NotImplementedError

    def mailbox(self) -> list[bytes]:
        """The messages that arrived so far."""
        raise NotImplementedError

    # --- from start to end ---

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self._start()
            self._wait_until_it_greets()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env={"PATH": os.environ["PATH"]},
                start_new_session=True,
            )

    def _wait_until_it_greets(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtplib.SMTP(self.host, self.port, timeout=2).close()
                return
            time.sleep(0.05)  # nobody tells us when it listens
        raise AssertionError(f"{self.name} does not answer on its port. It said: {self.log()[-3000:]}")

    def stop(self) -> None:
        """End every process of this instance, and remove its directory."""
        if self._process:
            _end(self._process)
        for pid in self._processes_left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)
        self._output.unlink(missing_ok=True)

    def _processes_left(self) -> list[int]:
        """Processes whose root or working directory is this instance's: nobody else has a reason to be there."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.directory in {(process / "root").readlink(), (process / "cwd").readlink()}:
                    found.append(int(process.name))
        return found

    # --- what is in its directory ---

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """A file of its configuration."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)  # it may be a hard link to the one in the cache
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return file

    def log(self) -> str:
        """What it has said so far, on its standard output and in its log files."""
        files = [self._output, *(self.directory / "var/log").rglob("*")]
        return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process and its group to end, and insist after a while."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
