"""smtplib: one connection that is reused, one for each thread, or (`max_messages=1`) one for each message."""

from __future__ import annotations

import smtplib
import ssl
import threading

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


def over_one_connection(job: Job, clock: Clock) -> None:
    with connect(job) as client:
        for number in clock.numbers():
            client.send_message(compose(job.content, number, job.recipients))


def over_new_connections(job: Job, clock: Clock) -> None:
    for number in clock.numbers():
        with connect(job) as client:
            client.send_message(compose(job.content, number, job.recipients))


def main() -> None:
    job = Job.from_argument()
    send = over_new_connections if job.max_messages == 1 else over_one_connection
    threads = job.connections if job.mode == "threads" else 1
    compose(job.content, 0)  # imports what it needs
    with job.measured() as clock:
        workers = [threading.Thread(target=send, args=(job, clock)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


if __name__ == "__main__":
    main()
