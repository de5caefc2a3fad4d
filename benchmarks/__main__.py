"""The whole benchmark: `make bench`, or `python -m benchmarks [--smoke] [--only NAME]…`.

Runs every race and every single figure, prints the table of bars, and writes `docs/performance/`.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from os import cpu_count
from pathlib import Path
from typing import Final

import attrs

from benchmarks import plots, report, scaling
from benchmarks.figures import composing, importing, leasing, memory
from benchmarks.growth import grow
from benchmarks.peers import OFFLINE, MissingError, nodemailer
from benchmarks.place import REPORT
from benchmarks.results import Results
from benchmarks.scenarios import SCENARIOS, Scenario, race
from benchmarks.servers import compiled

PARTS: Final = ("races", "figures", "growth")


@attrs.frozen
class Extent:
    """How much is done; the smoke run asks only whether everything runs.

    Attributes:
        rounds: How often each client runs.
        seconds: Of each run.
        messages: In the batch whose memory is measured.
        octets: Of the attachment whose memory is measured.
        growth_rounds: The same for the curves.
        growth_seconds: The same for the curves.
        largest: Of what a curve tries; no limit where it is `None`.
        races: Which are run.
    """

    rounds: int
    seconds: float
    messages: int
    octets: int
    growth_rounds: int
    growth_seconds: float
    largest: int | None
    races: tuple[str, ...]


FULL: Final = Extent(5, 2.0, 100_000, 200_000_000, 3, 1.0, None, tuple(scenario.key for scenario in SCENARIOS))
SMOKE: Final = Extent(1, 0.05, 200, 2_000_000, 1, 0.05, 1, ("small", "small-10ms", "starttls"))


def main() -> None:
    options = parse_arguments()
    if options.smoke:
        os.environ[OFFLINE] = "yes"
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            run(SMOKE, [*PARTS], Path(folder))
    else:
        run(attrs.evolve(FULL, rounds=options.rounds, seconds=options.seconds), options.only or [*PARTS], REPORT)


def run(extent: Extent, wanted: list[str], folder: Path) -> None:
    """Measure what is wanted, keep what the folder knows of the rest, and write everything."""
    known = folder / "results.json"
    results = Results.load(known) if known.exists() else Results()
    results.facts = facts() | {"each client": f"{extent.rounds} × {extent.seconds:g} s, interleaved"}
    for _ in measure(results, extent, wanted):
        results.save(known)  # an hour's work is not lost with its last minute
    drawn = plots.draw(results, folder)
    (folder / "README.md").write_text(report.as_markdown(results, drawn), encoding="utf-8")
    scaling.update(results, folder.parent / "scaling.md")
    print(report.as_text(results))
    print(f"\nwritten to {folder}", file=sys.stderr)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Against every peer, in one run.")
    parser.add_argument(
        "--smoke", action="store_true", help="only whether everything runs: a minute, no claim on speed"
    )
    parser.add_argument("--rounds", type=int, default=FULL.rounds, help="how often each client runs (%(default)s)")
    parser.add_argument("--seconds", type=float, default=FULL.seconds, help="of each run (%(default)s)")
    names = [*PARTS, *(scenario.key for scenario in SCENARIOS)]
    parser.add_argument("--only", action="append", choices=names, help="a part or a race; may be repeated")
    return parser.parse_args()


def measure(results: Results, extent: Extent, wanted: list[str]) -> Iterator[None]:
    """Fill in what is wanted; come up for air after each part."""
    for scenario in SCENARIOS:
        chosen = scenario.key in wanted or ("races" in wanted and scenario.key in extent.races)
        if chosen and possible(scenario):
            results.races[scenario.key] = race(scenario, rounds=extent.rounds, seconds=extent.seconds)
            yield
    if "figures" in wanted:
        for figures in single_figures(extent):
            results.figures |= figures
            yield
    if "growth" in wanted and compiled("wire"):
        results.growth = grow(rounds=extent.growth_rounds, seconds=extent.growth_seconds, largest=extent.largest)
        yield


def single_figures(extent: Extent) -> Iterator[dict[str, float]]:
    """Those that no race shows."""
    yield importing.measure(rounds=4 * extent.rounds)
    yield composing.measure(rounds=extent.rounds, seconds=extent.seconds)
    yield leasing.measure(rounds=extent.rounds)
    yield memory.measure(messages=extent.messages, octets=extent.octets)


def possible(scenario: Scenario) -> bool:
    """Whether it can be run here: distance is made by a program in C."""
    return not scenario.round_trip or compiled("wire") is not None


def facts() -> dict[str, str]:
    """What a reader has to know about the machine: nothing that names it."""
    found = {
        "cores": str(cpu_count()),
        "system": f"{platform.system()} on {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "sink": "C" if compiled("sink") else "Python",
    }
    for package in ("aiosmtplib", "Django", "uvloop"):
        found[package] = version(package)
    try:
        (node,), _ = nodemailer()
        found["Node.js"] = subprocess.run(
            [node, "--version"], check=True, capture_output=True, text=True
        ).stdout.strip()
    except MissingError as error:
        found["Node.js"] = f"missing: {error}"
    return found


if __name__ == "__main__":
    main()
