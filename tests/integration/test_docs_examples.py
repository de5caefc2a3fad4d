"""The code on the pages about testing, transports and middleware runs as it is written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pymailer.transports.in_memory import StoredMessage
from tests.keys import certificate, key_ring, pem

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^```html\n<!-- (\S+) -->\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"# (\w+\.py)\n")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[str]:
    return _BLOCK.findall(page(name))


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with the files of the page about testing."""
    for block in blocks("testing.md"):
        name = _NAME.match(block)
        assert name, f"a block does not say which file it is: {block[:60]!r}"
        (tmp_path / name[1]).write_text(block, encoding="utf-8")
    return tmp_path


def test_every_test_on_the_page_passes(pages: Path) -> None:
    tests = sum(block.count("\ndef test_") for block in blocks("testing.md"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(pages), str(pages)]
    done = subprocess.run(command, cwd=pages, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout
    assert f"{tests + 2} passed" in done.stdout, done.stdout  # one of them has three parameters


def test_the_first_test_has_ten_lines() -> None:
    first = blocks("testing.md")[1]
    assert len([line for line in first.splitlines() if line.strip() and not line.startswith("#")]) <= 10


@pytest.mark.parametrize("block", blocks("transports.md"))
def test_the_code_about_transports_runs(block: str) -> None:
    exec(compile(block, "transports.md", "exec"), {})


@pytest.fixture
def folder_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files that the page about middleware speaks of, and a key ring of GnuPG."""
    for name, content in _FILE.findall(page("middleware.md")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "certificate.pem").write_bytes(pem(certificate(key, "a@example.com")))
    (tmp_path / "key.pem").write_bytes(pem(key))
    home = tmp_path / "gnupg"
    home.mkdir()
    monkeypatch.setenv("GNUPGHOME", str(home))
    monkeypatch.chdir(tmp_path)
    with key_ring(home, "the passphrase"):
        yield tmp_path


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
def test_the_code_about_middleware_runs_and_does_what_the_page_says(folder_of_the_page: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks("middleware.md"):
        exec(compile(block, "middleware.md", "exec"), names)
    first, second, third = (message_of(stored) for stored in names["mailer"].transport.messages)
    assert first["Subject"] == "[test] Hello"
    assert int(first["X-Size"]) > 0
    assert "See our shop (https://example.com)" in second.get_body(["plain"]).get_content()
    assert 'style="color: navy;margin: 0;"' in third.get_body(["html"]).get_content()
    (letter,) = (message_of(stored) for stored in names["letters"].transport.messages)
    assert "Hello Ada &amp; Charles" in letter.get_body(["html"]).get_content()
    assert "Your order 17 is on its way." in letter.get_body(["plain"]).get_content()
    (note,) = (message_of(stored) for stored in names["notes"].transport.messages)
    assert "<h1>Note G</h1>" in note.get_body(["html"]).get_content()
    assert message_of(names["signed"].transport.messages[0]).get_content_type() == "multipart/signed"


def message_of(stored: StoredMessage) -> EmailMessage:
    return message_from_bytes(stored.content, policy=policy.default)


def test_every_middleware_is_described() -> None:
    import pymailer.middleware

    assert [name for name in pymailer.middleware.__all__ if f"{name}(" not in page("middleware.md")] == []


def test_every_factory_is_described() -> None:
    import pymailer.transports

    assert [name for name in pymailer.transports.__all__ if f"`{name}(" not in page("transports.md")] == []
