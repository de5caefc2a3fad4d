"""Where what was fetched is kept between runs, outside the repository."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pymailer-interop"


class NotToBeHad(Exception):  # noqa: N818 - it is a state of the machine
    """A server cannot be had on this machine; the text says why and what to do."""


def settle(ready: Path, place: Path) -> None:
    """Move a directory into the cache: complete, or not at all; whoever was faster in another process wins."""
    with contextlib.suppress(OSError):
        ready.rename(place)
    assert place.is_dir(), f"{ready} cannot be moved to {place}"
