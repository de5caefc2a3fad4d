"""A small name server on loopback, over UDP and TCP, with a zone in a mapping.

Knows DNS messages through dnspython.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from pymailer.net.dns_client import Server

Zone = Mapping[tuple[str, str], object]
"""(name, kind) to a list of record texts, or to what to do instead: an rcode, or one of the words below."""
SILENT = "silent"
TRUNCATED = "truncated"
GARBAGE = "garbage"
FORGED = "forged"
TTL = 300


class NameServer:
    """Answers from `zone`, which may be changed; counts the questions."""

    def __init__(self, zone: Zone, host: str = "127.0.0.1") -> None:
        self.zone = dict(zone)
        self.asked: Counter[tuple[str, str, str]] = Counter()
        self.flags = 0
        self.ttl = TTL
        self._tcp = socket.create_server((host, 0))
        port = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((host, port))
        self.server = Server(host, port)
        self._threads = [threading.Thread(target=target) for target in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    def _serve_udp(self) -> None:
        while True:
            data, address = self._udp.recvfrom(65_535)
            if data == b"stop":
                return
            for answer in self._answers(data, "udp"):
                self._udp.sendto(answer, address)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                size = int.from_bytes(connection.recv(2), "big")
                for answer in self._answers(connection.recv(size), "tcp"):
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answers(self, data: bytes, over: str) -> Iterator[bytes]:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind, over] += 1
        entry = self.zone.get((name, kind), [] if any(known == name for known, _ in self.zone) else dns.rcode.NXDOMAIN)
        if entry == SILENT:
            return
        if entry == GARBAGE:
            yield b"\0garbage"
            return
        response = dns.message.make_response(query)
        response.flags |= self.flags | dns.flags.RA
        if entry == FORGED:
            response.id ^= 1
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", kind, "203.0.113.66"))
            yield response.to_wire(max_size=65_535)
            return
        if isinstance(entry, tuple) and entry[0] == TRUNCATED:
            if over == "udp":
                response.flags |= dns.flags.TC
                yield response.to_wire(max_size=65_535)
                return
            entry = entry[1]
        if isinstance(entry, dns.rcode.Rcode):
            response.set_rcode(entry)
        elif isinstance(entry, str):  # an alias
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", "CNAME", entry))
            target = self.zone.get((entry.rstrip("."), kind), [])
            if isinstance(target, list) and target:
                response.answer.append(dns.rrset.from_text(entry, self.ttl, "IN", kind, *target))
        elif entry:
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", kind, *entry))
        yield response.to_wire(max_size=65_535)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.sendto(b"stop", self._udp.getsockname())
        for thread in self._threads:
            thread.join(5)
        self._udp.close()


@contextlib.contextmanager
def name_server(zone: Zone) -> Iterator[NameServer]:
    """A `NameServer` for the time of the block."""
    server = NameServer(zone)
    try:
        yield server
    finally:
        server.close()
