"""What is shown: the table of bars and the tables of the races, for a terminal and as Markdown.

Knows results and bars; measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.bars import BARS
from benchmarks.results import Race, Results

_HEADING: Final = ("what", "bar", "measured", "met")
_PLOTS: Final = {
    "rates": "Small messages, no latency",
    "connections": "More connections",
    "recipients": "More recipients of each message",
    "attachment": "Larger attachments",
    "waiting": "More messages that wait, each in its own task",
    "threads": "More threads, each with a connection",
}


def bars(results: Results) -> list[tuple[str, ...]]:
    """A row for each bar: the claim, the bound, what was measured, and whether it is met."""
    rows: list[tuple[str, ...]] = []
    for bar in BARS:
        figure = bar.measure(results)
        verdict = ("–", "not measured") if figure is None else (bar.shown(figure), "yes" if bar.met(figure) else "no")
        rows.append((bar.claim, bar.wanted(), *verdict))
    return rows


def as_text(results: Results) -> str:
    """The table of bars for a terminal."""
    return _aligned([_HEADING, *bars(results)])


def as_markdown(results: Results, plots: Sequence[str]) -> str:
    """The page of the documentation, with the plots that were drawn."""
    parts = [_INTRODUCTION, _facts(results), "## The bars\n", _table([_HEADING, *bars(results)]), "## The races\n"]
    for race in results.races.values():
        parts += [f"### {race.title}\n", *_notes(race), _table(_rows(race))]
    parts += ["## Drawn\n", *(f"### {_PLOTS[name]}\n\n![{_PLOTS[name]}]({name}.svg)\n" for name in plots)]
    return "\n".join(parts)


_INTRODUCTION: Final = """\
# How fast it is

This page is written by `make bench`, which anyone can run again. Each row is the median of interleaved rounds: every
client once, then every client again, so that a busy minute of the machine hits all of them. Read ratios, not absolute
numbers: client and server share the machine's cores.

- *Small* is text and html of about 2 KB, *large* is text and an attachment of 100 KB; one recipient, five connections.
  The attachment is the same in all messages, as a newsletter's is; pymailer then puts it into base64 once. With other
  octets in each message it does not: the plot of attachments below is measured so.
  Every client composes each message with what its own library brings along.
- The server is a sink in C that takes everything (`benchmarks/servers/sink.c`); where TLS is spoken, one in Python.
- Distance is made by a wire that delivers every octet half a round trip later and limits nothing
  (`benchmarks/servers/wire.c`). TCP's own slow start is not simulated.
- A client's clocks run inside it, after its connections are open; CPU is the client's own.
"""


def _facts(results: Results) -> str:
    return _table([("machine and software", ""), *results.facts.items()])


def _notes(race: Race) -> Iterable[str]:
    if race.limit:
        yield (
            f"Round trip as measured: {race.round_trip * 1000:.2f} ms. One round trip a message and nothing else "
            f"would be {race.limit:,.0f} messages a second.\n"
        )
    if race.resumed:
        yield f"Our connections that resumed a TLS session: {race.resumed:.0%}.\n"
    for name, reason in race.missing.items():
        yield f"{name} is missing: {reason}.\n"


def _rows(race: Race) -> list[tuple[str, ...]]:
    names = sorted(race.runs, key=lambda name: -(race.rate(name) or 0))
    figures = ((name, f"{race.rate(name):,.0f}", f"{race.cpu(name):.3f}", f"{race.rss(name):.0f}") for name in names)
    return [("client", "messages/s", "CPU s / 1,000", "RSS MB"), *figures]


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    heading, *body = rows
    rule = "| " + " | ".join("---" if index == 0 else "---:" for index in range(len(heading))) + " |"
    lines = ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(["| " + " | ".join(heading) + " |", rule, *lines, ""])


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
