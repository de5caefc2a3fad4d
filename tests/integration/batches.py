"""Messages sent through a pool from many senders at once, in either colour: threads, tasks of a loop, or as a stream.

Knows the two front doors; nothing of what a server does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from pymailer import Delivery, create_async_transport, create_transport
from pymailer.errors import MailError
from pymailer_smtp_pool import PoolStats, smtp_pool
from tests.faults import FaultServer

SENDERS = 50


@attrs.frozen
class Batch:
    """How the messages of a batch ended, in their order."""

    results: list[Any]
    stats: PoolStats

    @property
    def errors(self) -> list[MailError]:
        return [result for result in self.results if isinstance(result, MailError)]

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(str(result.outcome) for result in self.results)

    def all_accepted(self) -> bool:
        return set(self.outcomes) == {"accepted"}


def message(number: int) -> dict[str, Any]:
    return {
        "from": "a@example.com",
        "to": f"b{number}@example.com",
        "subject": f"message {number}",
        "text": f"This is number {number}.\n.\n",
        "message_id": f"<{number}@example.com>",
    }


def send_batch(colour: str, server: FaultServer, count: int, *, timeout: float | None = 20, **options: Any) -> Batch:
    """So many messages at once, then the pool is closed."""
    pool = smtp_pool(host=server.host, port=server.port, **options)
    if colour == "sync":
        return _threads(pool, count, timeout)
    if colour == "sync stream":
        return _stream(pool, count, timeout)
    return asyncio.run((_tasks if colour == "async" else _async_stream)(pool, count, timeout))


def send_in_turn(colour: str, server: FaultServer, count: int, **options: Any) -> Batch:
    """So many messages, each after the one before."""
    pool = smtp_pool(host=server.host, port=server.port, **options)
    if colour == "sync":
        with create_transport(pool) as mailer:
            return Batch([_settled(mailer, message(number)) for number in range(count)], pool.stats())
    if colour == "sync stream":
        return _stream(pool, count, concurrency=1)
    if colour == "async stream":
        return asyncio.run(_async_stream(pool, count, concurrency=1))
    return asyncio.run(_in_turn(pool, count))


def _settled(mailer: Any, data: Any, **options: Any) -> Any:
    try:
        return mailer.send_mail(data, **options)
    except MailError as error:
        return error


def _threads(pool: Any, count: int, timeout: float | None) -> Batch:
    with create_transport(pool) as mailer, ThreadPoolExecutor(SENDERS) as threads:
        futures = [threads.submit(_settled, mailer, message(number), timeout=timeout) for number in range(count)]
        return Batch([future.result() for future in futures], pool.stats())


def _stream(pool: Any, count: int, timeout: float | None = None, **pace: Any) -> Batch:
    with create_transport(pool) as mailer:
        deliveries = list(mailer.send_many(map(message, range(count)), timeout=timeout, **pace))
        return Batch(_in_order(deliveries), pool.stats())


async def _async_stream(pool: Any, count: int, timeout: float | None = None, **pace: Any) -> Batch:
    async with create_async_transport(pool) as mailer:
        deliveries = [each async for each in mailer.send_many(map(message, range(count)), timeout=timeout, **pace)]
        return Batch(_in_order(deliveries), pool.stats())


def _in_order(deliveries: list[Delivery]) -> list[Any]:
    in_order = sorted(deliveries, key=lambda delivery: int(delivery.message["subject"].removeprefix("message ")))
    return [delivery.info or delivery.error for delivery in in_order]


async def _tasks(pool: Any, count: int, timeout: float | None) -> Batch:
    async with create_async_transport(pool) as mailer:
        sends = [mailer.send_mail(message(number), timeout=timeout) for number in range(count)]
        return Batch(list(await asyncio.gather(*sends, return_exceptions=True)), pool.stats())


async def _in_turn(pool: Any, count: int) -> Batch:
    results: list[Any] = []
    async with create_async_transport(pool) as mailer:
        for number in range(count):
            results += await asyncio.gather(mailer.send_mail(message(number)), return_exceptions=True)
        return Batch(results, pool.stats())
