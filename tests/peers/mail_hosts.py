"""A world for direct delivery: a zone, and mail hosts on loopback that are in it.

Knows the name server and the fault server; nothing of what is tested.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import attrs
import pytest

from pymailer.errors import MailError
from pymailer.net.resolver import Resolver
from pymailer.smtp.options import SMTPOptions
from pymailer.transports.mta_sts import Policies
from pymailer.transports.mx import DirectTransport
from tests.faults import FaultServer
from tests.mails import make_mail
from tests.peers.name_server import NameServer, name_server

ADDRESSES = tuple(f"127.25.0.{last}" for last in range(1, 4))
"""Loopback, where nobody else listens: all hosts have one port, which 127.0.0.1 may have given to somebody."""


@attrs.define(eq=False)
class World:
    """A zone, and the mail hosts in it: `mx1.test` is at the first address, and so on, all on one port."""

    names: NameServer
    make_server: Callable[..., FaultServer]
    port: int

    def host(self, number: int, *rules, **settings) -> FaultServer:
        """Start the mail host of that number."""
        return self.make_server(*rules, host=ADDRESSES[number - 1], port=self.port, **settings)

    def transport(self, policies: Callable[[Resolver], Policies] = Policies, **options) -> DirectTransport:
        """Direct delivery in this world."""
        own = {name: options.pop(name) for name in ("mta_sts", "dane") if name in options}
        resolver = Resolver([self.names.server], use_system=False)
        smtp = SMTPOptions(port=self.port, **{"dns_timeout": 5, "connection_timeout": 5, **options})
        return DirectTransport(smtp, resolver=resolver, policies=policies(resolver), **own)


@pytest.fixture
def world(fault_server) -> Iterator[World]:
    zone = {(f"mx{number}.test", "A"): [address] for number, address in enumerate(ADDRESSES, 1)}
    with name_server(zone) as names, socket.create_server((ADDRESSES[-1], 0)) as reserved:
        # The last address keeps the port for the others, which come and go.
        yield World(names, fault_server, reserved.getsockname()[1])


def sending(transport, *to: str, **options):
    async def send(runtime):
        return await transport.send(make_mail(runtime, to=to or ("b@example.test",), **options))

    return send


def fails(drive, transport, *to: str, **options) -> MailError:
    with pytest.raises(MailError) as caught:
        drive(sending(transport, *to, **options))
    return caught.value
