"""A span for each message, with OpenTelemetry: what was sent, how often it was tried, and where the time went.

A transport may stand before another one: that is all it takes, and it serves both mailers.

SMTP_URL=smtp://localhost:1025 python examples/opentelemetry_tracing.py
"""

import os
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from pymailer import MailError, SentMessageInfo, create_transport
from pymailer.transport import Mail, deliver
from pymailer_smtp_pool import smtp_pool


class Traced:
    """A transport that makes a span of each send of another one."""

    def __init__(self, transport: Any, tracer: trace.Tracer) -> None:
        self._transport = transport
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)  # verify, close, stats, on and the rest

    async def send(self, mail: Mail) -> SentMessageInfo:
        attributes = {"messaging.message.id": mail.message_id or "", "mail.recipients": len(mail.envelope.to)}
        with self._tracer.start_as_current_span(
            "send mail", kind=trace.SpanKind.CLIENT, attributes=attributes, record_exception=True
        ) as span:
            try:
                info = await deliver(self._transport, mail)
            except MailError as error:
                span.set_attributes(
                    {"mail.outcome": error.outcome, "mail.stage": error.stage or "", "error.type": error.code}
                )
                raise
            span.set_attributes(
                {
                    "mail.outcome": info.outcome,
                    "mail.attempts": info.attempts,
                    "mail.size": info.message_size,
                    "mail.queue_time": info.queue_time,
                    "mail.connect_time": info.connect_time,
                    "mail.envelope_time": info.envelope_time,
                    "mail.message_time": info.message_time,
                }
            )
            return info


def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    pool = smtp_pool(os.environ.get("SMTP_URL", "smtp://localhost:1025"))
    with create_transport(Traced(pool, provider.get_tracer("pymailer"))) as mailer:
        for customer in ("anna@example.org", "nobody@example.org"):
            try:
                mailer.send_mail(from_="orders@example.com", to=customer, subject="Your order", text="Thank you!")
            except MailError as error:
                print(f"{customer}: {error.outcome}")
    provider.shutdown()


if __name__ == "__main__":
    main()
