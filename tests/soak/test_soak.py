"""Threads, event loops and streams share one pool for minutes while the server fails at random.

`SOAK_SECONDS` says for how long (600). Every message is compared with what the server has; memory, descriptors and
threads must be at the end what they were in the beginning.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
import threading
import time
from collections import Counter
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pymailer import MailError, create_async_transport, create_transport
from pymailer.mailer import AsyncMailer, Mailer
from pymailer_smtp_pool import smtp_pool
from tests.faults import FaultServer
from tests.soak.weather import delivered, stormy

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
THREADS, LOOPS, MESSAGES = 4, 2, 150
IN_FLIGHT = (1, 4)
"""How many messages each stream has ahead on a connection."""
GROWTH = 10_000
"""Blocks by which Python's memory may have grown since the first rounds; that is about a megabyte."""
RESIDENT_GROWTH = 40_000_000
"""Octets by which the process may have: the allocator's arenas of some thousand threads come and go."""
SETTLED = 3
"""Rounds after which all that is kept for good has been made."""

_numbers = count()


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 120)
def test_nothing_is_lost_and_nothing_is_left(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.CRITICAL)
    random, port = Random(4711), unused_port()
    pool = smtp_pool(host="127.0.0.1", port=port, auth=("me", "right"), max_messages=50, max_connections=4)
    mailer, async_mailer = create_transport(pool), create_async_transport(pool)
    outcomes: Counter[str] = Counter()
    blocks: list[int] = []
    memory: list[int] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with FaultServer(*stormy(random), port=port, users={"me": "right"}) as server:  # it restarts each time
            ended = one_round(mailer, async_mailer)
        compare(ended, delivered(server))
        outcomes.update(ended.values())
        gc.collect()
        blocks.append(sys.getallocatedblocks())
        memory.append(resident())
    stats = pool.stats()
    mailer.close()
    settled = min(SETTLED, len(blocks) - 1)
    with capsys.disabled():
        sys.stdout.write(f"\n{outcomes.total()} messages in {len(memory)} rounds: {dict(outcomes)}\n{stats}\n")
        sys.stdout.write(f"blocks: {blocks[settled]} after {settled + 1} rounds, {blocks[-1]} in the end\n")
        sys.stdout.write(f"resident: {memory[settled] / 1e6:.1f} MB, {memory[-1] / 1e6:.1f} MB in the end\n")
    assert stats.waiting == stats.busy == 0
    assert blocks[-1] - blocks[settled] < GROWTH
    assert memory[-1] - memory[settled] < RESIDENT_GROWTH


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
    return port


def one_round(mailer: Mailer, async_mailer: AsyncMailer) -> dict[str, str]:
    """How each message ended, by its Message-ID."""
    ended: dict[str, str] = {}
    workers = [threading.Thread(target=in_a_thread, args=(mailer, ended)) for _ in range(THREADS)]
    workers += [threading.Thread(target=asyncio.run, args=(in_a_loop(async_mailer, ended),)) for _ in range(LOOPS)]
    workers += [threading.Thread(target=in_a_stream, args=(mailer, ended, ahead)) for ahead in IN_FLIGHT]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive(), f"a sender hangs: {mailer.transport}"
    assert len(ended) == (THREADS + LOOPS + len(IN_FLIGHT)) * MESSAGES
    return ended


def message() -> dict[str, Any]:
    number = next(_numbers)
    return {
        "from": "a@example.com",
        "to": "b@example.com",
        "subject": f"Number {number}",
        "text": f"Dear reader, this is number {number}.\n" * (1 + number % 50),
        "message_id": f"<{number}@soak.test>",
    }


def in_a_thread(mailer: Mailer, ended: dict[str, str]) -> None:
    for _ in range(MESSAGES):
        data = message()
        try:
            ended[data["message_id"]] = str(mailer.send_mail(data, timeout=30).outcome)
        except MailError as error:
            ended[data["message_id"]] = str(error.outcome)


def in_a_stream(mailer: Mailer, ended: dict[str, str], ahead: int) -> None:
    messages = (message() for _ in range(MESSAGES))
    for delivery in mailer.send_many(messages, concurrency=2, in_flight=ahead, timeout=30):
        ended[delivery.message["message_id"]] = str(delivery.outcome)


async def in_a_loop(mailer: AsyncMailer, ended: dict[str, str]) -> None:
    async def send() -> None:
        data = message()
        try:
            ended[data["message_id"]] = str((await mailer.send_mail(data, timeout=30)).outcome)
        except MailError as error:
            ended[data["message_id"]] = str(error.outcome)

    await asyncio.gather(*(send() for _ in range(MESSAGES)))


def compare(ended: dict[str, str], held: Counter[str]) -> None:
    """What the senders were told, and what the server has."""
    for message_id, outcome in ended.items():
        copies = held.pop(message_id, 0)
        expected = {"accepted": {1}, "unknown": {0, 1}}.get(outcome, {0})
        assert copies in expected, f"{message_id} ended as {outcome}, and the server has it {copies} times"
    assert not held, f"the server has what nobody sent: {held}"


def resident() -> int:
    """Octets of memory that the process uses."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
