"""The peers that pip does not bring: Nodemailer from npm, smtp-source from Debian's postfix.

Fetched into the build folder and nowhere else; what cannot be had is skipped, and the table says why. With `OFFLINE` in
the environment nothing is fetched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from benchmarks.place import BUILD

NODEMAILER: Final = "nodemailer@10"
OFFLINE: Final = "BENCHMARKS_OFFLINE"
_POSTFIX: Final = BUILD / "postfix"


class MissingError(Exception):
    """A peer cannot be run here; the text says why."""


def nodemailer() -> tuple[list[str], dict[str, str]]:
    """How to start Node.js, and the environment in which it finds Nodemailer.

    Raises:
        MissingError: There is no Node.js, or Nodemailer cannot be fetched.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise MissingError("Node.js is not installed")
    if not (BUILD / "node_modules" / "nodemailer").exists():
        if npm is None:
            raise MissingError("npm is not installed")
        BUILD.mkdir(parents=True, exist_ok=True)
        _fetch([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(BUILD), NODEMAILER], BUILD)
    return [node], {"PEERS": str(BUILD / "node_modules")}


def smtp_source() -> tuple[str, dict[str, str]]:
    """Postfix's smtp-source, and the environment in which it finds its libraries.

    Raises:
        MissingError: It is neither installed nor can its package be fetched.
    """
    installed = shutil.which("smtp-source", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if installed:
        return installed, {}
    unpacked = _POSTFIX / "usr" / "sbin" / "smtp-source"
    if not unpacked.exists():
        _unpack_postfix()
    return str(unpacked), {"LD_LIBRARY_PATH": str(_POSTFIX / "usr" / "lib" / "postfix")}


def _unpack_postfix() -> None:
    """Fetch Debian's package and unpack it; nothing is installed, so nothing starts and no root is needed."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise MissingError("postfix is not installed, and this is not Debian")
    _POSTFIX.mkdir(parents=True, exist_ok=True)
    _fetch(["apt-get", "download", "-q", "postfix"], _POSTFIX)
    (package,) = _POSTFIX.glob("postfix_*.deb")
    _fetch(["dpkg", "-x", str(package), "."], _POSTFIX)


def _fetch(command: list[str], folder: Path) -> None:
    if os.environ.get(OFFLINE):
        raise MissingError("it was not fetched before, and nothing is fetched now")
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise MissingError(f"{command[0]} failed: {error.stderr.strip().splitlines()[-1:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"{command[0]} failed: {error}") from error
