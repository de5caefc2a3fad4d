"""Ten minutes of random faults with one pool for everybody: nothing lost, nothing sent twice, nothing left behind.

`make soak` runs it; `SOAK_SECONDS=60 make soak` for less, `SOAK_SEED=…` for the same faults again. The server is a new
one each round, on the same port, as if it were restarted: what it recorded is compared with what every sender was told.
Its figures are written to `docs/performance/soak.md` after a whole run.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from pymailer import MailError, Outcome, create_async_transport, create_transport
from pymailer_smtp_pool import SMTPPool, smtp_pool
from tests.faults import (
    EXTENSIONS,
    Action,
    Conversation,
    FaultServer,
    at,
    commit,
    delay,
    drop,
    on,
    proceed,
    reply,
    reset,
    send,
)

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
SEED = int(os.environ.get("SOAK_SEED", str(random.SystemRandom().randrange(2**32))))
WHOLE_RUN = 600.0
ROUND = 15.0
CONNECTIONS = 6
PAGE = Path(__file__).parents[2] / "docs" / "performance" / "soak.md"

pytestmark = [pytest.mark.soak, pytest.mark.timeout(SECONDS + 120)]


def sometimes(chance: random.Random, often: float, *actions: Action) -> Action:
    """With this probability the actions, else what a correct server does."""

    def act(conversation: Conversation) -> None:
        if chance.random() >= often:
            proceed(conversation)
            return
        for action in actions:
            action(conversation)

    return act


def faults(chance: random.Random) -> list[Any]:
    """A server on a bad day."""
    return [
        at("greeting", sometimes(chance, 0.03, reply("421 4.7.0 too many connections"), drop)),
        on("EHLO", sometimes(chance, 0.02, drop)),
        on("AUTH", sometimes(chance, 0.02, reply("454 4.7.0 try again"))),
        on("MAIL", sometimes(chance, 0.02, reply("421 4.4.2 goodbye"), drop)),
        on("RCPT", sometimes(chance, 0.02, reply("550 5.1.1 no such user"))),
        on("DATA", sometimes(chance, 0.01, reset)),
        at("final", sometimes(chance, 0.02, chance.choice([commit, delay(0.0)]), drop)),
        at("idle", sometimes(chance, 0.01, send(b"421 4.4.2 idle too long\r\n"), drop)),
    ]


@attrs.define(eq=False)
class Books:
    """What every sender was told, by recipient, which is different for each message."""

    told: dict[str, Outcome] = attrs.field(factory=dict)
    lock: Any = attrs.field(factory=threading.Lock)
    number: int = 0

    def message(self) -> dict[str, str]:
        with self.lock:
            self.number += 1
            number = self.number
        return {"from": "a@example.com", "to": f"r{number}@example.com", "subject": str(number), "text": "x" * 200}

    def note(self, message: dict[str, str], outcome: Outcome) -> None:
        with self.lock:
            assert message["to"] not in self.told, "told twice"
            self.told[message["to"]] = outcome


def one_by_one(pool: SMTPPool, books: Books, end: float) -> None:
    """A thread with a sync mailer."""
    mailer = create_transport(pool)
    while time.monotonic() < end:
        message = books.message()
        try:
            books.note(message, mailer.send_mail(message, timeout=20).outcome)
        except MailError as error:
            books.note(message, error.outcome)


def until(end: float, books: Books) -> Iterator[dict[str, str]]:
    while time.monotonic() < end:
        yield books.message()


def in_bulk(pool: SMTPPool, books: Books, end: float, in_flight: int) -> None:
    """A thread with `send_many`."""
    for delivery in create_transport(pool).send_many(until(end, books), in_flight=in_flight, timeout=20):
        books.note(delivery.message, delivery.outcome)


def in_a_loop(pool: SMTPPool, books: Books, end: float) -> None:
    """A thread with an event loop of its own, a new one each round."""

    async def go() -> None:
        mailer = create_async_transport(pool)
        async for delivery in mailer.send_many(until(end, books), timeout=20):
            books.note(delivery.message, delivery.outcome)

    asyncio.run(go())


def run_together(senders: list[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def guarded(sender: Callable[[], None]) -> None:
        try:
            sender()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def check(books: Books, server: FaultServer) -> Counter[Outcome]:
    """What the server holds is what was accepted and some of what is unknown, once each; nothing else."""
    held = Counter(recipient for commit in server.commits for recipient in commit.recipients)
    for recipient, outcome in books.told.items():
        times = held.pop(recipient, 0)
        expected = {Outcome.ACCEPTED: (1,), Outcome.UNKNOWN: (0, 1)}.get(outcome, (0,))
        assert times in expected, f"{recipient}: {outcome}, held {times} times (SOAK_SEED={SEED})"
    assert not held, f"held and never told: {held} (SOAK_SEED={SEED})"
    assert len(books.told) == books.number, "a sender was not told"
    return Counter(books.told.values())


def resident() -> float:
    """Mebibytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@attrs.define
class Figures:
    """What the page says."""

    outcomes: Counter[Outcome] = attrs.field(factory=Counter)
    rounds: int = 0
    memory: list[float] = attrs.field(factory=list)
    open_files: list[int] = attrs.field(factory=list)

    def page(self, seconds: float, pool: SMTPPool) -> str:
        stats = pool.stats()
        rows = [
            ("seconds", f"{seconds:,.0f}"),
            ("server restarts", str(self.rounds)),
            ("messages", f"{sum(self.outcomes.values()):,}"),
            *((str(outcome), f"{self.outcomes[outcome]:,}") for outcome in Outcome if self.outcomes[outcome]),
            ("lost, or sent twice", "0"),
            ("tried again by the pool", f"{stats.retried:,}"),
            ("times throttled", f"{stats.throttled:,}"),
            ("connections opened", f"{stats.opened:,}"),
            (
                "resident memory after the second round, at the end",
                f"{self.memory[1]:.1f} MiB, {self.memory[-1]:.1f} MiB",
            ),
            ("open descriptors after the second round, at the end", f"{self.open_files[1]}, {self.open_files[-1]}"),
        ]
        table = "\n".join(f"| {name} | {value} |" for name, value in rows)
        return (
            "# Soak\n\nWritten by `make soak`: one pool, shared by two threads, two `send_many` in threads (one with\n"
            "several messages in flight) and an event loop, against a server that refuses, resets, throttles and drops\n"
            f"at random and is restarted every {ROUND:.0f} seconds.\n\n| | |\n| --- | --- |\n{table}\n"
        )


def one_round(pool: SMTPPool, port: int, chance: random.Random) -> Counter[Outcome]:
    """Everybody sends to a new server on the old port."""
    dialogue = chance.choice([EXTENSIONS, (*EXTENSIONS, "CHUNKING"), ("SIZE 10000000",)])
    books = Books()
    with FaultServer(*faults(chance), port=port, users={"u": "p"}, extensions=dialogue) as server:
        end = time.monotonic() + ROUND
        run_together(
            [
                lambda: one_by_one(pool, books, end),
                lambda: one_by_one(pool, books, end),
                lambda: in_bulk(pool, books, end, 1),
                lambda: in_bulk(pool, books, end, 8),
                lambda: in_a_loop(pool, books, end),
            ]
        )
        assert server.most_at_once <= CONNECTIONS
        return check(books, server)


def test_nothing_is_lost_or_left_behind(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    with FaultServer() as first:
        port = first.port
    pool = smtp_pool(
        host="127.0.0.1", port=port, auth=("u", "p"), max_connections=CONNECTIONS, max_messages=50, max_age=30
    )
    figures, started = Figures(), time.monotonic()
    while time.monotonic() < started + SECONDS:
        figures.outcomes += one_round(pool, port, chance)
        figures.rounds += 1
        gc.collect()
        figures.memory.append(resident())
        figures.open_files.append(descriptors())
    create_transport(pool).close()
    assert pool.stats().connections == 0
    assert figures.memory[-1] < figures.memory[min(1, figures.rounds - 1)] * 1.15 + 10, figures.memory
    assert max(figures.open_files[1:], default=0) <= min(figures.open_files[1:], default=0) + CONNECTIONS
    text = figures.page(time.monotonic() - started, pool)
    with capsys.disabled():
        sys.stdout.write(f"\nSOAK_SEED={SEED}\n{text}")
    if SECONDS >= WHOLE_RUN:
        PAGE.write_text(text, encoding="utf-8")
