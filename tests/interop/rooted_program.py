"""A program from Debian's packages that is run once and answers on its standard output, in a root of its own.

Knows `chroot` and Perl; must not know what the program is asked.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.interop.cache import CACHE, NotToBeHad
from tests.interop.rooted import copy_root

SCRIPTS = Path(__file__).with_name("perl")
SECONDS = 240
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/tmp"}


@attrs.frozen
class Root:
    """A root that is written to by nobody else."""

    directory: Path

    def write(self, path: str, content: bytes) -> None:
        self.directory.joinpath(path).write_bytes(content)

    def run(self, *command: str, stdin: str = "") -> str:
        """What the program says; it must end well, and in time."""
        done = subprocess.run(
            ["chroot", self.directory, *command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=_ENVIRONMENT,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def ask(self, script: str, question: Any) -> Any:
        """The answer of one of our Perl scripts, which read one JSON document and write another."""
        return json.loads(
            self.run("perl", "-e", (SCRIPTS / script).read_text(encoding="utf-8"), stdin=json.dumps(question))
        )


@contextlib.contextmanager
def root_with(packages: Sequence[str]) -> Iterator[Root]:
    """A private root with these packages; that they cannot be had fails the test."""
    CACHE.joinpath("runs").mkdir(parents=True, exist_ok=True)  # beside what is cached, as hard links need it
    with tempfile.TemporaryDirectory(dir=CACHE / "runs", prefix=f"{packages[0]}-") as directory:
        try:
            copy_root(packages, Path(directory))
        except NotToBeHad as error:
            pytest.fail(str(error), pytrace=False)
        Path(directory, "tmp").mkdir(exist_ok=True)
        yield Root(Path(directory))
