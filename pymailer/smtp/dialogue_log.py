"""What is said on one connection, told to whoever listens: the ``"log"`` event and the logger, when `debug` is on.

Secrets never come here: whoever writes a line that holds one says what is to be shown instead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pymailer.outcome import Reply

_LONGEST: Final = 1024
"""Characters of one entry; a server may not fill the log."""


class DialogueLog:
    """The log of one connection, with its id in every entry."""

    def __init__(self, logger: Any, cid: str, on: bool, emit: Callable[..., None]) -> None:
        self.on = on
        self._logger = logger
        self._cid = cid
        self._emit = emit

    def client(self, text: str) -> None:
        """What we say."""
        self._write("client", text)

    def command(self, line: bytes) -> None:
        """The same, as it goes on the wire."""
        self.client(line.decode("utf-8", "backslashreplace").rstrip())

    def server(self, reply: Reply) -> None:
        """What the server says; the parser has escaped what a terminal might obey."""
        self._write("server", str(reply))

    def connection(self, text: str) -> None:
        """What happens around the dialogue."""
        if self.on:
            self._write("connection", text)

    def _write(self, kind: str, text: str) -> None:
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}… ({len(text)} characters)"
        self._emit("log", {"type": kind, "message": text, "cid": self._cid})
        self._logger.log(
            logging.DEBUG, "%s %s: %s", self._cid, kind, text, extra={"cid": self._cid, "kind": kind, "text": text}
        )
