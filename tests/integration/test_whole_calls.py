"""A whole call of a mailer against a server that fails: `timeout` bounds it, and its error says what became of it."""

from __future__ import annotations

from time import monotonic

import pytest

from pymailer import AuthError, DeliveryUnknownError, EnvelopeError, MailTimeoutError, Outcome, Stage
from pymailer.transports import smtp
from pymailer_smtp_pool import smtp_pool
from tests.faults import at, on, reply, stall
from tests.fronts import Front

MESSAGE = {"from": "a@example.com", "to": ["b@example.com", "c@example.com"], "subject": "Hi", "text": "Hello"}

both_fronts = pytest.mark.parametrize("front", [Front("sync"), Front("async")], ids=["sync", "async"])
both_transports = pytest.mark.parametrize("make", [smtp, smtp_pool])


def sending(front, transport, **options):
    """The result or the error of a send, and the seconds it took."""

    async def scenario(mailer):
        begun = monotonic()
        try:
            result = await mailer.send_mail(MESSAGE, **options)
        except Exception as error:
            result = error
        return result, monotonic() - begun

    return front(scenario, transport)


@both_fronts
@both_transports
@pytest.mark.parametrize(
    ("rule", "stage"),
    [
        (at("greeting", stall), Stage.GREETING),
        (on("EHLO", stall), Stage.EHLO),
        (on("MAIL", stall), Stage.MAIL),
        (on("RCPT", stall), Stage.RCPT),
        (on("DATA", stall), Stage.DATA),
    ],
    ids=["greeting", "EHLO", "MAIL", "RCPT", "DATA"],
)
def test_a_server_that_falls_silent_before_the_message_costs_no_more_than_the_timeout(
    front, make, rule, stage, fault_server
) -> None:
    server = fault_server(rule)
    error, seconds = sending(front, make(host="127.0.0.1", port=server.port), timeout=0.2)
    assert isinstance(error, MailTimeoutError)
    assert (error.outcome, error.stage, error.code) == (Outcome.NOT_SENT, stage, "ETIMEDOUT")
    assert f"127.0.0.1:{server.port}" in str(error)
    assert 0.15 < seconds < 2


@both_fronts
@both_transports
def test_a_server_that_falls_silent_after_it_leaves_the_outcome_unknown(front, make, fault_server) -> None:
    server = fault_server(at("final", stall))
    error, seconds = sending(front, make(host="127.0.0.1", port=server.port), timeout=0.2)
    assert isinstance(error, DeliveryUnknownError)
    assert error.outcome is Outcome.UNKNOWN
    assert isinstance(error.__cause__, TimeoutError)
    assert seconds < 2


@both_fronts
@both_transports
def test_one_recipient_refused_is_partial_and_all_refused_is_an_error(front, make, fault_server) -> None:
    refused = reply("550 5.1.1 no such user")
    server = fault_server(on("RCPT", refused, times=1))
    info, _ = sending(front, make(host="127.0.0.1", port=server.port))
    assert (info.outcome, info.accepted, info.rejected) == (Outcome.PARTIAL, ("c@example.com",), ("b@example.com",))
    assert [error.recipient for error in info.rejected_errors] == ["b@example.com"]

    error, _ = sending(front, make(host="127.0.0.1", port=fault_server(on("RCPT", refused)).port))
    assert isinstance(error, EnvelopeError)
    assert (error.outcome, error.temporary, error.reply.code) == (Outcome.REJECTED, False, 550)
    assert len(error.rejected_errors) == 2


@both_fronts
@both_transports
def test_verify_raises_what_a_send_would(front, make, fault_server) -> None:
    server = fault_server(users={"me": "right"})

    async def scenario(mailer):
        with pytest.raises(AuthError) as caught:
            await mailer.verify()
        return caught.value

    error = front(scenario, make(host="127.0.0.1", port=server.port, auth=("me", "wrong")))
    assert (error.code, error.outcome, error.stage) == ("EAUTH", Outcome.NOT_SENT, Stage.AUTH)
    assert server.commits == []


@both_fronts
@both_transports
def test_verify_sends_nothing_and_says_goodbye(front, make, fault_server) -> None:
    server = fault_server(users={"me": "right"})

    async def scenario(mailer):
        return await mailer.verify()

    assert front(scenario, make(host="127.0.0.1", port=server.port, auth=("me", "right"))) is True
    assert server.commits == []
    assert server.heard("QUIT") == ["QUIT"]
