"""What the server saw: each line, body, login and connection, and which messages it holds.

Knows no socket and no script. `commits` is the truth that a client cannot see: a message is in it exactly when the
server took responsibility for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import attrs

PATIENCE = 10.0
"""Seconds after which waiting for the server to see something is a failure."""


@attrs.frozen
class Line:
    """A command, or another line of the dialogue, as it was heard; `at` is on the clock of `time.monotonic`."""

    text: str
    connection: int
    at: float = attrs.field(factory=time.monotonic)


@attrs.frozen
class Body:
    """The octets of a message as they came over the wire; `complete` once its end was read."""

    content: bytes = attrs.field(repr=False)
    connection: int
    complete: bool
    at: float = attrs.field(factory=time.monotonic)


@attrs.frozen
class Commit:
    """A message that the server holds: dots removed, as it would lie in a mailbox."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes = attrs.field(repr=False)
    parameters: tuple[str, ...]
    connection: int
    at: float = attrs.field(factory=time.monotonic)


@attrs.frozen
class Login:
    """One attempt to authenticate."""

    mechanism: str
    user: str
    accepted: bool
    connection: int
    at: float = attrs.field(factory=time.monotonic)


@attrs.define(eq=False)
class Record:
    """Grows while the server runs; `wait_until` is how a test waits for it."""

    lines: list[Line] = attrs.field(factory=list)
    bodies: list[Body] = attrs.field(factory=list)
    commits: list[Commit] = attrs.field(factory=list)
    logins: list[Login] = attrs.field(factory=list)
    greeted: list[float] = attrs.field(factory=list)
    """When each connection was accepted."""
    closed: list[int] = attrs.field(factory=list)
    """Numbers of the connections that ended."""
    most_at_once: int = 0
    violations: list[str] = attrs.field(factory=list)
    """What a strict server would have refused: early talk, bare line ends, undeclared eight-bit content."""
    _changed: threading.Condition = attrs.field(factory=threading.Condition, repr=False)

    @property
    def opened(self) -> int:
        """How many connections were accepted."""
        return len(self.greeted)

    def add(self, entry: Line | Body | Commit | Login) -> None:
        kinds = {Line: self.lines, Body: self.bodies, Commit: self.commits, Login: self.logins}
        with self._changed:
            kinds[type(entry)].append(entry)
            self._changed.notify_all()

    def connected(self, at_once: int) -> int:
        """Count a connection, one of `at_once` that are open; its number, from 1."""
        with self._changed:
            self.greeted.append(time.monotonic())
            self.most_at_once = max(self.most_at_once, at_once)
            self._changed.notify_all()
            return len(self.greeted)

    def disconnected(self, connection: int) -> None:
        with self._changed:
            self.closed.append(connection)
            self._changed.notify_all()

    def violation(self, text: str) -> None:
        with self._changed:
            self.violations.append(text)

    def heard(self, prefix: str = "", connection: int | None = None) -> list[str]:
        """The lines that begin with `prefix`, in any case, of one connection or of all."""
        return [
            line.text
            for line in list(self.lines)
            if line.text.upper().startswith(prefix.upper()) and connection in (None, line.connection)
        ]

    def wait_until(self, condition: Callable[[], object], timeout: float = PATIENCE) -> None:
        """Block until `condition()` holds; it is asked again whenever something was seen.

        Raises:
            AssertionError: It did not hold within `timeout` seconds.
        """
        with self._changed:
            assert self._changed.wait_for(condition, timeout), f"not seen within {timeout} s; seen: {self}"

    def wait_for(self, prefix: str, count: int = 1, timeout: float = PATIENCE) -> None:
        """Block until `count` lines that begin with `prefix` were heard."""
        self.wait_until(lambda: len(self.heard(prefix)) >= count, timeout)
