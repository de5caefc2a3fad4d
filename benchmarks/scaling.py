"""The arithmetic of `docs/scaling.md`, with the figures of the last run put in.

Knows what follows from which figure; the page around it is written by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.contenders import MANY, MANY_16
from benchmarks.results import Results

_BEGIN: Final = "<!-- measured: begin -->"
_END: Final = "<!-- measured: end -->"
_OCTETS: Final = {"small": 2_800, "large": 139_000}
"""On the wire, about."""
_DAY: Final = 86_400
_DISTANCES: Final = (0.001, 0.010, 0.050, 0.150)


def update(results: Results, page: Path) -> None:
    """Write the tables between the marks of the page, if it has them."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if _BEGIN in text and _END in text and "small" in results.races:
        before, rest = text.split(_BEGIN, 1)
        after = rest.split(_END, 1)[1]
        page.write_text(f"{before}{_BEGIN}\n\n{tables(results)}\n{_END}{after}", encoding="utf-8")


def tables(results: Results) -> str:
    """What one core can do, and how many connections it takes to keep it busy."""
    return "\n".join([*_one_core(results), "", *_distances(results)])


def _one_core(results: Results) -> list[str]:
    lines = [
        "| messages | CPU for one | a core, if nothing else limits it | a day | network |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for key, octets in _OCTETS.items():
        race = results.races.get(key)
        cpu = race.cpu(MANY.name) if race else None
        if cpu:
            rate = 1000 / cpu
            lines.append(
                f"| {key}, {octets / 1000:,.1f} KB on the wire | {cpu:.2f} ms | {rate:,.0f}/s "
                f"| {rate * _DAY / 1e6:,.0f} million | {rate * octets * 8 / 1e6:,.0f} Mbit/s |"
            )
    return lines


def _distances(results: Results) -> list[str]:
    cpu = results.races["small"].cpu(MANY.name) or 1.0
    deep = results.races["small-50ms"].cpu(MANY_16.name) if "small-50ms" in results.races else None
    lines = [
        "| round trip | five connections | connections that keep one core busy | the same with `in_flight=16` |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for seconds in _DISTANCES:
        busy = 1000 / cpu * seconds
        busy_deep = 1000 / (deep or cpu) * seconds / 16
        lines.append(
            f"| {seconds * 1000:g} ms | {5 / seconds:,.0f}/s | {max(busy, 1):,.0f} | {max(busy_deep, 1):,.0f} |"
        )
    return lines
