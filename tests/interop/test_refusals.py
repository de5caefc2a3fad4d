"""A refusal concerns what was refused, and the connection goes on."""

from __future__ import annotations

import pytest

from pymailer import EnvelopeError
from tests.interop.capability import capability
from tests.interop.test_content import RECIPIENT, SENDER, fields

REFUSED, LATER = "refused@example.com", "later@example.com"


def to(*recipients):
    token, message = fields(subject="refusals", text="x")
    return token, message | {"envelope": {"from": SENDER, "to": list(recipients)}}


@capability("refused recipients")
def test_one_of_two_is_refused(server, client):
    token, message = to(RECIPIENT, REFUSED)
    info = client.send(server.options, message).info
    assert (info.outcome, info.accepted, info.rejected) == ("partial", (RECIPIENT,), (REFUSED,))
    assert not info.rejected_errors[0].temporary
    assert server.stored(token)


@capability("refused recipients")
def test_all_are_refused(server, client):
    _, message = to(REFUSED)
    with pytest.raises(EnvelopeError) as refusal:
        client.send(server.options, message)
    assert refusal.value.outcome == "rejected"
    assert [error.recipient for error in refusal.value.rejected_errors] == [REFUSED]


@capability("refused recipients")
def test_the_connection_carries_on_after_a_refusal(server, client):
    messages = [to(RECIPIENT), to(REFUSED), to(RECIPIENT)]
    deliveries = client.send_all(server.options, [message for _, message in messages], max_connections=1)
    assert [delivery.ok for delivery in deliveries] == [True, False, True]
    assert len({delivery.info.connection_id for delivery in deliveries if delivery.info}) == 1
    assert server.stored(messages[2][0])


@capability("temporary refusals")
def test_one_of_two_is_asked_to_come_again(server, client):
    token, message = to(RECIPIENT, LATER)
    info = client.send(server.options, message).info
    assert (info.outcome, info.rejected) == ("partial", (LATER,))
    assert info.rejected_errors[0].temporary
    assert server.stored(token)
