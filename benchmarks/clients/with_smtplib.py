"""smtplib: one connection that is reused, one for each thread, or (`max_messages=1`) one for each message."""

from __future__ import annotations

import smtplib
import ssl
import threading
from collections.abc import Callable

from benchmarks.clients.stdlib_message import compose
from benchmarks.job import Clock, Job


def connect(job: Job) -> smtplib.SMTP:
    """A connection, upgraded if the job asks for that."""
    if not job.tls:
        return smtplib.SMTP("127.0.0.1", job.port)
    context = ssl.create_default_context(cafile=job.certificate)
    if job.tls == "implicit":
        return smtplib.SMTP_SSL("localhost", job.port, context=context)
    client = smtplib.SMTP("localhost", job.port)
    client.starttls(context=context)
    return client


def sender(job: Job) -> Callable[[Clock], None]:
    """What sends over one connection, which is open already."""
    client = connect(job)
    client.send_message(compose(job.content, 0, job.recipients))

    def send(clock: Clock) -> None:
        for number in clock.numbers():
            client.send_message(compose(job.content, number, job.recipients))
        client.quit()

    return send


def new_connections(job: Job) -> Callable[[Clock], None]:
    """What sends each message over a connection of its own."""

    def send(clock: Clock) -> None:
        for number in clock.numbers():
            with connect(job) as client:
                client.send_message(compose(job.content, number, job.recipients))

    return send


def main() -> None:
    job = Job.from_argument()
    make = new_connections if job.max_messages == 1 else sender
    senders = [make(job) for _ in range(job.connections if job.mode == "threads" else 1)]
    with job.measured() as clock:
        workers = [threading.Thread(target=send, args=(clock,)) for send in senders]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


if __name__ == "__main__":
    main()
