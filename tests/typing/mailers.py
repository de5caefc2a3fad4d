"""What type checkers see of the two front doors and of the mailers behind them. Read by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, assert_type

from pymailer import (
    AsyncMailer,
    CloseReport,
    CompiledMail,
    Delivery,
    Mail,
    Mailer,
    Message,
    SentMessageInfo,
    SMTPOptions,
    Transport,
    create_async_transport,
    create_transport,
)
from pymailer.transports import memory
from pymailer_smtp_pool import PoolStats, smtp_pool


def doors() -> None:
    assert_type(create_transport("smtp://localhost"), Mailer)
    assert_type(create_transport({"host": "localhost"}, {"from": "a@example.com"}, max_recipients=5), Mailer)
    assert_type(create_transport(SMTPOptions(host="localhost")), Mailer)
    assert_type(create_async_transport(smtp_pool(host="localhost", port=25, auth=("user", "password"))), AsyncMailer)
    create_transport(transport="smtp://localhost")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    create_transport(None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    create_transport(25)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    create_transport()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def sync(mailer: Mailer, ready: EmailMessage) -> None:
    with mailer as same:
        assert_type(same, Mailer)
    assert_type(mailer.send_mail({"from": "a@example.com"}), SentMessageInfo)
    assert_type(mailer.send_mail(Message(subject="Hi"), timeout=timedelta(minutes=1)), SentMessageInfo)
    assert_type(mailer.send_mail(ready, timeout=5, queue_priority=-1), SentMessageInfo)
    assert_type(mailer.send_mail(from_="a@example.com", to=["b@example.com"], subject="Hi"), SentMessageInfo)
    assert_type(mailer.compile(subject="Hi"), CompiledMail)
    assert_type(mailer.send_compiled(mailer.compile(), timeout=5), SentMessageInfo)
    assert_type(mailer.verify(), bool)
    assert_type(mailer.close(drain=False, timeout=5), CloseReport)
    mailer.send_compiled({"from": "a@example.com"})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    mailer.send_mail("Hi")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    mailer.send_mail(timeout="5")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def asynchronous(mailer: AsyncMailer) -> None:
    async with mailer as same:
        assert_type(same, AsyncMailer)
    assert_type(await mailer.send_mail({"from": "a@example.com"}), SentMessageInfo)
    assert_type(await mailer.compile(subject="Hi"), CompiledMail)
    assert_type(await mailer.send_compiled(await mailer.compile()), SentMessageInfo)
    assert_type(await mailer.verify(), bool)
    assert_type(await mailer.close(), CloseReport)


def many(mailer: Mailer, messages: Iterator[Mapping[str, Any]], later: AsyncIterator[Message]) -> None:
    assert_type(mailer.send_many(messages, concurrency=3, in_flight=2, timeout=5), Iterator[Delivery])
    assert_type(mailer.send_many([Message()]), Iterator[Delivery])
    mailer.send_many(["Hi"])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    mailer.send_many(later)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def many_later(mailer: AsyncMailer, messages: list[Message], later: AsyncIterator[Message]) -> None:
    assert_type(mailer.send_many(messages), AsyncIterator[Delivery])
    async for delivery in mailer.send_many(later, timeout=timedelta(seconds=5)):
        assert_type(delivery, Delivery)
        assert_type(delivery.ok, bool)
        assert_type(delivery.info, SentMessageInfo | None)
        assert_type(delivery.error, Exception | None)


def shout(mail: Mail) -> None:
    mail.message.headers.set("X-Loud", "yes")


async def wait(mail: Mail) -> None:
    await mail.runtime.sleep(1)


def middleware(mailer: Mailer, later: AsyncMailer, mail: Mail) -> None:
    assert_type(mailer.use("compile", shout), Mailer)
    assert_type(later.use("stream", wait), AsyncMailer)

    @mailer.use("compile")
    def decorated(mail: Mail) -> int:
        assert_type(mail.data, Message)
        return 5

    assert_type(decorated(mail), int)
    mailer.use("compile", 5)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType, reportCallIssue]


def seeing(mailer: Mailer) -> None:
    assert_type(mailer.stats(), PoolStats)
    assert_type(mailer.stats().connections, int)
    assert_type(mailer.is_idle(), bool)
    assert_type(mailer.on("sent", print), Callable[[], None])
    assert_type(mailer.transport, Transport)
    assert_type(mailer.defaults, Mapping[str, Any])


class Own:
    """A transport of one's own, in the colour of its author's choice."""

    name = "Own"
    version = "1"

    async def send(self, mail: Mail) -> SentMessageInfo:
        return SentMessageInfo(mail.envelope, mail.message_id, accepted=mail.envelope.to)


class Plain(Own):
    """The same without a loop."""

    def send(self, mail: Mail) -> SentMessageInfo:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        return SentMessageInfo(mail.envelope)


class Mute:
    """No transport."""

    name = "Mute"
    version = "1"


def transports() -> list[Transport]:
    wrong: Transport = Mute()  # type: ignore[assignment] # pyright: ignore[reportAssignmentType]
    return [Own(), Plain(), memory(), smtp_pool(), wrong]
