"""The two colours of mailer behind one face, so that a promise is written once and checked in both.

Knows the fronts; nothing of what is checked. One of the few places that know about asyncio, since it plays the
asynchronous application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from pymailer.mailer import create_async_transport, create_transport
from pymailer.runtime import maybe_await, run

if TYPE_CHECKING:
    from pymailer.mailer import AnyTransport, AsyncMailer, Mailer
    from pymailer.results import CloseReport, SentMessageInfo

T = TypeVar("T")
Fields = Mapping[str, Any]


@attrs.frozen
class Client:
    """A mailer of either colour, awaited."""

    mailer: Mailer | AsyncMailer

    async def send(self, **fields: Any) -> SentMessageInfo:
        """Send one message."""
        return await maybe_await(self.mailer.send_mail(fields))

    async def verify(self) -> bool:
        """Ask the transport to prove that it would work."""
        return await maybe_await(self.mailer.verify())

    async def close(self) -> CloseReport:
        """Close the transport."""
        return await maybe_await(self.mailer.close())


@attrs.frozen
class Colour:
    """One way to run an application.

    Attributes:
        name: ``"sync"`` or ``"async"``.
        open: Makes a mailer over a transport.
        finish: Runs a coroutine to its end.
        together: Sends messages at the same time, each its own; the results in the order of the messages.
    """

    name: str
    open: Callable[[AnyTransport], Client]
    finish: Callable[[Coroutine[Any, Any, Any]], Any]
    together: Callable[[Client, Sequence[Fields]], Coroutine[Any, Any, list[SentMessageInfo | BaseException]]]


async def _in_threads(client: Client, messages: Sequence[Fields]) -> list[SentMessageInfo | BaseException]:
    results: dict[int, SentMessageInfo | BaseException] = {}

    def send(number: int, fields: Fields) -> None:
        try:
            results[number] = run(client.send(**fields))
        except BaseException as error:  # noqa: BLE001 - it is looked at by whoever asked
            results[number] = error

    threads = [Thread(target=send, args=each) for each in enumerate(messages)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(len(messages))]


async def _in_tasks(client: Client, messages: Sequence[Fields]) -> list[SentMessageInfo | BaseException]:
    return await asyncio.gather(*(client.send(**fields) for fields in messages), return_exceptions=True)


SYNC = Colour("sync", lambda transport: Client(create_transport(transport)), run, _in_threads)
ASYNC = Colour("async", lambda transport: Client(create_async_transport(transport)), asyncio.run, _in_tasks)
