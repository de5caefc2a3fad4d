"""Words for "was it sent?": the outcome of a send, the stage it reached, and a server's reply.

Knows nothing of sockets, messages or errors; everything else may use these words.
"""

from __future__ import annotations

from enum import StrEnum

import attrs


class Outcome(StrEnum):
    """The answer to "was it sent?"."""

    ACCEPTED = "accepted"
    """A final 2xx was read for every recipient."""
    PARTIAL = "partial"
    """Some recipients were refused, the rest accepted."""
    REJECTED = "rejected"
    """The server said no (4xx or 5xx) and holds nothing."""
    NOT_SENT = "not_sent"
    """Proved: the server cannot hold the message."""
    UNKNOWN = "unknown"
    """The end of the message may have reached the server and no final reply was read."""


class Stage(StrEnum):
    """Where in a delivery something happened, in the order of a delivery."""

    QUEUE = "queue"
    DNS = "dns"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    FINAL = "final"


@attrs.frozen
class Reply:
    """One complete reply of a server (RFC 5321 4.2).

    Attributes:
        code: The three digits, 200 to 599.
        enhanced: The enhanced status code (RFC 3463) of the first line, such as ``"5.1.1"``, or ``None``.
        lines: The text of each line, without the code, escaped where it was not printable.
    """

    code: int
    enhanced: str | None = None
    lines: tuple[str, ...] = ()

    @property
    def positive(self) -> bool:
        """Whether the server said yes, or "go on" (2xx, 3xx)."""
        return self.code < 400

    @property
    def temporary(self) -> bool:
        """Whether the server asks to try again later (4xx)."""
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return " ".join((str(self.code), "\n".join(self.lines))).rstrip()
