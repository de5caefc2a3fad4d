"""What the pool needs of a connection: `pymailer.smtp.connection.Connection` fits, and so does a fake in a test.

Knows the shape only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail


class Capabilities(Protocol):
    """What the server said it can do."""

    @property
    def mailmax(self) -> int | None:
        """Messages it takes over one connection (RFC 9422 4.1), if it said so."""
        ...


class Connection(Protocol):
    """One connection to the server, opened once, lent to one message at a time.

    Attributes:
        id: How logs and results call it.
        messages: How many messages were begun over it.
        usable: Whether it may carry another; ``False`` from birth, and for good once something went wrong.
    """

    @property
    def id(self) -> str: ...  # noqa: D102

    @property
    def messages(self) -> int: ...  # noqa: D102

    @property
    def usable(self) -> bool: ...  # noqa: D102

    @property
    def capabilities(self) -> Capabilities:
        """What the server offers."""
        ...

    async def open(self, runtime: Runtime, deadline: float | None = None) -> None:
        """Connect and log in; after an error it is closed."""
        ...

    async def send(self, runtime: Runtime, mail: Mail) -> SentMessageInfo:
        """Send one message; after an error `usable` says whether another may follow."""
        ...

    def stale(self) -> bool:
        """Whether the server hung up, or said something unasked, while nobody used it."""
        ...

    async def quit(self, runtime: Runtime, deadline: float | None = None) -> None:
        """Say goodbye and close."""
        ...

    def close(self) -> None:
        """Close at once, without a word."""
        ...


Connect = Callable[[], Connection]
"""Makes a connection that is not open yet."""
