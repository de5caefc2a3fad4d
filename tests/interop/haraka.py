"""A private Haraka (npm) with AUTH and TLS, which keeps every message as a file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.faults import certificates
from tests.interop.accounts import PASSWORD, USER
from tests.interop.instance import Instance
from tests.interop.npm import SOURCES, node, packages, version

SMTP_INI = """
listen = 127.0.0.1:{port},127.0.0.1:{tls_port}
smtps_port = {tls_port}
nodes = 0
[main]
smtputf8 = true
"""

AUTH_INI = """
[core]
methods = PLAIN,LOGIN,CRAM-MD5
[users]
{user} = {password}
"""

PLUGINS = """
tls
auth/flat_file
keep
"""


class Haraka(Instance):
    """AUTH, for which Haraka wants TLS; `tls_port` takes mail without a login too."""

    name = "Haraka"

    def prepare(self) -> None:
        for name in ("plugins", "queue", "mail"):
            (self.directory / name).mkdir()
        shutil.copytree(packages() / "Haraka/config", self.directory / "config")
        original = (self.directory / "config/connection.ini").read_text(encoding="utf-8")
        ports = {"port": self.port, "tls_port": self.tls_port}
        self.write("config/smtp.ini", SMTP_INI.format(**ports))
        self.write("config/plugins", PLUGINS)
        self.write("config/me", "haraka.test\n")
        self.write("config/connection.ini", original.replace("bytes=26214400", "bytes=1000000"))
        self.write("config/auth_flat_file.ini", AUTH_INI.format(user=USER, password=PASSWORD))
        pem = certificates.good_pem()
        self.write("config/tls_key.pem", pem, 0o600)
        self.write("config/tls_cert.pem", pem)
        self.write("config/log.ini", "[main]\nlevel = NOTICE\nformat = DEFAULT\n")
        shutil.copy(SOURCES / "haraka/dhparams.pem", self.directory / "config")  # it would make some, for seconds
        shutil.copy(SOURCES / "haraka/keep.js", self.directory / "plugins")

    def command(self) -> Sequence[str | Path]:
        keep_in = f"KEEP_IN={self.directory / 'mail'}"
        return ["env", keep_in, node(), packages() / "Haraka/bin/haraka", "--configs", self.directory]

    def version(self) -> str:
        return version("Haraka")

    def mailbox(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted((self.directory / "mail").iterdir())]
