"""What kind of correct server stands behind the faults: its extensions, users and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import ssl

EXTENSIONS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN")


@attrs.frozen
class Settings:
    """How the server behaves where no rule says otherwise.

    Attributes:
        extensions: EHLO keywords; STARTTLS and AUTH come by themselves, with `tls` and `users`.
        users: Passwords (or OAuth2 tokens) by name; with any, AUTH is offered.
        mechanisms: What AUTH offers.
        require_auth: Refuse MAIL before a login (530).
        tls: The server's side of TLS (see `tests.faults.certificates`); with it STARTTLS is offered.
        implicit_tls: Speak TLS from the first octet.
        lmtp: Speak LMTP.
        limit: More open connections than this are greeted with 421.
        receive_buffer: Octets of the kernel's receive buffer; a small one makes a stalled body stall soon.
    """

    extensions: tuple[str, ...] = attrs.field(default=EXTENSIONS, converter=tuple)
    users: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    mechanisms: tuple[str, ...] = attrs.field(default=("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"), converter=tuple)
    require_auth: bool = False
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    lmtp: bool = False
    limit: int | None = None
    receive_buffer: int | None = None

    def offers(self, keyword: str) -> bool:
        """Whether an extension is offered, whatever its parameters."""
        return any(line.split()[0] == keyword for line in self.extensions)

    @property
    def size(self) -> int:
        """The largest message taken; 0 for any."""
        sizes = [line.split()[1] for line in self.extensions if line.startswith("SIZE ")]
        return int(sizes[0]) if sizes else 0
