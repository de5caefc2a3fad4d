"""Debian's packages, unpacked into a directory of their own with all they depend on: a small root to run a server in.

Nothing is installed on the machine, so servers whose packages conflict can run side by side, each in its root. Knows
apt and dpkg; must not know any server.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.interop.cache import CACHE, NotToBeHad, settle

DOWNLOAD_SECONDS = 300
VERSIONS = "packages.txt"
"""The file in a root that lists what was unpacked."""
_EXCLUDED = [f"--exclude=./usr/share/{name}" for name in ("doc", "locale", "man", "zoneinfo")]


def root_of(*packages: str) -> Path:
    """The root with these packages and what they need, unpacked once and kept in the cache.

    Raises:
        NotToBeHad: This is no Debian, we are not root, or the packages cannot be fetched.
    """
    _check_machine()
    key = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    root = CACHE / "debian" / f"{packages[0]}-{key}"
    if not root.exists():
        CACHE.joinpath("debian").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE / "debian", prefix="unpacking-") as scratch:
            archives = _download(Path(scratch, "archives"), packages)
            _unpack(archives, Path(scratch, "root"))
            Path(scratch, "root", VERSIONS).write_text("".join(f"{archive.name}\n" for archive in archives))
            settle(Path(scratch, "root"), root)
    return root


def version(package: str, root: Path) -> str:
    """The version of a package in a root, without epoch and Debian's revision."""
    names = (root / VERSIONS).read_text().split()
    revision = next(name.split("_")[1] for name in names if name.startswith(f"{package}_"))
    return revision.rpartition("%3a")[2].partition("-")[0].partition("+")[0]


def _check_machine() -> None:
    missing = [program for program in ("apt-get", "dpkg", "chroot") if not shutil.which(program)]
    if missing or os.geteuid() != 0:
        raise NotToBeHad(f"Servers from Debian's packages need root on Debian or Ubuntu (missing: {missing or 'root'})")


def _download(archives: Path, packages: tuple[str, ...]) -> list[Path]:
    """Fetch the packages with everything they depend on, as if nothing were installed here."""
    (archives / "partial").mkdir(parents=True)
    nothing = archives / "status"
    nothing.touch()
    install = ["apt-get", "install", "--yes", "--quiet", "--download-only", "--no-install-recommends"]
    options = [f"Dir::State::status={nothing}", f"Dir::Cache::archives={archives}", "Debug::NoLocking=1"]
    command = [*install, *(f"--option={option}" for option in options), *packages]
    if _run(command).returncode:  # what apt knows may be out of date, or nothing yet
        _run(["apt-get", "update", "--quiet"])
        again = _run(command)
        if again.returncode:
            raise NotToBeHad(f"apt cannot fetch {' '.join(packages)}: {again.stdout[-2000:]}")
    return sorted(archives.glob("*.deb"))


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=DOWNLOAD_SECONDS
    )


def _unpack(archives: list[Path], root: Path) -> None:
    # /bin, /lib and so on are links into /usr (merged), which no package but base-files brings
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    extract = ["tar", "--extract", "--keep-directory-symlink", f"--directory={root}", *_EXCLUDED]
    for archive in archives:
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(extract, input=content, check=True)
