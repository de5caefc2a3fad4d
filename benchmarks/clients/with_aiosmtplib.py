"""aiosmtplib: five connections that are reused, a task for each; it has no pool of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator

from aiosmtplib import SMTP

from benchmarks.clients.stdlib_message import compose
from benchmarks.job import Job


def client(job: Job) -> SMTP:
    if not job.tls:
        return SMTP(hostname="127.0.0.1", port=job.port, start_tls=False)
    context = ssl.create_default_context(cafile=job.certificate)
    implicit = job.tls == "implicit"
    return SMTP(hostname="localhost", port=job.port, use_tls=implicit, start_tls=not implicit, tls_context=context)


async def over_one_connection(smtp: SMTP, job: Job, numbers: Iterator[int]) -> None:
    for number in numbers:
        await smtp.send_message(compose(job.content, number, job.recipients))


async def over_new_connections(smtp: SMTP, job: Job, numbers: Iterator[int]) -> None:
    for number in numbers:
        async with smtp:
            await smtp.send_message(compose(job.content, number, job.recipients))


async def run(job: Job) -> None:
    clients = [client(job) for _ in range(job.connections)]
    send = over_new_connections if job.max_messages == 1 else over_one_connection
    if send is over_one_connection:
        await asyncio.gather(*(smtp.connect() for smtp in clients))
        await asyncio.gather(*(send(smtp, job, iter([0])) for smtp in clients))
    with job.measured() as clock:
        await asyncio.gather(*(send(smtp, job, clock.numbers()) for smtp in clients))
    if send is over_one_connection:
        await asyncio.gather(*(smtp.quit() for smtp in clients))


if __name__ == "__main__":
    asyncio.run(run(Job.from_argument()))
