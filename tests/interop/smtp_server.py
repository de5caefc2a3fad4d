"""A private smtp-server (npm), the peer that Nodemailer is tested with: SMTP, SMTP over TLS, and LMTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.faults import certificates
from tests.interop.accounts import PASSWORD, TOKEN, USER
from tests.interop.instance import Instance, free_port
from tests.interop.npm import SOURCES, node, packages, version


class SmtpServer(Instance):
    """SMTP at `port` and `tls_port` (REQUIRETLS, and nothing without a login), LMTP at `lmtp_port`."""

    name = "smtp-server"

    def prepare(self) -> None:
        self.lmtp_port = free_port()
        (self.directory / "mail").mkdir()
        (self.directory / "node_modules").symlink_to(packages())
        self.write("server.js", (SOURCES / "smtp-server.js").read_text(encoding="utf-8"))
        self.write("server.pem", certificates.good_pem(), 0o600)

    def command(self) -> Sequence[str | Path]:
        settings = {
            "port": self.port,
            "tlsPort": self.tls_port,
            "lmtpPort": self.lmtp_port,
            "certificate": str(self.directory / "server.pem"),
            "mail": str(self.directory / "mail"),
            "user": USER,
            "password": PASSWORD,
            "token": TOKEN,
            "limit": 1_000_000,
        }
        return [node(), self.directory / "server.js", json.dumps(settings)]

    def version(self) -> str:
        return version("smtp-server")

    def mailbox(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted((self.directory / "mail").iterdir())]
