"""Mails for tests of transports: a message that is only octets, and the envelope it goes in.

Stands for what the composer makes; knows nothing of how messages are composed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import attrs

from pymailer.message.model import Message
from pymailer.results import Envelope
from pymailer.runtime import Runtime
from pymailer.transport import Mail

CONTENT = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: Hi\r\n\r\nHello\r\n.\r\nGood bye\r\n"


@attrs.define(eq=False)
class Octets:
    """A composed message that consists of these chunks."""

    chunks_: Callable[[], Iterable[bytes]]
    message_id: str | None = "<1@example.com>"
    size: int | None = None
    replayable: bool = True
    needs_8bit: bool = False
    needs_smtputf8: bool = False
    at_hand: None = None

    def iter_bytes(self) -> Iterator[bytes]:
        return iter(self.chunks_())

    def as_bytes(self) -> bytes:
        return b"".join(self.iter_bytes())

    async def read(self, runtime: Runtime) -> bytes:
        return self.as_bytes()

    async def chunks(self, runtime: Runtime) -> AsyncIterator[bytes]:
        for chunk in self.chunks_():
            yield chunk

    async def materialize(self, runtime: Runtime) -> None:
        """Nothing is still to come."""


def make_mail(
    runtime: Runtime,
    *chunks: bytes,
    to: Iterable[str] = ("b@example.com",),
    from_: str = "a@example.com",
    source: Callable[[], Iterable[bytes]] | None = None,
    replayable: bool = True,
    **more: Any,
) -> Mail:
    """A mail with that content, cut into these chunks, or with what `source` gives each time it is read."""
    content = chunks or (CONTENT,)
    message = Octets(
        source or (lambda: content), size=None if source else sum(map(len, content)), replayable=replayable
    )
    return Mail(Message(), runtime, message=message, envelope=Envelope(from_, tuple(to)), **more)
