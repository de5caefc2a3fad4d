"""Each extension is used where it is offered, and does what its RFC says."""

from __future__ import annotations

import pytest

from pymailer import MailError
from tests.interop.capability import capability
from tests.interop.test_content import RECIPIENT, SENDER, ended, fields
from tests.interop.test_security import at_tls_port


@capability("PIPELINING")
def test_the_envelope_travels_in_one_flight(server, client):
    token, message = fields(subject="one flight", text="x")
    sent = client.send(server.options, message)
    lines = [line for who, line in sent.dialogue]
    mail = next(n for n, line in enumerate(lines) if line.startswith("MAIL"))
    assert sent.dialogue[mail + 1][0] == "client", "RCPT waits for the reply to MAIL"
    assert server.stored(token)


@pytest.mark.parametrize("pipelining", ["auto", False])
@capability("strict synchronisation")
def test_nothing_is_said_before_its_time(server, client, pipelining):
    messages = [fields(subject="in step", text="x")[1] for _ in range(5)]
    messages[2] |= {"envelope": {"from": SENDER, "to": ["refused@example.com"]}}
    deliveries = client.send_all(server.options, messages, max_connections=1, pipelining=pipelining)
    assert [delivery.ok for delivery in deliveries] == [True, True, False, True, True]
    assert "synchronization error" not in server.instance.log()


@capability("CHUNKING")
def test_the_message_goes_in_chunks_without_stuffed_dots(server, client):
    token, message = fields(subject="chunks", text=".\n..\n" * 100)
    sent = client.send(server.options, message)
    assert sent.said("BDAT")
    assert not sent.said("DATA")
    assert server.stored(token).endswith(ended(sent.mail.content))


@capability("SIZE")
def test_the_size_is_declared(server, client):
    _, message = fields(subject="size", text="x")
    sent = client.send(server.options, message)
    declared = int(sent.said("MAIL")[0].partition("SIZE=")[2].split()[0])
    assert declared == len(sent.mail.content)


@capability("SIZE")
def test_a_message_that_is_too_big_is_refused_before_it_is_sent(server, client):
    _, message = fields(subject="too big", text="x" * 1_500_000)
    with pytest.raises(MailError) as refusal:
        client.send(server.options, message)
    assert refusal.value.outcome in {"rejected", "not_sent"}
    assert refusal.value.stage in {"mail", None}


@capability("SMTPUTF8")
def test_an_address_beyond_ascii(server, client):
    token, message = fields(subject="UTF-8", text="x")
    sent = client.send(server.options, message | {"from": "jürgen@example.com"})
    assert "SMTPUTF8" in sent.said("MAIL")[0]
    assert server.stored(token).endswith(ended(sent.mail.content))


@capability("DSN")
def test_notifications_are_asked_for(server, client):
    token, message = fields(subject="DSN", text="x")
    wishes = {"id": "an id", "return": "headers", "notify": ["failure", "delay"], "recipient": f"rfc822;{RECIPIENT}"}
    sent = client.send(server.options, message | {"dsn": wishes})
    assert "RET=HDRS" in sent.said("MAIL")[0]
    assert "NOTIFY=" in sent.said("RCPT")[0]
    assert server.stored(token)


@capability("REQUIRETLS")
def test_tls_is_required_all_the_way(server, client):
    token, message = fields(subject="REQUIRETLS", text="x")
    sent = client.send(at_tls_port(server), message | {"require_tls": True})
    assert "REQUIRETLS" in sent.said("MAIL")[0]
    assert server.stored(token)


@capability("LMTP")
def test_each_recipient_has_a_reply_of_its_own(server, client):
    token, message = fields(subject="LMTP", text="x")
    recipients = [RECIPIENT, "full@example.com"]
    sent = client.send(server.options, message | {"envelope": {"from": SENDER, "to": recipients}})
    assert sent.info.outcome == "partial"
    assert sent.info.accepted == (RECIPIENT,)
    assert sent.info.rejected == ("full@example.com",)
    assert sent.info.rejected_errors[0].stage == "final"
    assert server.stored(token)
