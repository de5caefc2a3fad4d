"""What a client has to do in one scenario, and what it tells: the contract between the scenarios and the clients.

A client is a program. It gets its task as JSON in its first argument and prints one line of JSON for each message as
that settles: `number`, `ok`, `code`, `text`, `outcome`. What has no line when the time is over has not settled.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Self

import attrs

REFUSED = "refused-{}@example.org"
TAKEN = "taken-{}@example.org"


@attrs.frozen(kw_only=True)
class Task:
    """One scenario, as a client sees it.

    Attributes:
        port: Where the server listens on 127.0.0.1.
        sends: How many messages.
        together: Hand them all over at once; else one after the other.
        connections: How many connections the client may open.
        user: Name to authenticate with; empty for none.
        password: What it believes to be the password.
        rate_limit: Messages a second that the client is told not to exceed; 0 for none.
        socket_timeout: Seconds the client is told to wait for a reply.
        refused_every: Every so many messages go to a recipient whom the server refuses.
        pause: Seconds between two messages.
        close_after: Seconds after which the client is closed while it sends.
        send_after_close: Close the client first.
        patience: Seconds after which the client is ended.
    """

    port: int = 0
    sends: int = 1
    together: bool = False
    connections: int = 5
    user: str = ""
    password: str = ""
    rate_limit: int = 0
    socket_timeout: float = 5.0
    refused_every: int = 0
    pause: float = 0.0
    close_after: float = 0.0
    send_after_close: bool = False
    patience: float = 15.0

    @classmethod
    def from_argument(cls) -> Self:
        """The task that this program was started with."""
        return cls(**json.loads(sys.argv[1]))

    def as_argument(self) -> str:
        return json.dumps(attrs.asdict(self))

    def recipient(self, number: int) -> str:
        refused = self.refused_every and number % self.refused_every == 0
        return (REFUSED if refused else TAKEN).format(number)


class Diary:
    """Prints what became of each message."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def sent(self, number: int, text: str, outcome: str = "") -> None:
        self._print(number=number, ok=True, code="", text=text, outcome=outcome)

    def failed(self, number: int, error: BaseException, code: str = "", outcome: str = "") -> None:
        self._print(number=number, ok=False, code=code or type(error).__name__, text=str(error), outcome=outcome)

    def _print(self, **entry: Any) -> None:
        print(json.dumps({**entry, "at": time.perf_counter() - self._began}), flush=True)
