"""A server from Debian's packages, run by `chroot` in a root of its own.

Knows what a program expects of an installed system: devices, users, directories. Must not know any server.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from tests.interop.accounts import VMAIL
from tests.interop.debian import root_of, version
from tests.interop.instance import Instance

_DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}
_EVERYWHERE = {"root": 0, "daemon": 1, "mail": 8, "vmail": VMAIL, "nobody": 65534, "nogroup": 65534}


def copy_root(packages: Sequence[str], directory: Path) -> None:
    """Make `directory` a root from the packages, with devices; the files are links to those in the cache."""
    shutil.copytree(root_of(*packages), directory, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    for name, number in _DEVICES.items():
        path = directory / "dev" / name
        path.parent.mkdir(exist_ok=True)
        os.mknod(path, 0o20666, os.makedev(*number))
        path.chmod(0o666)  # mknod heeds the umask


class RootedInstance(Instance):
    """A server whose `directory` is its root.

    Attributes:
        packages: Of Debian; the first is the server itself.
        users: Names and numbers of the users that the server wants, each with a group of the same name.
        program: What runs in the foreground, as a path in the root and its arguments.
    """

    packages: ClassVar[tuple[str, ...]]
    users: ClassVar[dict[str, int]]
    program: ClassVar[tuple[str, ...]]

    def prepare(self) -> None:
        """Make a root from the packages, with what their installation would have made."""
        copy_root(self.packages, self.directory)
        self._make_users({**_EVERYWHERE, **self.users})
        self._write_lines("etc/hosts", ["127.0.0.1 localhost", "::1 localhost"])
        self._write_lines("etc/services", ["smtp 25/tcp", "submission 587/tcp", "lmtp 24/tcp"])
        self._write_lines("etc/nsswitch.conf", ["passwd: files", "group: files", "hosts: files", "services: files"])
        self.make_directory("tmp", mode=0o1777)
        self.make_directory("run")
        (self.directory / "var/run").symlink_to("../run")
        self.make_directory("var/log", mode=0o1777)
        self.make_directory("var/mail", VMAIL)
        self.configure()

    def configure(self) -> None:
        """Write the server's own files."""
        raise NotImplementedError

    def version(self) -> str:
        return version(self.packages[0], self.directory)

    def command(self) -> Sequence[str | Path]:
        return ["chroot", self.directory, *self.program]

    def make_directory(self, path: str, owner: int = 0, group: int | None = None, mode: int = 0o755) -> None:
        directory = self.directory / path
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(mode)
        os.chown(directory, owner, owner if group is None else group)

    def mailbox(self) -> list[bytes]:
        return [file.read_bytes() for file in self.directory.glob("var/mail/*/new/*")]

    def _make_users(self, users: dict[str, int]) -> None:
        self._write_lines("etc/passwd", (f"{name}:x:{number}:{number}::/:/bin/false" for name, number in users.items()))
        self._write_lines("etc/group", (f"{name}:x:{number}:" for name, number in users.items()))

    def _write_lines(self, path: str, lines: Iterable[str]) -> None:
        self.write(path, "".join(f"{line}\n" for line in lines))
