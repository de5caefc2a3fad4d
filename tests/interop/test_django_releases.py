"""The backend under each Django that is in use, in an environment of its own: not every one runs on every Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.cache import CACHE

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "pyproject.toml"
NEEDED = ("aiosmtpd", "cryptography", "hypothesis", "pytest", "pytest-timeout", "trustme")
"""What the tests of the backend, and those that pytest loads with them, import besides Django."""
TESTS = ("tests/frameworks/test_django.py", "tests/frameworks/test_django_options.py")


def interpreters() -> Iterator[str]:
    """Pythons of this machine: on the path, and those of pyenv, which are not all on it."""
    yield sys.executable
    for minor in (14, 13, 12):
        name = f"python3.{minor}"
        yield from filter(None, [shutil.which(name)])
        yield from map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}"))


def version_of(interpreter: str) -> tuple[int, ...]:
    ask = [interpreter, "-c", "import sys, venv; print(*sys.version_info[:2])"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=20)
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else ()


def environment(release: str, python: tuple[int, ...]) -> Path:
    """The interpreter of an environment with this Django, made once and kept in the cache."""
    interpreter = next((each for each in interpreters() if version_of(each) >= python), None)
    if interpreter is None:
        pytest.skip(f"Django {release} needs Python {'.'.join(map(str, python))} or later, which is not here")
    folder = CACHE / "django" / f"{release}-{'.'.join(map(str, version_of(interpreter)))}"
    stamp, wanted = folder / "made-for", repr((NEEDED, tomllib.loads(PROJECT.read_text())["project"]["dependencies"]))
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([interpreter, "-m", "venv", "--clear", str(folder)], check=True, timeout=120)
        install = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, f"Django=={release}.*", *NEEDED, "--editable", str(ROOT)], check=True, timeout=300)
        stamp.write_text(wanted)
    return folder / "bin/python"


@pytest.mark.parametrize(("release", "python"), [("4.2", (3, 11)), ("5.2", (3, 11)), ("6.1", (3, 12))])
def test_the_backend_works_under(release: str, python: tuple[int, ...]) -> None:
    command = [str(environment(release, python)), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
