"""A transport that notes all that a mailer does with it, and does what its test wants.

Stands for any transport of a third party; knows the plugin contract.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from pymailer import CloseReport, Mail, SentMessageInfo
from pymailer.runtime import maybe_await


@attrs.define(eq=False)
class Recorder:
    """Every optional method is there.

    Attributes:
        sending: Called with each mail before it is taken; may be async, wait or raise.
        mails: What was taken.
        calls: Everything else that was asked of it.
        report: What `close` says.
    """

    sending: Callable[[Mail], Any] = lambda mail: None
    mails: list[Mail] = attrs.field(factory=list)
    contents: list[bytes] = attrs.field(factory=list)
    calls: list[Any] = attrs.field(factory=list)
    listeners: list[tuple[str, Callable[..., object]]] = attrs.field(factory=list)
    report: CloseReport = attrs.field(factory=CloseReport)
    name: str = "Recorder"
    version: str = "1"

    async def send(self, mail: Mail) -> SentMessageInfo:
        await maybe_await(self.sending(mail))
        content = b"".join([chunk async for chunk in mail.message.chunks(mail.runtime)])
        self.mails.append(mail)
        self.contents.append(content)
        return taken(mail, len(content))

    def verify(self, runtime: Any) -> bool:
        self.calls.append("verify")
        return True

    def close(self, runtime: Any, *, drain: bool, timeout: float | None) -> CloseReport:
        self.calls.append(("close", drain, timeout))
        return self.report

    def is_idle(self) -> bool:
        return not self.mails

    def on(self, event: str, callback: Callable[..., object]) -> Callable[[], None]:
        entry = (event, callback)
        self.listeners.append(entry)
        return lambda: self.listeners.remove(entry)

    def tell(self, event: str, *arguments: object) -> None:
        """Have an event happen."""
        for name, callback in list(self.listeners):
            if name == event:
                callback(*arguments)


def taken(mail: Mail, size: int = 0) -> SentMessageInfo:
    """The result for a message that all its recipients get."""
    return SentMessageInfo(mail.envelope, mail.message_id, accepted=mail.envelope.to, message_size=size)


@attrs.define(eq=False)
class Bare:
    """The least that a transport can be: a plain `send`."""

    mails: list[Mail] = attrs.field(factory=list)
    name: str = "Bare"
    version: str = "1"

    def send(self, mail: Mail) -> SentMessageInfo:
        self.mails.append(mail)
        return taken(mail, len(mail.message.as_bytes()))
