"""One connection as a script sees it: what was said so far, and the ways to answer.

Knows the wire, the record and the transaction in progress; it must not know which command deserves which reply
(`tests.faults.dialogue`), nor which rules there are.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable

from tests.faults.actions import Action, Gate
from tests.faults.record import Body, Commit, Line, Login, Record
from tests.faults.rules import Moment, Rule, Rules
from tests.faults.settings import Settings
from tests.faults.wire import HungUp, Wire


class Conversation:
    """What an action is given.

    Attributes:
        number: Of the connection, from 1.
        at_once: How many connections were open when it came, itself among them.
        message: The number of the message in progress or done last, from 1.
        heard: The command line in progress.
        sender: The reverse path, once MAIL was accepted.
        recipients: The forward paths that were accepted.
        parameters: Those of MAIL.
        content: The body so far; without its stuffed dots once it is complete.
    """

    def __init__(self, wire: Wire, number: int, at_once: int, record: Record, rules: Rules, settings: Settings) -> None:
        self.wire = wire
        self.number = number
        self.at_once = at_once
        self.record = record
        self.settings = settings
        self.message = 0
        self.heard = ""
        self.closing = threading.Event()
        self.rules = rules
        self._gates: list[Gate] = []
        self._default: Action | None = None
        self.forget()

    def forget(self) -> None:
        """Begin a new transaction."""
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.parameters: tuple[str, ...] = ()
        self.content = bytearray()

    # --- the script's turn ---

    def moment(self, name: str, default: Action, *, text: str = "", asked: set[Rule] | None = None) -> None:
        """Do what the script says about this moment, or else the default."""
        moment = Moment(name, self.number, self.message, text, len(self.content))
        self.heard = text or self.heard
        rule = self.rules.at(moment, set() if asked is None else asked)
        self._default = default
        for action in rule.actions if rule else (default,):
            action(self)

    def proceed(self) -> None:
        assert self._default
        self._default(self)

    # --- speaking and listening ---

    def reply(self, *lines: str) -> None:
        self.wire.send("".join(f"{line}\r\n" for line in lines).encode())

    def line(self) -> str:
        text = self.wire.line().decode("utf-8", "backslashreplace")
        self.record.add(Line(text, self.number))
        return text

    def challenge(self, data: bytes = b"") -> bytes | None:
        """Ask for the next SASL response (RFC 4954); `None` if the client gave up or wrote nonsense."""
        self.reply(f"334 {base64.b64encode(data).decode()}")
        return decoded(self.line())

    # --- waiting ---

    def pause(self, seconds: float) -> None:
        if self.closing.wait(seconds):
            raise HungUp

    def stall(self) -> None:
        self.closing.wait()
        raise HungUp

    def hold(self, gate: Gate) -> None:
        self._gates.append(gate)
        if not self.closing.is_set():
            gate.pass_through()
        if self.closing.is_set():
            raise HungUp

    def abort(self) -> None:
        """Wake this conversation from another thread, wherever it waits, and end it."""
        self.closing.set()
        for gate in list(self._gates):
            gate.open()
        self.wire.abort()

    # --- what is seen ---

    def commit(self, *recipients: str) -> None:
        content = bytes(self.content)
        self.record.add(
            Commit(self.sender or "", recipients or tuple(self.recipients), content, self.parameters, self.number)
        )

    def login(self, mechanism: str, user: str, *, accepted: bool) -> None:
        self.record.add(Login(mechanism, user, accepted, self.number))

    def body(self, *, complete: bool) -> None:
        self.record.add(Body(bytes(self.content), self.number, complete))

    def violation(self, text: str) -> None:
        self.record.violation(f"connection {self.number}: {text}")


def decoded(text: str) -> bytes | None:
    """The octets of a base64 line; `None` if it is not one."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


Dialogue = Callable[[Conversation], None]
