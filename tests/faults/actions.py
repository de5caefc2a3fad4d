"""What a server can do at a moment of the conversation: the verbs of the script language.

An action is any callable that takes the conversation; these are the ones with names. Those that end the conversation
raise `HungUp`. Knows conversations; must not know when it is called (that is `tests.faults.rules`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.faults.record import PATIENCE
from tests.faults.wire import HungUp

if TYPE_CHECKING:
    import ssl

    from tests.faults.conversation import Conversation

Action = Callable[["Conversation"], None]


class Gate:
    """Where a conversation waits until the test lets it go on; opens by itself when the server is closed."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def wait_for_arrival(self, timeout: float = PATIENCE) -> None:
        """Block until a conversation stands at the gate."""
        assert self._arrived.wait(timeout), f"no conversation came to the gate within {timeout} s"

    def pass_through(self) -> None:
        self._arrived.set()
        self._open.wait()


# --- saying something ---


def reply(*lines: str) -> Action:
    """Say these lines, each with CRLF: `reply("250-first", "250 last")`."""
    return lambda conversation: conversation.reply(*lines)


def send(data: bytes) -> Action:
    """Send these octets as they are."""
    return lambda conversation: conversation.wire.send(data)


def trickle(*lines: str, pause: float) -> Action:
    """Say these lines octet by octet, with `pause` seconds before each."""

    def act(conversation: Conversation) -> None:
        for octet in "".join(f"{line}\r\n" for line in lines).encode():
            conversation.pause(pause)
            conversation.wire.send(bytes([octet]))

    return act


def endless(line: str) -> Action:
    """Say this line until the client hangs up."""

    def act(conversation: Conversation) -> None:
        block = f"{line}\r\n".encode() * 100
        while True:
            conversation.wire.send(block)

    return act


def proceed(conversation: Conversation) -> None:
    """Do what a correct server does at this moment."""
    conversation.proceed()


def silence(conversation: Conversation) -> None:
    """Say nothing, and listen on."""


# --- waiting ---


def delay(seconds: float) -> Action:
    """Let time pass."""
    return lambda conversation: conversation.pause(seconds)


def hold(gate: Gate) -> Action:
    """Wait until the test opens the gate."""
    return lambda conversation: conversation.hold(gate)


def stall(conversation: Conversation) -> None:
    """Neither read nor write until the server is closed; the client's window fills."""
    conversation.stall()


def hear(conversation: Conversation) -> None:
    """Read one line, whatever it says."""
    conversation.line()


# --- what becomes of the message ---


def commit(conversation: Conversation) -> None:
    """Take responsibility for the message; saying so is another matter."""
    conversation.commit()


def commit_for(*recipients: str) -> Action:
    """Take responsibility for some of the recipients."""
    return lambda conversation: conversation.commit(*recipients)


# --- TLS ---


def upgrade(context: ssl.SSLContext) -> Action:
    """Shake hands with this context instead of the server's own."""
    return lambda conversation: conversation.wire.upgrade(context)


# --- ends ---


def drop(conversation: Conversation) -> None:
    """Close (FIN)."""
    conversation.wire.drop()
    raise HungUp


def reset(conversation: Conversation) -> None:
    """Close the hard way (RST)."""
    conversation.wire.reset()
    raise HungUp


def half_close(conversation: Conversation) -> None:
    """Send FIN, but read and forget what still comes, so that the client's writes succeed."""
    conversation.wire.half_close()
    raise HungUp
