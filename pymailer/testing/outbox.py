"""A transport for tests of applications: it keeps what would have been sent, ready to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pymailer.__about__ import __version__
from pymailer.testing.received import ReceivedMessage
from pymailer.transports.in_memory import MemoryTransport

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail
    from pymailer.transports.rehearsal import Failure


class Outbox:
    """Takes every message, or fails with `fail_with`; a sequence of what it took.

    Args:
        fail_with: An error to raise, or the outcome to rehearse: ``"rejected"``, ``"not_sent"``, ``"unknown"``, or
            ``"partial"``, which refuses all recipients but the first. It may be changed at any time.

    Raises:
        ConfigError: `fail_with` is neither an error nor an outcome.
    """

    name = "Outbox"
    version: str = __version__

    def __init__(self, fail_with: Failure = None) -> None:
        self._memory = MemoryTransport(fail_with)

    def __repr__(self) -> str:
        return f"<Outbox: {self._listing()}>"

    def _listing(self) -> str:
        return "; ".join(map(str, self)) or "nothing was sent"

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Keep one message.

        Raises:
            Exception: What `fail_with` says.
        """
        return await self._memory.send(mail)

    @property
    def fail_with(self) -> Failure:
        """What happens instead of sending."""
        return self._memory.fail_with

    @fail_with.setter
    def fail_with(self, value: Failure) -> None:
        self._memory.fail_with = value

    @property
    def messages(self) -> list[ReceivedMessage]:
        """What was sent, in its order."""
        return [ReceivedMessage(each.envelope, each.content) for each in self._memory.messages]

    def clear(self) -> None:
        """Forget all messages."""
        self._memory.clear()

    def __len__(self) -> int:
        return len(self._memory.messages)

    def __iter__(self) -> Iterator[ReceivedMessage]:
        return iter(self.messages)

    def __getitem__(self, index: int) -> ReceivedMessage:
        return self.messages[index]

    @property
    def only(self) -> ReceivedMessage:
        """The one message that was sent.

        Raises:
            AssertionError: There is none, or more than one; says what there is.
        """
        if len(self) != 1:
            raise AssertionError(f"expected one message, and there are {len(self)}: {self._listing()}")
        return self[0]

    @property
    def last(self) -> ReceivedMessage:
        """The message that was sent last.

        Raises:
            AssertionError: Nothing was sent.
        """
        if not len(self):
            raise AssertionError("expected a message, and nothing was sent")
        return self[-1]

    def to(self, recipient: str) -> list[ReceivedMessage]:
        """The messages that went to `recipient`, openly or not."""
        return [message for message in self if recipient in message.recipients]
