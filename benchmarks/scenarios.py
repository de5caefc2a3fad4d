"""What is raced: which messages, over which distance, to which kind of server, between whom.

Knows how to set up one race and run it in interleaved rounds. What the outcome should be is in `benchmarks.bars`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import attrs

from benchmarks.certificates import authority_and_server
from benchmarks.contenders import (
    AIOSMTPLIB,
    ASYNC,
    ASYNC_16,
    COMPILED,
    COMPILED_MANY,
    COMPILED_THREADS,
    DJANGO,
    MANY,
    MANY_16,
    NODEMAILER,
    SMTP_SOURCE,
    SMTPLIB,
    SMTPLIB_THREADS,
    THREADS,
    UVLOOP,
    Contender,
    those_available,
)
from benchmarks.job import Job
from benchmarks.results import Race
from benchmarks.servers import EVERYTHING, PIPELINING_ONLY, Sink, Wire, measured_round_trip


@attrs.frozen(kw_only=True)
class Scenario:
    """One race.

    Attributes:
        key: Its name in the results.
        title: What the tables call it.
        contenders: Who takes part.
        workload: Which messages.
        round_trip: Seconds; 0 is loopback as it is.
        capabilities: What the server offers.
        tls: How TLS begins; empty for none.
        connections: How many each may open.
        max_messages: How many messages over one connection; 0 for no limit.
        longer: How much longer than elsewhere a run takes, where little happens in a second.
    """

    key: str
    title: str
    contenders: tuple[Contender, ...]
    workload: str = "small"
    round_trip: float = 0.0
    capabilities: tuple[str, ...] = EVERYTHING
    tls: str = ""
    connections: int = 5
    max_messages: int = 0
    longer: float = 1.0


_PYTHON: Final = (SMTPLIB, SMTPLIB_THREADS, AIOSMTPLIB, DJANGO)
_FAR: Final = (MANY, ASYNC, MANY_16, ASYNC_16, NODEMAILER, SMTPLIB, AIOSMTPLIB, SMTP_SOURCE)

SCENARIOS: Final = (
    Scenario(
        key="small",
        title="small, no latency",
        contenders=(
            *(MANY, ASYNC, UVLOOP, THREADS, MANY_16, ASYNC_16, COMPILED, COMPILED_THREADS, COMPILED_MANY),
            *(NODEMAILER, *_PYTHON, SMTP_SOURCE),
        ),
    ),
    Scenario(
        key="large",
        title="large, no latency",
        workload="large",
        contenders=(MANY, ASYNC, THREADS, COMPILED, COMPILED_THREADS, COMPILED_MANY, NODEMAILER, *_PYTHON, SMTP_SOURCE),
    ),
    Scenario(key="small-10ms", title="small, 10 ms", round_trip=0.010, contenders=_FAR),
    Scenario(key="small-50ms", title="small, 50 ms", round_trip=0.050, contenders=_FAR, longer=2),
    Scenario(
        key="large-50ms",
        title="large, 50 ms",
        workload="large",
        round_trip=0.050,
        contenders=(MANY, ASYNC, MANY_16, NODEMAILER, SMTPLIB, AIOSMTPLIB, SMTP_SOURCE),
        longer=2,
    ),
    Scenario(
        key="pipelining-10ms",
        title="small, 10 ms, PIPELINING only",
        round_trip=0.010,
        capabilities=PIPELINING_ONLY,
        contenders=(MANY, ASYNC, MANY_16, NODEMAILER),
    ),
    Scenario(
        key="pipelining-50ms",
        title="small, 50 ms, PIPELINING only",
        round_trip=0.050,
        capabilities=PIPELINING_ONLY,
        contenders=(MANY, ASYNC, MANY_16, NODEMAILER),
        longer=2,
    ),
    Scenario(
        key="tls",
        title="small, a new TLS connection for each",
        tls="implicit",
        max_messages=1,
        contenders=(MANY, ASYNC, THREADS, NODEMAILER, SMTPLIB, SMTPLIB_THREADS, AIOSMTPLIB),
    ),
    Scenario(
        key="starttls",
        title="small, a new connection with STARTTLS for each",
        tls="starttls",
        max_messages=1,
        contenders=(MANY, ASYNC, NODEMAILER, SMTPLIB, SMTPLIB_THREADS, AIOSMTPLIB),
    ),
)


def race(scenario: Scenario, *, rounds: int, seconds: float) -> Race:
    """Run every contender once in each round, one after another, so that a busy minute of the machine hits all."""
    contenders, missing = those_available(scenario.contenders)
    outcome = Race(scenario.title, scenario.connections, missing=missing)
    for _ in range(rounds):
        for contender in contenders:
            _run_once(scenario, contender, seconds * scenario.longer, outcome)
    return outcome


def _run_once(scenario: Scenario, contender: Contender, seconds: float, outcome: Race) -> None:
    with servers(scenario) as (sink, port):
        if scenario.round_trip:
            outcome.round_trip = measured_round_trip(port)
        job = Job(
            port=port,
            workload=scenario.workload,
            seconds=seconds,
            connections=scenario.connections,
            max_messages=scenario.max_messages,
            tls=scenario.tls,
            certificate=str(authority_and_server()[0]) if scenario.tls else "",
        )
        before = sink.tally().messages
        result = contender.run(job)
        tally = sink.tally()
    arrived = tally.messages - before
    if arrived < result.messages:
        raise RuntimeError(f"{contender.name} says it sent {result.messages}, but {arrived} came")
    outcome.runs.setdefault(contender.name, []).append(result)
    if contender.ours and scenario.tls:
        outcome.resumed = tally.resumed / tally.connections
    print(f"  {scenario.title}: {contender.name}: {result.rate:,.0f}/s", file=sys.stderr)


@contextmanager
def servers(scenario: Scenario) -> Iterator[tuple[Sink, int]]:
    """A fresh sink, and the port under which it is reached."""
    with ExitStack() as stack:
        certificate = authority_and_server()[1] if scenario.tls else None
        sink = stack.enter_context(Sink(scenario.capabilities, tls=scenario.tls or None, certificate=certificate))
        port = sink.port
        if scenario.round_trip:
            port = stack.enter_context(Wire(sink.port, scenario.round_trip)).port
        yield sink, port
