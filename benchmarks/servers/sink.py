"""The sink in Python: where there is no C compiler, and where TLS is spoken.

    python -m benchmarks.servers.sink [--tls=implicit|starttls --certificate=FILE] [EHLO keyword]...

The same dialogue on stdin and stdout as `sink.c`. Knows just enough SMTP to keep a client happy.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
from collections.abc import Callable
from typing import cast

import attrs

_OK = b"250 2.0.0 Ok\r\n"
_SIMPLE = {
    b"MAIL": _OK,
    b"RCPT": _OK,
    b"RSET": _OK,
    b"NOOP": _OK,
    b"HELO": b"250 sink\r\n",
    b"DATA": b"354 Go ahead\r\n",
}


@attrs.define
class Sink:
    """What all its conversations share."""

    keywords: list[str]
    tls: str | None = None
    context: ssl.SSLContext | None = None
    messages: int = 0
    octets: int = 0
    connections: int = 0
    resumed: int = 0

    def capabilities(self, *, secure: bool) -> bytes:
        offered = ["sink", *self.keywords, *(["STARTTLS"] if self.tls == "starttls" and not secure else [])]
        lines = [f"250-{keyword}" for keyword in offered[:-1]] + [f"250 {offered[-1]}"]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def report(self) -> str:
        return f"{self.messages} {self.octets} {self.connections} {self.resumed}"


class Conversation(asyncio.Protocol):
    """One connection: octets in, replies out."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.buffer = bytearray()
        self.take: Callable[[], bool] = self.take_command
        self.chunk = 0
        self.last = False
        self.upgrading = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.sink.connections += 1
        self.speak_through(cast("asyncio.Transport", transport))
        self.transport.write(b"220 sink ESMTP\r\n")

    def speak_through(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        session = transport.get_extra_info("ssl_object")
        if session is not None and session.session_reused:
            self.sink.resumed += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self.buffer and not self.upgrading and self.take():
            pass

    def take_command(self) -> bool:
        end = self.buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        self.answer(line[:4].upper(), line)
        return True

    def answer(self, verb: bytes, line: bytes) -> None:
        if verb == b"EHLO":
            secure = self.transport.get_extra_info("ssl_object") is not None
            self.transport.write(self.sink.capabilities(secure=secure))
        elif verb == b"BDAT":
            self.chunk, self.last = int(line[4:].split()[0]), line.upper().endswith(b"LAST")
            self.take = self.take_chunk
            self.take_chunk()
        elif verb == b"STAR":
            self.upgrade()
        elif verb == b"QUIT":
            self.transport.write(b"221 2.0.0 Bye\r\n")
            self.transport.close()
        else:
            self.transport.write(_SIMPLE.get(verb, b"500 5.5.2 What?\r\n"))
            if verb == b"DATA":
                self.buffer[:0] = b"\r\n"  # so that a lone dot is found in the first line, too
                self.take = self.take_body

    def take_body(self) -> bool:
        end = self.buffer.find(b"\r\n.\r\n")
        taken = len(self.buffer) - 4 if end < 0 else end + 5
        if taken <= 0:
            return False
        self.sink.octets += taken
        del self.buffer[:taken]
        if end >= 0:
            self.complete()
        return end >= 0

    def take_chunk(self) -> bool:
        taken = min(len(self.buffer), self.chunk)
        self.sink.octets += taken
        self.chunk -= taken
        del self.buffer[:taken]
        if self.chunk == 0 and self.last:
            self.complete()
        elif self.chunk == 0:
            self.transport.write(_OK)
            self.take = self.take_command
        return self.chunk == 0

    def complete(self) -> None:
        self.sink.messages += 1
        self.take = self.take_command
        self.transport.write(_OK)

    def upgrade(self) -> None:
        self.transport.write(b"220 2.0.0 Ready\r\n")
        self.upgrading = True  # the first command may come with the end of the handshake
        self.handshake = asyncio.ensure_future(self.shake_hands())

    async def shake_hands(self) -> None:
        assert self.sink.context is not None
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(self.transport, self, self.sink.context, server_side=True)
        except (OSError, ssl.SSLError):
            return
        if secured is not None:
            self.upgrading = False
            self.speak_through(secured)
            self.data_received(b"")


async def serve(sink: Sink) -> None:
    """Until stdin ends."""
    loop = asyncio.get_running_loop()
    at_once = sink.context if sink.tls == "implicit" else None
    server = await loop.create_server(lambda: Conversation(sink), "127.0.0.1", 0, ssl=at_once, backlog=1024)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(sink.report(), flush=True)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", choices=["implicit", "starttls"])
    parser.add_argument("--certificate")
    parser.add_argument("keywords", nargs="*")
    options = parser.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
    asyncio.run(serve(Sink(options.keywords, options.tls, context)))


if __name__ == "__main__":
    main()
