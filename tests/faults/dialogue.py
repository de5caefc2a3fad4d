"""A correct and strict SMTP or LMTP server (RFC 5321, RFC 2033), which asks the script at every moment.

Knows which command deserves which reply. It must not know what the script does instead, nor threads and sockets.
"""

from __future__ import annotations

import re

from tests.faults.actions import drop
from tests.faults.conversation import Conversation
from tests.faults.sasl import authenticate
from tests.faults.wire import HungUp

_LAST_OF_A_GROUP = {"EHLO", "HELO", "LHLO", "DATA", "STARTTLS", "AUTH", "NOOP", "VRFY", "QUIT"}
"""After these a client must wait for the reply even with PIPELINING (RFC 2920 3.1)."""
_PATH = re.compile(r"(?:FROM|TO):<([^>]*)>(?: (.*))?", re.IGNORECASE)


def correct(conversation: Conversation) -> None:
    """Hold the whole conversation."""
    Server(conversation).run()


class Server:
    """The protocol's state on one connection."""

    def __init__(self, conversation: Conversation) -> None:
        self.talk = conversation
        self.settings = conversation.settings
        self.greeted = False
        self.authenticated = False
        self.chunking = False

    def run(self) -> None:
        if self.settings.implicit_tls:
            self.talk.moment("handshake", self.handshake)
        self.talk.moment("greeting", self.greeting)
        while True:
            self.command(self.talk.line())

    def command(self, text: str) -> None:
        verb, _, argument = text.partition(" ")
        verb = verb.upper()
        self.watch_for_early_talk(verb)
        if verb == "MAIL" and self.talk.sender is None:
            self.talk.message += 1
        handle = getattr(self, verb.lower() + "_", None) if verb.isalpha() else None
        name = "ehlo" if verb in {"HELO", "LHLO"} else verb.lower()
        self.talk.moment(name, lambda _: handle(argument) if handle else self.unknown(), text=text)

    def watch_for_early_talk(self, verb: str) -> None:
        if verb == "BDAT":  # its octets follow at once (RFC 3030 2)
            return
        if not self.settings.offers("PIPELINING") or verb in _LAST_OF_A_GROUP:
            early = self.talk.wire.early()
            if early:
                self.talk.violation(f"{early[:60]!r} was sent before the reply to {verb}")

    def unknown(self) -> None:
        self.talk.reply("500 5.5.2 Command not recognised")

    # --- before the first message ---

    def greeting(self, _: Conversation) -> None:
        if self.settings.limit is not None and self.talk.at_once > self.settings.limit:
            self.talk.reply("421 4.7.0 Too many connections, try again later")
            drop(self.talk)
        self.talk.reply("220 fault.test ESMTP")

    def handshake(self, _: Conversation) -> None:
        assert self.settings.tls, "TLS was asked for, but the server has no certificate"
        self.talk.wire.upgrade(self.settings.tls)

    def ehlo_(self, _: str) -> None:
        if self.settings.lmtp:
            self.talk.reply("500 5.5.1 This is LMTP: say LHLO")  # RFC 2033 4.1
        else:
            self.capabilities()

    def lhlo_(self, _: str) -> None:
        if self.settings.lmtp:
            self.capabilities()
        else:
            self.unknown()

    def helo_(self, _: str) -> None:
        self.greeted = True
        self.talk.reply("250 fault.test")

    def capabilities(self) -> None:
        self.greeted = True
        self.talk.forget()
        keywords = list(self.settings.extensions)
        if self.settings.tls and not self.talk.wire.secure:
            keywords.append("STARTTLS")
        if self.settings.users:
            keywords.append(" ".join(["AUTH", *self.settings.mechanisms]))
        lines = ["fault.test", *keywords]
        self.talk.reply(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def starttls_(self, _: str) -> None:
        if not self.settings.tls or self.talk.wire.secure:
            self.talk.reply("502 5.5.1 STARTTLS is not available")
            return
        self.talk.reply("220 2.0.0 Ready")
        self.talk.moment("handshake", self.handshake)
        self.greeted = self.authenticated = False  # RFC 3207 4.2: all that was said before is forgotten

    def auth_(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        verdict = authenticate(self.talk, mechanism.upper(), initial or None)
        if verdict is None:
            self.talk.reply("501 5.5.2 Authentication was cancelled or cannot be decoded")
        else:
            self.talk.moment("login", lambda _: self.login(mechanism.upper(), *verdict))

    def login(self, mechanism: str, user: str, accepted: bool) -> None:
        self.authenticated = accepted
        self.talk.login(mechanism, user, accepted=accepted)
        self.talk.reply("235 2.7.0 Welcome" if accepted else "535 5.7.8 User name or password is wrong")

    # --- a transaction ---

    def mail_(self, argument: str) -> None:
        path = _PATH.fullmatch(argument)
        parameters = tuple(((path and path[2]) or "").split())
        refusal = self.refusal_of_mail(path, parameters)
        if not refusal:
            self.talk.sender, self.talk.parameters = path[1], parameters
        self.talk.reply(refusal or "250 2.1.0 Ok")

    def refusal_of_mail(self, path: re.Match[str] | None, parameters: tuple[str, ...]) -> str | None:
        if not self.greeted or self.talk.sender is not None:
            return "503 5.5.1 Not now"
        if self.settings.require_auth and not self.authenticated:
            return "530 5.7.0 Authentication required"
        if path is None:
            return "501 5.1.7 Bad sender address syntax"
        size = next((int(value[5:]) for value in parameters if value.upper().startswith("SIZE=")), 0)
        return "552 5.3.4 Message is too big" if 0 < self.settings.size < size else None

    def rcpt_(self, argument: str) -> None:
        path = _PATH.fullmatch(argument)
        if self.talk.sender is None:
            self.talk.reply("503 5.5.1 MAIL first")
        elif path is None or not path[1]:
            self.talk.reply("501 5.1.3 Bad recipient address syntax")
        else:
            self.talk.recipients.append(path[1])
            self.talk.reply("250 2.1.5 Ok")

    def data_(self, _: str) -> None:
        if not self.talk.recipients:
            self.talk.reply("554 5.5.1 No valid recipients")
            return
        self.talk.reply("354 End data with <CR><LF>.<CR><LF>")
        read_dotted(self.talk)
        self.settle()

    def bdat_(self, argument: str) -> None:
        size, _, last = argument.partition(" ")
        self.read_chunk(int(size))
        if not self.talk.recipients or not self.settings.offers("CHUNKING"):
            self.talk.reply("503 5.5.1 No valid recipients, or no CHUNKING")
        elif last.upper() != "LAST":
            self.talk.reply(f"250 2.0.0 {size} octets received")
        else:
            self.talk.body(complete=True)
            self.settle()

    def read_chunk(self, size: int) -> None:
        asked = set()
        try:
            for piece in self.talk.wire.octets(size):
                self.talk.content += piece
                self.talk.moment("body", lambda _: None, asked=asked)
        except (HungUp, OSError):
            self.talk.body(complete=False)
            raise

    def settle(self) -> None:
        """The end of the message was read: take it, and say so."""
        self.watch_content(bytes(self.talk.content))
        self.talk.moment("final", self.final)
        self.talk.forget()
        self.talk.moment("idle", lambda _: None)

    def watch_content(self, content: bytes) -> None:
        declared = any(
            value.upper().startswith("BODY=") and value[5:].upper() != "7BIT" for value in self.talk.parameters
        )
        if not content.isascii() and not declared:
            self.talk.violation("eight-bit content without BODY=8BITMIME (RFC 6152)")
        if content.count(b"\n") != content.count(b"\r\n") or content.count(b"\r") != content.count(b"\r\n"):
            self.talk.violation("a bare CR or LF in the message (RFC 5321 2.3.8)")

    def final(self, _: Conversation) -> None:
        self.talk.commit()
        if self.settings.lmtp:
            self.talk.reply(*(f"250 2.1.5 <{recipient}> delivered" for recipient in self.talk.recipients))
        else:
            self.talk.reply(f"250 2.0.0 Ok: queued as {self.talk.number:04X}{self.talk.message:04X}")

    # --- at any time ---

    def rset_(self, _: str) -> None:
        self.talk.forget()
        self.talk.reply("250 2.0.0 Ok")

    def noop_(self, _: str) -> None:
        self.talk.reply("250 2.0.0 Ok")

    def vrfy_(self, _: str) -> None:
        self.talk.reply("252 2.0.0 Send some mail, I will try my best")

    def quit_(self, _: str) -> None:
        self.talk.reply("221 2.0.0 Bye")
        drop(self.talk)


def read_dotted(talk: Conversation) -> None:
    """Read a message up to its lone dot, and take off the dots that were stuffed (RFC 5321 4.5.2)."""
    asked = set()
    try:
        for piece in talk.wire.dotted():
            talk.content += piece
            talk.moment("body", lambda _: None, asked=asked)
    except (HungUp, OSError):
        talk.body(complete=False)
        raise
    talk.body(complete=True)
    lines = bytes(talk.content).removesuffix(b".\r\n")
    talk.content = bytearray((b"\r\n" + lines).replace(b"\r\n.", b"\r\n")[2:])
