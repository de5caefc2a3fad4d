"""The plots of the documentation, as PNG and SVG.

Knows results and matplotlib; measures nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.results import Point, Race, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AXES: Final = {
    "connections": ("connections", "messages a second"),
    "recipients": ("recipients of each message", "recipients a second"),
    "attachment": ("octets attached", "megabytes attached a second"),
    "waiting": ("messages at once", "messages a second"),
    "threads": ("threads", "messages a second"),
}
_OURS: Final = "#1b6ca8"
_THEIRS: Final = "#b0b0b0"


def draw(results: Results, folder: Path) -> list[str]:
    """Write every plot for which there are figures; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    if "small" in results.races:
        drawn.append(_draw_rates(results.races["small"], folder))
    for plot in _AXES:
        points = [point for point in results.growth if point.plot == plot]
        if len({point.value for point in points}) > 1:
            drawn.append(_draw_growth(plot, points, folder))
    return drawn


def _draw_rates(race: Race, folder: Path) -> str:
    axes = _new_axes()
    names = sorted(race.runs, key=lambda name: race.rate(name) or 0)
    rates = [race.rate(name) or 0 for name in names]
    colours = [_OURS if name.startswith("pymailer") else _THEIRS for name in names]
    shown = axes.barh(names, rates, color=colours)
    axes.bar_label(shown, [f"{rate:,.0f}" for rate in rates], padding=3, fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("messages a second (logarithmic)")
    axes.set_title(race.title)
    axes.margins(x=0.15)
    return _save(axes, folder / "rates")


def _draw_growth(plot: str, points: list[Point], folder: Path) -> str:
    axes = _new_axes()
    for series in dict.fromkeys(point.series for point in points):
        line = [point for point in points if point.series == series and point.value > 0]
        style = "-o" if series.startswith("pymailer") else "--s"
        axes.plot([point.value for point in line], [_work_rate(point) for point in line], style, label=series)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(_AXES[plot][0])
    axes.set_ylabel(_AXES[plot][1])
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return _save(axes, folder / plot)


def _work_rate(point: Point) -> float:
    """The rate in what the vertical axis counts."""
    match point.plot:
        case "recipients":
            return point.rate * point.value
        case "attachment":
            return point.rate * point.value / 1e6
        case _:
            return point.rate


def _new_axes() -> Axes:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "pymailer"  # the same figures give the same file
    return Figure(figsize=(8, 4.5), layout="constrained").subplots()


def _save(axes: Axes, path: Path) -> str:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), dpi=120)
    return path.name
