"""A throw-away authority and a certificate for localhost, made once and kept while it is valid."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.place import BUILD

_A_DAY = 86_400


def authority_and_server() -> tuple[Path, Path]:
    """PEM files: what clients trust, and what the server shows (its key with it)."""
    authority, server = BUILD / "authority.pem", BUILD / "server.pem"
    if not server.exists() or time.time() - server.stat().st_mtime > _A_DAY:
        import trustme

        BUILD.mkdir(parents=True, exist_ok=True)
        made = trustme.CA()
        made.cert_pem.write_to_path(str(authority))
        made.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(server))
    return authority, server
