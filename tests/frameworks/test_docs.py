"""The code on the pages about frameworks and about ending is code that runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import django
import pytest

from tests.frameworks.programs import ROOT

_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SETTINGS = "# settings.py\n"
CHECK = "import django; django.setup(); from django.core import mail; {}"


def blocks(page: str) -> list[str]:
    return [dedent(block) for _, block in _BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))]


PIECES = [block for page in ("frameworks.md", "shutdown.md") for block in blocks(page) if SETTINGS not in block]
WITH_SETTINGS, WITH_MAILERS = [block for block in blocks("frameworks.md") if SETTINGS in block]
EXAMPLES = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").rglob("*.py")]


@pytest.mark.parametrize("block", PIECES)
def test_each_piece_is_of_an_example(block: str) -> None:
    lines = block.splitlines()
    assert any(lines == dedent("\n".join(part)).splitlines() for text in EXAMPLES for part in parts(text, len(lines)))


def parts(text: str, length: int) -> list[list[str]]:
    lines = text.splitlines()
    return [lines[start : start + length] for start in range(len(lines) - length + 1)]


def test_the_examples_that_the_pages_name_are_there() -> None:
    pages = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("frameworks.md", "shutdown.md"))
    named = set(re.findall(r"`(examples/\w+\.py)`", pages))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def ask_django(settings: str, folder: Path, question: str) -> str:
    (folder / "settings.py").write_text(settings + "DEFAULT_FROM_EMAIL = 'shop@example.com'\n", encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-c", CHECK.format(question)]
    environment = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_settings_of_django_make_a_backend(tmp_path: Path) -> None:
    found = ask_django(WITH_SETTINGS, tmp_path, "print(mail.get_connection()._mailer)")
    assert "smtp.example.com:587" in found


@pytest.mark.skipif(django.VERSION < (6, 1), reason="MAILERS came with Django 6.1")
@pytest.mark.parametrize(("alias", "host"), [("default", "smtp.example.com:587"), ("newsletter", "amazonaws.com")])
def test_the_mailers_of_django_make_backends(alias: str, host: str, tmp_path: Path) -> None:
    assert host in ask_django(WITH_MAILERS, tmp_path, f"print(mail.mailers[{alias!r}]._mailer)")
