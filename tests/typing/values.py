"""What type checkers see of messages, options, results and errors. Read by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from pymailer import (
    DKIM,
    Address,
    Attachment,
    Auth,
    CloseReport,
    CompiledMail,
    ConfigError,
    ConnectError,
    DeliveryUnknownError,
    Envelope,
    EnvelopeError,
    MailError,
    MailTimeoutError,
    Message,
    MessageError,
    OAuth2,
    Outcome,
    Reply,
    ReplyError,
    SentMessageInfo,
    SMTPOptions,
    Stage,
)
from pymailer.transports import failover, memory, smtp
from pymailer.transports.in_memory import MemoryTransport
from pymailer.transports.single import SMTPTransport
from pymailer_smtp_pool import SMTPPool, smtp_pool
from pymailer_wellknown import Service, resolve, services


def messages() -> None:
    message = Message(
        from_=Address("Ada", "ada@example.com"),
        to=["b@example.com", {"name": "Bob", "address": "bob@example.com"}],
        subject="Hi",
        text="Hello",
        html=b"<p>Hello</p>",
        attachments=[Attachment(filename="a.txt", content="text"), {"path": "b.txt"}],
        headers={"X-One": ["1", "2"]},
        envelope=Envelope("bounces@example.com", ["b@example.com"]),
        dkim=DKIM(domain_name="example.com", key_selector="2024", private_key=b"PEM"),
    )
    assert_type(message.subject, str | None)
    assert_type(message.attachments, list[Attachment])
    assert_type(message.headers, dict[str, Any])


def options() -> None:
    assert_type(SMTPOptions("smtp://localhost"), SMTPOptions)
    assert_type(SMTPOptions({"host": "localhost"}, port=25), SMTPOptions)
    assert_type(SMTPOptions().host, str)
    assert_type(SMTPOptions().secure, bool)
    assert_type(SMTPOptions().connection_timeout, float)
    assert_type(SMTPOptions().auth, Auth | OAuth2 | None)
    assert_type(smtp_pool(SMTPOptions(), max_connections=5), SMTPPool)
    assert_type(smtp(host="localhost"), SMTPTransport)
    assert_type(memory(fail_with="unknown"), MemoryTransport)
    assert_type(memory().messages[0].envelope, Envelope)
    failover([smtp(), "smtp://localhost", {"host": "localhost"}], retry_after=5)
    memory(fail_wiht="unknown")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def results(info: SentMessageInfo, report: CloseReport, compiled: CompiledMail) -> None:
    assert_type(info.envelope, Envelope)
    assert_type(info.envelope.to, tuple[str, ...])
    assert_type(info.outcome, Outcome)
    assert_type(info.message_id, str | None)
    assert_type(info.accepted, tuple[str, ...])
    assert_type(info.rejected_errors, tuple[ReplyError, ...])
    assert_type(info.reply, Reply | None)
    assert_type(info.message_time, float)
    assert_type(info.to_dict(), dict[str, Any])
    assert_type(report.sent, int)
    assert_type(compiled.content, bytes)
    assert_type(str(info.outcome), str)
    info.accepted = ()  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def errors(error: MailError) -> None:
    assert_type(error.code, str)
    assert_type(error.outcome, Outcome)
    assert_type(error.stage, Stage | None)
    assert_type(error.reply, Reply | None)
    assert_type(error.command, str | None)
    assert_type(error.temporary, bool)
    if isinstance(error, EnvelopeError):
        assert_type(error.rejected_errors, tuple[ReplyError, ...])
    if isinstance(error, ReplyError):
        assert_type(error.recipient, str | None)
    if isinstance(error, DeliveryUnknownError):
        assert_type(error.accepted, tuple[str, ...])


def as_errors_of_python(error: ConfigError | MessageError) -> tuple[ValueError, ConnectionError, TimeoutError]:
    return error, ConnectError(), MailTimeoutError()


def well_known() -> None:
    assert_type(resolve("gmail"), Service)
    assert_type(resolve("gmail").host, str)
    assert_type(services(), tuple[Service, ...])
