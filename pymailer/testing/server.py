"""A real SMTP server in the same process, for tests of applications: it takes messages on loopback and keeps them.

Knows threads and sockets; the dialogue is `session`'s business. All its threads are joined when it is closed.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pymailer.testing.session import Session
from pymailer.transports.rehearsal import checked_failure

if TYPE_CHECKING:
    from pymailer.outcome import Outcome
    from pymailer.testing.received import ReceivedMessage

PATIENCE = 10.0
"""Seconds that `wait_for` waits at most, unless told otherwise."""


class SMTPServer:
    """Listens from the beginning; a context manager.

    Args:
        fail_with: The outcome to rehearse: ``"rejected"`` refuses each message for good, ``"not_sent"`` turns each
            client away, ``"unknown"`` takes the message and hangs up without a word, ``"partial"`` refuses all
            recipients but the first. It may be changed at any time.
        users: Passwords by name. With any, a login is required; otherwise every login is accepted.

    Attributes:
        host: Where it listens.
        port: On which port.
        messages: What was taken, in its order.
        logins: The names of those who logged in.

    Raises:
        ConfigError: `fail_with` is no outcome.
    """

    def __init__(self, *, fail_with: Outcome | str | None = None, users: Mapping[str, str] | None = None) -> None:
        self.fail_with = fail_with
        self.users: dict[str, str] = dict(users or {})
        self.messages: list[ReceivedMessage] = []
        self.logins: list[str] = []
        self._changed = threading.Condition()
        self._closed = False
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host: str
        self.port: int
        self.host, self.port = self._listener.getsockname()[:2]
        self._threads = [threading.Thread(target=self._accept, name=f"smtp server {self.port}", daemon=True)]
        self._threads[0].start()

    def __repr__(self) -> str:
        return f"<SMTPServer {self.url}, {len(self.messages)} messages>"

    @property
    def fail_with(self) -> Outcome | str | None:
        """Which outcome is rehearsed."""
        return self._fail_with

    @fail_with.setter
    def fail_with(self, value: Outcome | str | None) -> None:
        checked_failure(value)
        self._fail_with = value

    @property
    def url(self) -> str:
        """What `create_transport` takes."""
        return f"smtp://{self.host}:{self.port}"

    @property
    def only(self) -> ReceivedMessage:
        """The one message that was taken.

        Raises:
            AssertionError: There is none, or more than one; says what there is.
        """
        if len(self.messages) != 1:
            listing = "; ".join(map(str, self.messages)) or "nothing was sent"
            raise AssertionError(f"expected one message, and there are {len(self.messages)}: {listing}")
        return self.messages[0]

    def wait_for(self, count: int, timeout: float = PATIENCE) -> list[ReceivedMessage]:
        """The messages, once there are `count` of them: for an application that sends in the background.

        Raises:
            AssertionError: There are fewer after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.messages) >= count, timeout):
                raise AssertionError(
                    f"expected {count} messages within {timeout} s, and there are {len(self.messages)}"
                )
            return list(self.messages)

    def take(self, message: ReceivedMessage) -> None:
        """Keep a message that a session was given."""
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all messages and logins."""
        with self._changed:
            self.messages.clear()
            self.logins.clear()

    # --- threads -----------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with self._changed:
                if self._closed:
                    connection.close()
                    return
                self._open.add(connection)
                self._start(self._serve, connection)

    def _start(self, target: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(connection,), name=f"smtp session {self.port}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            Session(self, connection).run()
        except OSError:  # the client, or the end of the test, hung up
            pass
        finally:
            with self._changed:
                self._open.discard(connection)
                connection.close()

    def close(self) -> None:
        """Hang up on everybody and stop; a second call is harmless."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # gone already
                    pass
        socket.create_connection((self.host, self.port)).close()  # one more client, for the thread that accepts to see
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
