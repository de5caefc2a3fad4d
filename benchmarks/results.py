"""Everything that one run of the benchmark found, as data that reads and writes itself as JSON.

Knows names and numbers; must not know how they were measured or what they should be.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Self

import attrs


@attrs.frozen
class Result:
    """What one run of one client came to; CPU is the client's own, `rss` in megabytes."""

    messages: int
    seconds: float
    cpu: float
    rss: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """CPU seconds for a thousand messages."""
        return 1000 * self.cpu / self.messages


@attrs.define
class Race:
    """One scenario: each contender's runs by its name, in the order of the rounds.

    Attributes:
        title: What the tables call it.
        connections: How many each contender could open.
        round_trip: Seconds, as measured over the wire; 0 without one.
        resumed: Which part of our TLS connections resumed a session.
        missing: Who could not run, and why.
    """

    title: str
    connections: int = 5
    round_trip: float = 0.0
    resumed: float = 0.0
    runs: dict[str, list[Result]] = attrs.field(factory=dict)
    missing: dict[str, str] = attrs.field(factory=dict)

    @property
    def limit(self) -> float | None:
        """Messages a second if each cost a connection one round trip and nothing else."""
        return self.connections / self.round_trip if self.round_trip else None

    def rate(self, name: str) -> float | None:
        """Messages a second, the median of the rounds; ``None`` for who did not run."""
        return self._median(name, lambda result: result.rate)

    def cpu(self, name: str) -> float | None:
        """The client's CPU seconds for a thousand messages, the median."""
        return self._median(name, lambda result: result.cpu_per_thousand)

    def rss(self, name: str) -> float | None:
        """Megabytes resident at most, the median."""
        return self._median(name, lambda result: result.rss)

    def _median(self, name: str, of: Callable[[Result], float]) -> float | None:
        runs = self.runs.get(name)
        return median(of(run) for run in runs) if runs else None


@attrs.frozen(kw_only=True)
class Point:
    """How fast one contender (`series`) was at one value of what a plot varies; medians of the rounds."""

    plot: str
    series: str
    value: int
    rate: float
    cpu: float
    rss: float


@attrs.define
class Results:
    """All races by key, all single figures by name, how cost grows, and the facts of the machine."""

    facts: dict[str, str] = attrs.field(factory=dict)
    races: dict[str, Race] = attrs.field(factory=dict)
    figures: dict[str, float] = attrs.field(factory=dict)
    growth: list[Point] = attrs.field(factory=list)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(attrs.asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        data = json.loads(path.read_text(encoding="utf-8"))
        races = {key: _race(values) for key, values in data["races"].items()}
        return cls(data["facts"], races, data["figures"], [Point(**point) for point in data["growth"]])


def _race(values: dict[str, Any]) -> Race:
    runs = {name: [Result(**run) for run in runs] for name, runs in values["runs"].items()}
    return Race(**{**values, "runs": runs})
