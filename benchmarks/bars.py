"""What the figures have to reach: each bar with the ratio that is measured for it.

Knows the claims and which figures prove them. It must not know how anything was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from benchmarks.contenders import (
    AIOSMTPLIB,
    ASYNC,
    COMPILED,
    COMPILED_MANY,
    COMPILED_THREADS,
    DJANGO,
    MANY,
    MANY_16,
    NODEMAILER,
    SMTP_SOURCE,
    SMTPLIB,
    Contender,
)
from benchmarks.growth import dearest_unit
from benchmarks.results import Results

Measure = Callable[[Results], float | None]


@attrs.frozen
class Bar:
    """One claim.

    Attributes:
        claim: What is said.
        bound: What the figure must reach, or must not exceed.
        measure: The figure, ``None`` where something that it needs was not measured.
        at_most: Whether `bound` is the largest that is allowed.
        unit: What follows the number.
    """

    claim: str
    bound: float
    measure: Measure
    at_most: bool = False
    unit: str = "×"

    def met(self, figure: float) -> bool:
        return figure <= self.bound if self.at_most else figure >= self.bound

    def wanted(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g} {self.unit}".strip()

    def shown(self, figure: float) -> str:
        digits = 2 if figure < 10 else 1 if figure < 100 else 0
        return f"{figure:,.{digits}f} {self.unit}".strip()


def _over(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def speed(key: str, peer: Contender, *ours: Contender) -> Measure:
    """How many times as fast as `peer` the fastest of `ours` is (`send_many` if none is named)."""

    def measure(results: Results) -> float | None:
        race = results.races.get(key)
        if race is None:
            return None
        rates = [rate for contender in ours or (MANY,) if (rate := race.rate(contender.name)) is not None]
        return _over(max(rates, default=None), race.rate(peer.name))

    return measure


def of_the_limit(key: str, ours: Contender) -> Measure:
    """Which part of one message for each round trip and connection is reached."""

    def measure(results: Results) -> float | None:
        race = results.races.get(key)
        return None if race is None else _over(race.rate(ours.name), race.limit)

    return measure


def cpu(key: str, peer: Contender) -> Measure:
    """Our CPU for a message, as a part of the peer's."""

    def measure(results: Results) -> float | None:
        race = results.races.get(key)
        return None if race is None else _over(race.cpu(MANY.name), race.cpu(peer.name))

    return measure


def figure(name: str) -> Measure:
    """A figure as it was measured."""
    return lambda results: results.figures.get(name)


def growth(plot: str) -> Measure:
    """How much more a unit of work costs at the largest value that was tried."""
    return lambda results: dearest_unit(results.growth, plot)


def resumed(key: str) -> Measure:
    """Which part of our connections resumed a TLS session."""
    return lambda results: results.races[key].resumed if key in results.races else None


UNITS: Final = {
    "connections": "connections",
    "recipients": "recipients",
    "attachment": "octets attached",
    "waiting": "messages waiting",
    "threads": "threads",
}

BARS: Final = (
    Bar("small, no latency: as fast as Nodemailer 10", 8, speed("small", NODEMAILER)),
    Bar("small, no latency: as fast as smtplib", 35, speed("small", SMTPLIB)),
    Bar("small, no latency: as fast as aiosmtplib", 35, speed("small", AIOSMTPLIB)),
    Bar("small, no latency: as fast as Django's send_messages", 15, speed("small", DJANGO)),
    Bar("small, no latency: client CPU of Nodemailer's", 0.12, cpu("small", NODEMAILER), at_most=True),
    Bar("large, no latency: as fast as Nodemailer 10", 6, speed("large", NODEMAILER)),
    Bar("large, no latency: as fast as smtplib", 20, speed("large", SMTPLIB)),
    Bar(
        "compiled, small: as fast as smtp-source",
        0.5,
        speed("small", SMTP_SOURCE, COMPILED, COMPILED_THREADS, COMPILED_MANY),
    ),
    Bar("compose, small: as fast as Nodemailer's composer", 8, figure("compose small / Nodemailer")),
    Bar("compose, small: as fast as EmailMessage", 20, figure("compose small / EmailMessage")),
    Bar("compose, 100 KB attached, the same each time: as b2a_base64, a copy", 0.5, figure("compose large / base64")),
    Bar("compose, 100 KB attached, others each time: as b2a_base64, a copy", 0.5, figure("compose varied / base64")),
    Bar("10 ms: as fast as Nodemailer 10", 1.9, speed("small-10ms", NODEMAILER)),
    Bar("10 ms: of the limit", 0.95, of_the_limit("small-10ms", MANY)),
    Bar("10 ms, asyncio: of the limit", 0.95, of_the_limit("small-10ms", ASYNC)),
    Bar("50 ms: as fast as Nodemailer 10", 1.9, speed("small-50ms", NODEMAILER)),
    Bar("50 ms: of the limit", 0.95, of_the_limit("small-50ms", MANY)),
    Bar("50 ms, asyncio: of the limit", 0.95, of_the_limit("small-50ms", ASYNC)),
    Bar("50 ms, large: as fast as Nodemailer 10", 1.9, speed("large-50ms", NODEMAILER)),
    Bar("10 ms, PIPELINING only: as fast as Nodemailer 10", 1, speed("pipelining-10ms", NODEMAILER)),
    Bar("50 ms, PIPELINING only: as fast as Nodemailer 10", 1, speed("pipelining-50ms", NODEMAILER)),
    Bar("50 ms, PIPELINING only, in_flight: of the limit", 0.95, of_the_limit("pipelining-50ms", MANY_16)),
    Bar("50 ms, in_flight=16: as fast as Nodemailer 10", 25, speed("small-50ms", NODEMAILER, MANY_16)),
    Bar("a new TLS connection for each: as fast as smtplib", 1.5, speed("tls", SMTPLIB, MANY)),
    Bar("a new STARTTLS connection for each: as fast as smtplib", 1.5, speed("starttls", SMTPLIB, MANY)),
    Bar("new TLS connections that resume a session", 0.9, resumed("tls"), unit="of all"),
    Bar("100,000 messages from a generator: resident", 60, figure("generator, MB"), at_most=True, unit="MB"),
    Bar("100,000 messages in a list: resident, of the list", 1.2, figure("list, ratio"), at_most=True),
    Bar("200 MB attached: above the idle process", 40, figure("attachment, MB"), at_most=True, unit="MB"),
    Bar("import pymailer: more than `python -c pass`", 60, figure("import, ms"), at_most=True, unit="ms"),
    Bar(
        "import pymailer: heavy modules (asyncio, ssl, dns)", 0, figure("import, heavy modules"), at_most=True, unit=""
    ),
    Bar("pool: acquire and release, nobody waits", 5, figure("lease, µs"), at_most=True, unit="µs"),
    Bar("pool: 1,000 wait: served in their order", 1, figure("waiting, in order"), unit="of all"),
    *(
        Bar(f"a unit of work with the most {name}, of the cheapest: CPU", 2, growth(plot), at_most=True)
        for plot, name in UNITS.items()
    ),
    Bar("pool: a wait in a line of 1,000, of one in a line of 100", 1.5, figure("waiting, growth"), at_most=True),
)
