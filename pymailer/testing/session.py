"""One client's dialogue with the test server: enough of RFC 5321 for every client, and the failures to rehearse.

Knows commands and replies; keeps nothing but what the current transaction needs.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from pymailer.outcome import Outcome
from pymailer.results import Envelope
from pymailer.testing.received import ReceivedMessage

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pymailer.testing.server import SMTPServer

LINE_LIMIT: Final = 65_536
"""Octets of the longest line that is read."""
_EXTENSIONS: Final = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN")


class HungUpError(OSError):
    """The dialogue is over."""


class Session:
    """One dialogue.

    Args:
        server: Whose rules hold, and who keeps the messages.
        connection: The client; closed by whoever made it.
    """

    def __init__(self, server: SMTPServer, connection: socket.socket) -> None:
        self._server = server
        self._socket = connection
        self._input = connection.makefile("rb")
        self._from: str | None = None
        self._to: list[str] = []
        self._user: str | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "EHLO": self._ehlo,
            "HELO": lambda _: self._reply("250 at your service"),
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "AUTH": self._auth,
            "RSET": self._rset,
            "NOOP": lambda _: self._reply("250 2.0.0 ok"),
            "QUIT": self._quit,
        }

    def run(self) -> None:
        """Hold the dialogue to its end.

        Raises:
            OSError: The connection ended.
        """
        with self._input:
            if self._rehearses(Outcome.NOT_SENT):
                self._reply("421 4.3.2 rehearsed: not today")
                return
            self._reply("220 test server ready")
            while True:
                line = self._line()
                command = self._commands.get(line[:4].upper())
                if command is None:
                    self._reply("500 5.5.2 what?")
                else:
                    command(line[5:])

    def _rehearses(self, outcome: Outcome) -> bool:
        return self._server.fail_with == outcome

    def _line(self) -> str:
        line = self._input.readline(LINE_LIMIT)
        if not line.endswith(b"\n"):
            raise HungUpError("the client hung up")
        return line.rstrip(b"\r\n").decode("utf-8", "replace")

    def _reply(self, *lines: str) -> None:
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    # --- commands ----------------------------------------------------------------------------------------------------

    def _ehlo(self, _: str) -> None:
        lines = ["test server", *_EXTENSIONS]
        self._reply(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def _mail(self, argument: str) -> None:
        if self._server.users and self._user is None:
            return self._reply("530 5.7.0 log in first")
        self._from, self._to = _path(argument), []
        self._reply("250 2.1.0 ok")
        return None

    def _rcpt(self, argument: str) -> None:
        if self._from is None:
            return self._reply("503 5.5.1 MAIL first")
        if self._rehearses(Outcome.PARTIAL) and self._to:
            return self._reply("550 5.1.1 rehearsed: no such user")
        self._to.append(_path(argument))
        self._reply("250 2.1.5 ok")
        return None

    def _data(self, _: str) -> None:
        if self._from is None or not self._to:
            return self._reply("503 5.5.1 RCPT first")
        self._reply("354 go ahead")
        content = self._content()
        envelope = Envelope(self._from, self._to)
        self._from, self._to = None, []
        if self._rehearses(Outcome.REJECTED):
            return self._reply("554 5.7.1 rehearsed: not wanted")
        self._server.take(ReceivedMessage(envelope, content))
        if self._rehearses(Outcome.UNKNOWN):
            raise HungUpError("rehearsed: not a word about the message")
        self._reply(f"250 2.0.0 ok: queued as {len(self._server.messages)}")
        return None

    def _content(self) -> bytes:
        lines: list[bytes] = []
        while (line := self._input.readline()) != b".\r\n":
            if not line:
                raise HungUpError("the client hung up in the middle of a message")
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _rset(self, _: str) -> None:
        self._from, self._to = None, []
        self._reply("250 2.0.0 ok")

    def _quit(self, _: str) -> None:
        self._reply("221 2.0.0 bye")
        raise HungUpError("the client said goodbye")

    # --- logging in --------------------------------------------------------------------------------------------------

    def _auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() == "PLAIN":
            answer = initial or self._ask("")
            _, user, password = (*_decoded(answer).split("\0"), "", "", "")[:3]
        elif mechanism.upper() == "LOGIN":
            user = _decoded(initial or self._ask("VXNlcm5hbWU6"))
            password = _decoded(self._ask("UGFzc3dvcmQ6"))
        else:
            return self._reply("504 5.5.4 PLAIN or LOGIN")
        if self._server.users and self._server.users.get(user) != password:
            return self._reply("535 5.7.8 wrong user or password")
        self._user = user
        self._server.logins.append(user)
        self._reply("235 2.7.0 welcome")
        return None

    def _ask(self, challenge: str) -> str:
        self._reply(f"334 {challenge}")
        return self._line()


def _path(argument: str) -> str:
    """The address in ``FROM:<a@b.example> SIZE=1``."""
    return argument.partition("<")[2].partition(">")[0]


def _decoded(text: str) -> str:
    try:
        return b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return ""
