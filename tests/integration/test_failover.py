"""Failover and round robin between real connections: what goes on, and what the servers saw of it."""

from __future__ import annotations

import pytest

from pymailer import DeliveryUnknownError, Outcome, create_transport
from pymailer.transports import failover, round_robin, smtp
from pymailer_smtp_pool import smtp_pool
from tests.faults import at, commit, drop, reply

FIELDS = {"from": "a@example.com", "to": "b@example.com"}


@pytest.fixture(params=[smtp, smtp_pool], ids=["smtp", "pool"])
def to(request):
    """Makes a transport to a server: one connection a message, or a pool."""

    def make(server):
        options = {"max_requeues": 0} if request.param is smtp_pool else {}
        return request.param(host=server.host, port=server.port, **options)

    return make


def content() -> dict:
    """A message whose attachment can be read once."""
    return {**FIELDS, "text": "x", "attachments": [{"filename": "a", "content": iter([b"a" * 99_999, b"the end"])}]}


@pytest.mark.parametrize(
    "rule",
    [
        at("greeting", drop),
        at("mail", reply("451 4.3.0 later")),
        at("final", reply("452 4.3.1 full")),
    ],
)
def test_the_next_server_gets_the_whole_message(fault_server, to, rule) -> None:
    first, second = fault_server(rule), fault_server()
    with create_transport(failover([to(first), to(second)])) as mailer:
        info = mailer.send_mail(content())
    assert info.attempts >= 2
    assert first.commits == []
    (taken,) = second.commits
    assert b"dGhlIGVuZA==" in taken.content


def test_what_may_be_delivered_reaches_no_second_server(fault_server, to) -> None:
    first, second = fault_server(at("final", commit, drop)), fault_server()
    with create_transport(failover([to(first), to(second)])) as mailer, pytest.raises(DeliveryUnknownError):
        mailer.send_mail(content())
    assert len(first.commits) == 1
    assert second.opened == 0


def test_messages_are_shared_evenly(fault_server, to) -> None:
    servers = [fault_server(), fault_server()]
    with create_transport(round_robin([to(server) for server in servers])) as mailer:
        deliveries = list(mailer.send_many([FIELDS] * 10))
    assert all(delivery.info.outcome is Outcome.ACCEPTED for delivery in deliveries)
    assert [len(server.commits) for server in servers] == [5, 5]


def test_pools_are_used_to_their_limits_together_and_closed_together(fault_server) -> None:
    servers = [fault_server(), fault_server()]
    pools = [smtp_pool(host=server.host, port=server.port, max_connections=2) for server in servers]
    mailer = create_transport(round_robin(pools))
    assert mailer.transport.max_connections == 4
    assert all(delivery.ok for delivery in mailer.send_many([FIELDS] * 40))
    assert mailer.stats().sent == 40
    mailer.close()
    assert mailer.stats().connections == 0
    assert sum(server.most_at_once for server in servers) <= 4
