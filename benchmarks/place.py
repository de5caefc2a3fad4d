"""Where things lie: what is built or fetched, and where the results are written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
BUILD: Final = ROOT / "build" / "benchmarks"
"""Compiled servers, installed peers; ignored by git, removed by `make clean`."""
REPORT: Final = ROOT / "docs" / "performance"
