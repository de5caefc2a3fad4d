"""The table: `make bench-faults`, or `python -m benchmarks.faults [--smoke] [--only S5]…`.

Runs each client through each scenario, prints what became of the messages, and writes `docs/performance/faults.md`.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from typing import Final

import attrs

from benchmarks.faults.observed import CLIENTS, Observed, observe
from benchmarks.faults.scenarios import SCENARIOS, Scenario
from benchmarks.peers import OFFLINE, MissingError
from benchmarks.place import REPORT
from tests.faults import FaultServer

_SMOKE: Final = ("S2", "S4", "S15")
_HEADING: Final = """\
# When the server misbehaves

This page is written by `make bench-faults`: each client goes through each scenario against the same scripted server on
loopback, with five connections unless the scenario says otherwise. The server alone knows which messages it holds; a
client is right when what it says agrees with that. ✓ is a client that reached the bar.

aiosmtplib has no pool: it stands here with five clients that share a queue and are connected again when they are found
closed, which is what its users write. It has no limit on the rate and nothing to close for all of them (–).
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="three scenarios, nothing fetched, nothing written")
    parser.add_argument("--only", action="append", choices=[scenario.name for scenario in SCENARIOS])
    options = parser.parse_args()
    if options.smoke:
        os.environ[OFFLINE] = "yes"
    wanted = options.only or (_SMOKE if options.smoke else [scenario.name for scenario in SCENARIOS])
    rows = [row(scenario) for scenario in SCENARIOS if scenario.name in wanted]
    table = as_table(rows)
    print(table)
    if not options.smoke and not options.only:
        REPORT.mkdir(parents=True, exist_ok=True)
        (REPORT / "faults.md").write_text(f"{_HEADING}\n{table}", encoding="utf-8")
    missed = [name for name, *cells, _ in rows if not cells[-1].startswith("✓")]
    if missed:
        sys.exit(f"this pool missed the bar in {', '.join(missed)}")


def row(scenario: Scenario) -> list[str]:
    """What the table says about a scenario."""
    cells = [scenario.name, scenario.title]
    for client in CLIENTS:
        cells.append(cell(scenario, client))
        print(f"  {scenario.name} {client}: {cells[-1]}", file=sys.stderr)
    return [*cells, scenario.bar]


def cell(scenario: Scenario, client: str) -> str:
    if scenario.pools_only and client == "aiosmtplib":
        return "–"
    try:
        seen = run(scenario, client)
    except MissingError as error:
        return f"missing: {error}"
    shown = "; ".join(filter(None, [seen.in_short(), scenario.show(seen)]))
    return f"✓ {shown}" if scenario.good(seen) else shown


def run(scenario: Scenario, client: str) -> Observed:
    """One client, with a server of its own."""
    if not scenario.listens:
        return observe(client, attrs.evolve(scenario.task, port=unused_port()), None)
    with FaultServer(*scenario.rules(), **scenario.settings) as server:
        return observe(client, attrs.evolve(scenario.task, port=server.port), server)


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def as_table(rows: list[list[str]]) -> str:
    heading = ["", "scenario", *CLIENTS, "bar"]
    lines = ["| " + " | ".join(cells) + " |" for cells in [heading, ["---"] * len(heading), *rows]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
