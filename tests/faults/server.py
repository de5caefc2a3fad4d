"""A server on loopback: one thread that accepts, one for each conversation, all joined when it is closed.

Knows threads and sockets; what is said is the dialogue's business. Works for clients of any colour, since it runs in
threads of its own.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from types import TracebackType
from typing import Any, Self

from tests.faults.conversation import Conversation, Dialogue
from tests.faults.dialogue import correct
from tests.faults.record import Record
from tests.faults.rules import Rule, Rules
from tests.faults.settings import Settings
from tests.faults.wire import HungUp, Wire


class FaultServer(Record):
    """A server that does what a script says, and records what it saw (it is its own `Record`).

    Args:
        rules: Where it departs from a correct server (`on`, `at`); the first that fits a moment counts.
        host: The loopback address to listen on.
        port: The port; 0 lets the system choose.
        dialogue: Who holds the conversations: a correct server that heeds `rules`, or a transcript's `play`.
        settings: What the correct server offers: see `Settings`.
    """

    def __init__(
        self, *rules: Rule, host: str = "127.0.0.1", port: int = 0, dialogue: Dialogue = correct, **settings: Any
    ) -> None:
        super().__init__()
        self.settings = Settings(**settings)
        self.failures: list[BaseException] = []
        self._rules = Rules(rules)
        self._dialogue = dialogue
        self._conversations: list[Conversation] = []
        self._threads: list[threading.Thread] = []
        self._listener = _listener(host, port, self.settings.receive_buffer)
        self.host, self.port = self._listener.getsockname()[:2]
        self._wake, self._woken = socket.socketpair()
        self._closed = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name=f"fault server {self.port}")
        self._acceptor.start()

    def script(self, *rules: Rule) -> None:
        """From now on, also in the conversations that are open: these rules and no others."""
        self._rules = Rules(rules)
        for conversation in list(self._conversations):
            conversation.rules = self._rules

    @property
    def open(self) -> int:
        """How many connections neither side has closed."""
        return sum(conversation.wire.is_open() for conversation in list(self._conversations))

    # --- the threads ---

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._woken], [], [])
            if self._woken in ready:
                return
            with contextlib.suppress(OSError):  # the client has gone again
                sock, _ = self._listener.accept()
                self._begin(Wire(sock))

    def _begin(self, wire: Wire) -> None:
        at_once = self.open + 1
        number = self.connected(at_once)
        conversation = Conversation(wire, number, at_once, self, self._rules, self.settings)
        self._conversations.append(conversation)
        thread = threading.Thread(target=self._converse, args=(conversation,), name=f"conversation {number}")
        self._threads.append(thread)
        thread.start()

    def _converse(self, conversation: Conversation) -> None:
        try:
            self._dialogue(conversation)
        except (HungUp, ssl.SSLError, OSError):
            pass  # an ordinary end of a conversation here
        except BaseException as error:  # a fault of the script, not in it: the test shall see it
            self.failures.append(error)
        finally:
            conversation.wire.close()
            self.disconnected(conversation.number)

    # --- the end ---

    def hang_up(self) -> None:
        """End every conversation that is open, as a server does that restarts; go on accepting."""
        for conversation in list(self._conversations):
            conversation.abort()

    def close(self) -> None:
        """End all conversations and threads.

        Raises:
            ExceptionGroup: A script itself failed.
        """
        if self._closed.is_set():
            return
        self._closed.set()
        self._wake.close()
        self._acceptor.join()
        self._woken.close()
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise BaseExceptionGroup("the script of a fault server failed", self.failures)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _listener(host: str, port: int, receive_buffer: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener
