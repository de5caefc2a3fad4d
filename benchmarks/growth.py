"""How cost grows: with connections, recipients, the size of an attachment, messages that wait, threads.

Knows which values are tried and what one unit of work is. Drawing is done in `benchmarks.plots`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from statistics import median
from typing import Any, Final

import attrs

from benchmarks.contenders import ASYNC, MANY, NODEMAILER, THREADS, WAITING, Contender, those_available
from benchmarks.job import Job
from benchmarks.results import Point, Result
from benchmarks.servers import Sink, Wire

TRIED: Final = {
    "connections": (1, 2, 5, 10, 20, 50, 100, 200),
    "recipients": (1, 3, 10, 30, 100, 300, 1_000),
    "attachment": (0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000),
    "waiting": (1, 10, 100, 1_000, 10_000, 100_000),
    "threads": (1, 2, 4, 8, 16, 32, 64),
}
_ENVELOPE: Final = 3_000
"""Octets of a message around its attachment, about."""


@attrs.frozen
class Curve:
    """One line in one plot: what varies (a key of `TRIED`), who sends, and the round trip in seconds."""

    plot: str
    contender: Contender
    round_trip: float = 0.0

    @property
    def series(self) -> str:
        return self.contender.name + (f", {self.round_trip * 1000:g} ms" if self.round_trip else "")

    def job(self, value: int) -> dict[str, Any]:
        """What the job says about the value."""
        match self.plot:
            case "attachment":
                return {"workload": f"attachment-{value}", "connections": 1}
            case "waiting":
                return {"count": value}
            case "threads":
                return {"connections": value}
            case field:
                return {field: value}


CURVES: Final = (
    *(Curve("connections", who) for who in (MANY, ASYNC, NODEMAILER)),
    *(Curve("connections", who, 0.010) for who in (MANY, NODEMAILER)),
    *(Curve("recipients", who) for who in (MANY, NODEMAILER)),
    *(Curve("attachment", who) for who in (MANY, NODEMAILER)),
    Curve("waiting", WAITING),
    Curve("threads", THREADS),
)


def grow(*, rounds: int, seconds: float, largest: int | None = None) -> list[Point]:
    """Measure every curve; `largest` leaves out what is larger."""
    points = []
    present, _ = those_available(tuple({curve.contender: None for curve in CURVES}))
    for curve in CURVES:
        for value in TRIED[curve.plot]:
            if curve.contender in present and (largest is None or value <= largest):
                points.append(_point(curve, value, rounds, seconds))
                print(f"  {curve.plot} {value}: {curve.series}: {points[-1].rate:,.1f}/s", file=sys.stderr)
    return points


def _point(curve: Curve, value: int, rounds: int, seconds: float) -> Point:
    results = [_run(curve, value, seconds) for _ in range(rounds)]
    return Point(
        plot=curve.plot,
        series=curve.series,
        value=value,
        rate=median(result.rate for result in results),
        cpu=median(result.cpu_per_thousand for result in results),
        rss=median(result.rss for result in results),
    )


def _run(curve: Curve, value: int, seconds: float) -> Result:
    with ExitStack() as stack:
        port = stack.enter_context(Sink()).port
        if curve.round_trip:
            port = stack.enter_context(Wire(port, curve.round_trip)).port
        return curve.contender.run(Job(port=port, seconds=seconds, **curve.job(value)))


def dearest_unit(points: Iterable[Point], plot: str) -> float | None:
    """What a unit of work costs at the largest value, of what it costs where it is cheapest: our own CPU, loopback.

    About one where cost grows as the work does; a quadratic part would show as a large number.
    """
    ours = [point for point in points if point.plot == plot and point.series in {MANY.name, WAITING.name, THREADS.name}]
    if len(ours) < 2:
        return None
    costs = [point.cpu / _units(point) for point in ours]
    return costs[-1] / min(costs)


def _units(point: Point) -> int:
    """How much work one message is."""
    match point.plot:
        case "recipients":
            return point.value
        case "attachment":
            return point.value + _ENVELOPE
        case _:
            return 1
