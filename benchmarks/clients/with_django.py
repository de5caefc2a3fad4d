"""Django: `send_messages` with batches of a hundred over one connection that stays open."""

from __future__ import annotations

from itertools import islice

import django
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from benchmarks.job import Job
from benchmarks.workloads import SENDER, SUBJECT

BATCH = 100


def compose(job: Job, number: int) -> EmailMultiAlternatives:
    content = job.content
    recipients = content.recipients(number, job.recipients)
    message = EmailMultiAlternatives(SUBJECT.format(number), content.text_of(number), SENDER, recipients)
    if content.html:
        message.attach_alternative(content.html_of(number), "text/html")
    if content.attachment_size:
        message.attach("report.bin", content.attachment, "application/octet-stream")
    return message


def main() -> None:
    job = Job.from_argument()
    settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=job.port)
    django.setup()
    connection = get_connection("django.core.mail.backends.smtp.EmailBackend")
    connection.open()
    connection.send_messages([compose(job, 0)])
    size = 1 if job.content.attachment_size else BATCH
    with job.measured() as clock:
        numbers = clock.numbers()
        while batch := [compose(job, number) for number in islice(numbers, size)]:
            if connection.send_messages(batch) != len(batch):
                raise RuntimeError("not everything was sent")
    connection.close()


if __name__ == "__main__":
    main()
