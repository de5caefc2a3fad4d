"""The main job, shown: a batch through the pool in both colours, and what becomes of messages that meet trouble.

Everything it says is checked; a claim that turns out untrue makes it fail.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import attrs

from pymailer import (
    AuthError,
    DeliveryUnknownError,
    EnvelopeError,
    Mail,
    create_async_transport,
    create_transport,
)
from pymailer.demo.content import messages
from pymailer.demo.server import HOST, PASSWORD, USER, DemoServer
from pymailer.demo.show import Show
from pymailer_smtp_pool import SMTPPool, smtp_pool

SENDER: Final = "demo@example.com"
DOMAIN: Final = "example.org"
CONNECTIONS: Final = 5


@attrs.define(eq=False)
class Demo:
    """One run: the server, what was sent, and what was found."""

    server: DemoServer
    show: Show
    sent: dict[str, bytes] = attrs.field(factory=dict[str, bytes])

    def pool(self, password: str = PASSWORD, **options: Any) -> SMTPPool:
        """A pool that trusts the server, with a `password` that may be wrong."""
        return smtp_pool(
            host=HOST,
            port=self.server.port,
            auth=(USER, password),
            require_tls=True,
            tls={"ca": self.server.trust},
            max_connections=CONNECTIONS,
            **options,
        )

    def remember(self, mail: Mail) -> None:
        """Middleware: keep each message as it goes out, to compare."""
        self.sent[str(mail.message_id)] = mail.message.as_bytes()

    def batch_sync(self, count: int) -> None:
        """A batch through `Mailer.send_many`: one thread, several connections."""
        started = time.perf_counter()
        with create_transport(self.pool()) as mailer:
            mailer.use("stream", self.remember)
            for delivery in self.show.progress("sync", mailer.send_many(messages(count, SENDER, DOMAIN)), count):
                self.show.check(delivery.ok, f"message not sent: {delivery.error}")
            opened = mailer.stats().opened
        self._tell_batch("sync", count, time.perf_counter() - started, opened)

    async def batch_async(self, count: int) -> None:
        """The same batch through `AsyncMailer.send_many`."""
        started = time.perf_counter()
        async with create_async_transport(self.pool()) as mailer:
            mailer.use("stream", self.remember)
            with self.show.bar("asyncio", count) as advance:
                async for delivery in mailer.send_many(messages(count, SENDER, DOMAIN)):
                    self.show.check(delivery.ok, f"message not sent: {delivery.error}")
                    advance()
            opened = mailer.stats().opened
        self._tell_batch("asyncio", count, time.perf_counter() - started, opened)

    def _tell_batch(self, colour: str, count: int, seconds: float, opened: int) -> None:
        self.show.check(opened <= CONNECTIONS, f"{opened} connections were opened where {CONNECTIONS} are the limit")
        self.show.row(colour, f"{count} messages", f"{count / seconds:,.0f} a second", f"{opened} connections opened")

    def compare(self) -> None:
        """Every message the server holds is, octet for octet, one that went out; and the reverse."""
        held = self.server.mailbox.held
        missing = self.sent.keys() - held.keys()
        different = [key for key in self.sent.keys() & held.keys() if self.sent[key] != held[key]]
        self.show.check(not missing, f"{len(missing)} messages did not arrive")
        self.show.check(not different, f"{len(different)} messages arrived changed")
        octets = sum(map(len, held.values()))
        self.show.fact(f"{len(held)} messages arrived, {octets:,} octets, each identical to what was sent")

    def refused_recipient(self) -> None:
        """One of two recipients is refused: the other gets the message, and the result says so."""
        with create_transport(self.pool()) as mailer:
            info = mailer.send_mail(
                from_=SENDER, to=[f"refused@{DOMAIN}", f"taken@{DOMAIN}"], subject="Two readers", text="Hello"
            )
            self.show.check(info.outcome == "partial", f"the outcome was {info.outcome}")
            self.show.fact(f"one of two recipients refused: {info.outcome}, rejected {', '.join(info.rejected)}")
            try:
                mailer.send_mail(from_=SENDER, to=f"refused@{DOMAIN}", subject="One reader", text="Hello")
                self.show.check(False, "a refused recipient raised nothing")
            except EnvelopeError as error:
                self.show.fact(f"the only recipient refused: {error.outcome} ({error.reply})")

    def dropped_connection(self) -> None:
        """A connection lost before the message was over: proved not sent, so the pool sends it again."""
        with create_transport(self.pool()) as mailer:
            info = mailer.send_mail(from_=SENDER, to=f"dropped@{DOMAIN}", subject="Dropped", text="Hello")
            self.show.check(f"dropped@{DOMAIN}" in self.server.mailbox.dropped, "the server dropped nothing")
            self.show.check(info.outcome == "accepted", f"the outcome was {info.outcome}")
            self.show.fact(f"connection dropped in the envelope: sent again, {info.outcome} at attempt {info.attempts}")
            try:
                mailer.send_mail(from_=SENDER, to=f"vanished@{DOMAIN}", subject="Vanished", text="Hello")
                self.show.check(False, "a lost reply raised nothing")
            except DeliveryUnknownError as error:
                self.show.fact(f"connection dropped after the last octet: {error.outcome}, and not sent twice")

    def wrong_password(self) -> None:
        """Twenty messages and a wrong password: one login, and everybody is told."""
        before = self.server.mailbox.logins
        with create_transport(self.pool("wrong")) as mailer:
            batch = [
                {"from": SENDER, "to": f"nobody{number}@{DOMAIN}", "subject": "Never", "text": "Hello"}
                for number in range(20)
            ]
            failures = [delivery.error for delivery in mailer.send_many(batch)]
        logins = self.server.mailbox.logins - before
        self.show.check(all(isinstance(error, AuthError) for error in failures), "somebody was told something else")
        self.show.check(logins == 1, f"{logins} logins with one wrong password")
        self.show.fact(f"wrong password, {len(failures)} messages: {logins} login, {len(failures)} AuthErrors")


def run_demo(count: int = 300) -> bool:
    """Run everything.

    Args:
        count: Messages for each colour.

    Returns:
        Whether everything that was shown is true.
    """
    show = Show()
    with DemoServer() as server:
        demo = Demo(server, show)
        show.title(f"An SMTP server with STARTTLS and AUTH listens on {HOST}:{server.port}")
        demo.batch_sync(count)
        asyncio.run(demo.batch_async(count))
        demo.compare()
        demo.refused_recipient()
        demo.dropped_connection()
        demo.wrong_password()
    return show.finish()
