"""A workload's message as the standard library composes it: what users of smtplib and of aiosmtplib write."""

from __future__ import annotations

from email.message import EmailMessage

from benchmarks.workloads import SENDER, SUBJECT, Workload


def compose(content: Workload, number: int, recipients: int = 1) -> EmailMessage:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = ", ".join(content.recipients(number, recipients))
    message["Subject"] = SUBJECT.format(number)
    message.set_content(content.text_of(number))
    if content.html:
        message.add_alternative(content.html_of(number), subtype="html")
    if content.attachment_size:
        message.add_attachment(
            content.attachment_of(number), maintype="application", subtype="octet-stream", filename="report.bin"
        )
    return message
