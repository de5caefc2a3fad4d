"""Ourselves: `send_many` in each runtime, `send_mail` from threads, and `send_compiled`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Final

from benchmarks.job import Clock, Job
from benchmarks.workloads import SENDER, SUBJECT
from pymailer import AsyncMailer, Delivery, Mailer, create_async_transport, create_transport
from pymailer_smtp_pool import SMTPPool, smtp_pool


def compose(job: Job, number: int) -> dict[str, Any]:
    content = job.content
    message: dict[str, Any] = {
        "from": SENDER,
        "to": content.recipients(number, job.recipients),
        "subject": SUBJECT.format(number),
        "text": content.text_of(number),
    }
    if content.html:
        message["html"] = content.html_of(number)
    if content.attachment_size:
        message["attachments"] = [{"filename": "report.bin", "content": content.attachment_of(number)}]
    return message


def messages(job: Job, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    return (compose(job, number) for number in numbers)


def pool(job: Job) -> SMTPPool:
    options: dict[str, Any] = {"ignore_tls": True}
    if job.tls:
        options = {"secure": job.tls == "implicit", "tls": {"ca": job.certificate}, "require_tls": True}
    return smtp_pool(
        host="localhost" if job.tls else "127.0.0.1",
        port=job.port,
        max_connections=job.connections,
        max_messages=job.max_messages or 1_000_000_000,
        **options,
    )


def settle(deliveries: Iterable[Delivery]) -> None:
    for delivery in deliveries:
        if delivery.error:
            raise delivery.error


async def settle_async(deliveries: AsyncIterator[Delivery]) -> None:
    async for delivery in deliveries:
        if delivery.error:
            raise delivery.error


# --- the ways to send ---


def many(job: Job) -> None:
    with create_transport(pool(job)) as mailer:
        settle(mailer.send_many(messages(job, job.warm_up), concurrency=job.connections))
        with job.measured() as clock:
            numbers = messages(job, clock.numbers())
            settle(mailer.send_many(numbers, concurrency=job.connections, in_flight=job.in_flight))


async def asynchronous(job: Job) -> None:
    async with create_async_transport(pool(job)) as mailer:
        await settle_async(mailer.send_many(messages(job, job.warm_up), concurrency=job.connections))
        with job.measured() as clock:
            numbers = messages(job, clock.numbers())
            await settle_async(mailer.send_many(numbers, concurrency=job.connections, in_flight=job.in_flight))


def many_compiled(job: Job) -> None:
    with create_transport(pool(job)) as mailer:
        settle(mailer.send_many(messages(job, job.warm_up), concurrency=job.connections))
        mail = mailer.compile(compose(job, 0))
        with job.measured() as clock:
            settle(mailer.send_many((mail for _ in clock.numbers()), concurrency=job.connections))


def threads(job: Job) -> None:
    def worker(mailer: Mailer, clock: Clock) -> None:
        for number in clock.numbers():
            mailer.send_mail(compose(job, number))

    in_threads(job, worker)


def compiled_in_threads(job: Job) -> None:
    def worker(mailer: Mailer, clock: Clock) -> None:
        mail = mailer.compile(compose(job, 0))
        for _ in clock.numbers():
            mailer.send_compiled(mail)

    in_threads(job, worker)


def in_threads(job: Job, work: Callable[[Mailer, Clock], None]) -> None:
    with create_transport(pool(job)) as mailer:
        settle(mailer.send_many(messages(job, job.warm_up), concurrency=job.connections))
        with job.measured() as clock:
            workers = [threading.Thread(target=work, args=(mailer, clock)) for _ in range(job.connections)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()


async def compiled(job: Job) -> None:
    async def worker(mailer: AsyncMailer, clock: Clock) -> None:
        mail = await mailer.compile(compose(job, 0))
        for _ in clock.numbers():
            await mailer.send_compiled(mail)

    async with create_async_transport(pool(job)) as mailer:
        await settle_async(mailer.send_many(messages(job, job.warm_up), concurrency=job.connections))
        with job.measured() as clock:
            await asyncio.gather(*(worker(mailer, clock) for _ in range(job.connections)))


async def waiting(job: Job) -> None:
    async with create_async_transport(pool(job)) as mailer:
        await settle_async(mailer.send_many(messages(job, range(2 * job.connections)), concurrency=job.connections))
        with job.measured() as clock:
            await asyncio.gather(*(mailer.send_mail(message) for message in messages(job, clock.numbers())))


def on_uvloop(job: Job) -> None:
    import uvloop

    uvloop.run(asynchronous(job))


WAYS: Final[dict[str, Callable[[Job], None]]] = {
    "many": many,
    "async": lambda job: asyncio.run(asynchronous(job)),
    "uvloop": on_uvloop,
    "waiting": lambda job: asyncio.run(waiting(job)),
    "threads": threads,
    "compiled": lambda job: asyncio.run(compiled(job)),
    "compiled-threads": compiled_in_threads,
    "compiled-many": many_compiled,
}


def main() -> None:
    job = Job.from_argument()
    WAYS[job.mode](job)


if __name__ == "__main__":
    main()
