"""What a transport promises, each promise as a function that breaks it or does not.

Each is given a mailer over the transport, of either colour, and raises `AssertionError` with what it saw. Knows the
contract of `pymailer.transport`; no transport.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Final

from pymailer.errors import MailError
from pymailer.outcome import Outcome
from pymailer.results import CloseReport, SentMessageInfo

if TYPE_CHECKING:
    from pymailer.testing.colours import Client, Colour

Promise = Callable[["Client", "Colour"], Coroutine[Any, Any, None]]

FROM: Final = "sender@example.com"
TO: Final = "recipient@example.com"
AT_ONCE: Final = 8
"""Messages that are sent at the same time."""

KINDS: Final[dict[str, dict[str, Any]]] = {
    "plain text": {"text": "Hello"},
    "an empty body": {"text": ""},
    "text beyond ASCII": {"subject": "Grüße", "text": "Straße\n.\n..\nend"},
    "HTML with an attachment": {"html": "<p>Hi</p>", "attachments": [{"filename": "a.bin", "content": b"\0\r\n." * 9}]},
    "a large attachment": {"text": "see", "attachments": [{"filename": "b.bin", "content": bytes(400_000)}]},
    "several recipients": {"text": "Hello", "cc": "second@example.com", "bcc": "third@example.com"},
    "a ready-made message": {
        "raw": f"From: {FROM}\nTo: {TO}\nMessage-ID: <1@example.com>\n\nHello\n",
        "envelope": {"from": FROM, "to": TO},
    },
}  # fmt: skip
"""One message of each kind."""


async def gives_a_result(client: Client, _: Colour) -> None:
    """A message that was sent gives a `SentMessageInfo` that accounts for every recipient."""
    for kind, fields in KINDS.items():
        _check_result(kind, await client.send(**_addressed(fields)))


def _must(kept: bool, otherwise: str) -> None:
    """Not an `assert`, which Python may be told to leave out."""
    if not kept:
        raise AssertionError(otherwise)


def _addressed(fields: dict[str, Any]) -> dict[str, Any]:
    return fields if "raw" in fields else {"from": FROM, "to": TO, **fields}


def _check_result(kind: str, info: object) -> None:
    if not isinstance(info, SentMessageInfo):
        raise AssertionError(f"for {kind}, send returned {info!r} and not a SentMessageInfo")  # noqa: TRY004
    settled = {*info.accepted, *info.rejected}
    _must(settled == set(info.envelope.to), f"for {kind}, {info.envelope.to} were asked for and {settled} are told of")
    expected = Outcome.PARTIAL if info.rejected else Outcome.ACCEPTED
    _must(info.outcome == expected, f"for {kind}, the outcome is {info.outcome} and should be {expected}")
    _must(len(info.rejected_errors) == len(info.rejected), f"for {kind}, not every refused recipient has an error")
    name = info.message_id
    _must(name is None or (name[:1], name[-1:]) == ("<", ">"), f"for {kind}, message_id {name!r} has no angle brackets")
    json.dumps(info.to_dict())


async def reads_content_that_comes_once(client: Client, _: Colour) -> None:
    """Content from an iterator is read to its end, once."""
    pieces = [b"piece"] * 1000
    info = await client.send(**_addressed({"text": "see", "attachments": [{"filename": "c", "content": iter(pieces)}]}))
    _check_result("content from an iterator", info)


async def tells_of_content_that_cannot_be_read(client: Client, _: Colour) -> None:
    """Content that fails in the middle is a `MailError`, never a message cut short; the next message is not harmed."""

    def broken() -> Iterator[bytes]:
        yield bytes(300_000)
        raise OSError("the disk is gone")

    fields = _addressed({"text": "see", "attachments": [{"filename": "d", "content": broken()}]})
    try:
        info = await client.send(**fields)
    except MailError:
        pass
    else:
        _must(_is_lazy(info), f"content that could not be read was sent: {info}")
    _check_result("the message after a broken one", await client.send(**_addressed(KINDS["plain text"])))


def _is_lazy(info: SentMessageInfo) -> bool:
    """Whether the message itself is given back unread, so that reading it will tell."""
    return info.message is not None and not isinstance(info.message, (str, bytes, dict))


async def serves_many_at_once(client: Client, colour: Colour) -> None:
    """Messages that are sent at the same time, from threads or tasks, each get their own result."""
    addresses = [f"r{number}@example.com" for number in range(AT_ONCE)]
    messages = [{"from": FROM, "to": address, "text": address} for address in addresses]
    infos = await colour.together(client, messages)
    for address, info in zip(addresses, infos, strict=True):
        if isinstance(info, BaseException):
            raise info
        _must(info.envelope.to == (address,), f"the result of another message: {info.envelope} for {address}")


async def answers_what_it_may_be_asked(client: Client, _: Colour) -> None:
    """`verify`, `is_idle` and `on`, where a transport has them, do what their names say."""
    await client.verify()
    transport: Any = client.mailer.transport
    if hasattr(transport, "is_idle"):
        _must(isinstance(transport.is_idle(), bool), "is_idle() did not return a bool")
    if hasattr(transport, "on"):
        unsubscribe = transport.on("idle", lambda: None)
        _must(callable(unsubscribe), "on() did not return a function that ends the subscription")
        unsubscribe()


async def can_be_closed_twice(client: Client, _: Colour) -> None:
    """Closing again is harmless."""
    for attempt in ("first", "second"):
        report: object = await client.close()
        _must(isinstance(report, CloseReport), f"the {attempt} close returned {report!r} and not a CloseReport")


PROMISES: Final[tuple[Promise, ...]] = (
    gives_a_result,
    reads_content_that_comes_once,
    tells_of_content_that_cannot_be_read,
    serves_many_at_once,
    answers_what_it_may_be_asked,
    can_be_closed_twice,
)
