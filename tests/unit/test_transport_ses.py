"""The SES transport against botocore's own client, whose answers are stubbed, and what each of its errors means."""

from __future__ import annotations

import botocore.exceptions as aws
import pytest
from botocore.config import Config
from botocore.session import Session
from botocore.stub import ANY, Stubber

from pymailer.errors import AuthError, ConfigError, ConnectError, DeliveryUnknownError, EnvelopeError, MailError
from pymailer.outcome import Outcome
from pymailer.transports import ses
from pymailer.transports.amazon_errors import explain_failure
from tests.mails import CONTENT, make_mail


def make_client(service: str = "sesv2", region: str = "eu-west-1"):
    return Session().create_client(
        service,
        region_name=region,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture(scope="module")
def client():
    client = make_client()
    yield client
    client.close()


@pytest.fixture
def stub(client):
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def sending(client, *, parameters=None, **options):
    async def send(runtime):
        return await ses(client, **(parameters or {})).send(make_mail(runtime, **options))

    return send


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_the_raw_message_goes_to_the_envelope_s_recipients(drive, client, stub) -> None:
    expected = {
        "Destination": {"ToAddresses": ["b@example.com", "c@example.com"]},
        "Content": {"Raw": {"Data": CONTENT}},
        "FromEmailAddress": "a@example.com",
        "ConfigurationSetName": "mine",
    }
    stub.add_response("send_email", {"MessageId": "0102-x"}, expected)
    info = drive(sending(client, to=("b@example.com", "c@example.com"), parameters={"ConfigurationSetName": "mine"}))
    assert info.accepted == ("b@example.com", "c@example.com")
    assert info.server_message_id == info.response == "0102-x"
    assert info.message_id == "<0102-x@eu-west-1.amazonses.com>"
    assert info.message_size == len(CONTENT)


def test_the_null_sender_is_left_to_the_header(drive, client, stub) -> None:
    stub.add_response("send_email", {"MessageId": "1"}, {"Destination": ANY, "Content": ANY})
    drive(sending(client, from_=""))


def test_more_recipients_than_a_call_may_have_go_in_several(drive, client, stub) -> None:
    to = tuple(f"r{number}@example.com" for number in range(120))
    for begin in (0, 50, 100):
        expected = {
            "Destination": {"ToAddresses": list(to[begin : begin + 50])},
            "Content": ANY,
            "FromEmailAddress": ANY,
        }
        stub.add_response("send_email", {"MessageId": f"m{begin}"}, expected)
    info = drive(sending(client, to=to))
    assert info.accepted == to
    assert info.outcome is Outcome.ACCEPTED


def test_a_call_that_fails_after_another_did_not_is_a_partial_result(drive, client, stub) -> None:
    to = tuple(f"r{number}@example.com" for number in range(120))
    stub.add_response("send_email", {"MessageId": "1"})
    stub.add_client_error("send_email", "TooManyRequestsException", http_status_code=429)
    info = drive(sending(client, to=to))
    assert info.outcome is Outcome.PARTIAL
    assert (info.accepted, info.rejected) == (to[:50], to[50:])
    assert all(error.temporary for error in info.rejected_errors)


def test_a_call_that_is_lost_after_another_was_not_is_unknown(drive) -> None:
    class Loses:
        calls = 0

        def send_email(self, **request):
            self.calls += 1
            if self.calls == 2:
                raise aws.ReadTimeoutError(endpoint_url="https://example.com")
            return {"MessageId": "1"}

    to = tuple(f"r{number}@example.com" for number in range(120))
    with pytest.raises(DeliveryUnknownError) as caught:
        drive(sending(Loses(), to=to))
    assert caught.value.accepted == to[:50]
    assert caught.value.rejected == to[100:]
    assert isinstance(caught.value.__cause__, aws.ReadTimeoutError)


def test_a_client_of_coroutines_is_awaited() -> None:
    import asyncio

    from pymailer.runtime.aio import AsyncioRuntime

    class Async:
        def send_email(self, **request):  # as aiobotocore makes them: a function that returns a coroutine
            return self._answer()

        async def _answer(self):
            await asyncio.sleep(0)
            return {"MessageId": "1"}

    assert asyncio.run(sending(Async())(AsyncioRuntime())).response == "1"


def test_an_address_that_needs_smtputf8_is_refused(drive, client, stub) -> None:
    with pytest.raises(EnvelopeError, match="SMTPUTF8"):
        drive(sending(client, to=("ü@example.com",)))


# --- what it answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "kind", "outcome", "temporary"),
    [
        ("TooManyRequestsException", 429, MailError, Outcome.REJECTED, True),
        ("ThrottlingException", 400, MailError, Outcome.REJECTED, True),
        ("LimitExceededException", 400, MailError, Outcome.REJECTED, True),
        ("ServiceUnavailable", 503, MailError, Outcome.REJECTED, True),
        ("MessageRejected", 400, MailError, Outcome.REJECTED, False),
        ("BadRequestException", 400, MailError, Outcome.REJECTED, False),
        ("AccountSuspendedException", 400, MailError, Outcome.NOT_SENT, False),
        ("SendingPausedException", 400, MailError, Outcome.NOT_SENT, False),
        ("AccessDeniedException", 403, AuthError, Outcome.NOT_SENT, False),
        ("UnrecognizedClientException", 403, AuthError, Outcome.NOT_SENT, False),
        ("InternalFailure", 500, DeliveryUnknownError, Outcome.UNKNOWN, False),
    ],
)
def test_what_ses_refuses_is_told_apart(drive, client, stub, code, status, kind, outcome, temporary) -> None:
    stub.add_client_error("send_email", code, "because", http_status_code=status)
    with pytest.raises(kind, match="because") as caught:
        drive(sending(client))
    assert (caught.value.outcome, caught.value.temporary) == (outcome, temporary)
    assert isinstance(caught.value.__cause__, aws.ClientError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aws.EndpointConnectionError(endpoint_url="x"), ConnectError),
        (aws.ConnectTimeoutError(endpoint_url="x"), ConnectError),
        (aws.NoCredentialsError(), AuthError),
        (aws.ParamValidationError(report="x"), ConfigError),
        (aws.ReadTimeoutError(endpoint_url="x"), DeliveryUnknownError),
        (aws.ConnectionClosedError(endpoint_url="x"), DeliveryUnknownError),
        (RuntimeError("anything else"), DeliveryUnknownError),
    ],
)
def test_what_happens_on_the_way_is_told_apart(error, kind) -> None:
    assert type(explain_failure(error)) is kind


# --- before anything is sent -----------------------------------------------------------------------------------------


def test_verify_asks_whether_the_account_may_send(drive, client, stub) -> None:
    stub.add_response("get_account", {"SendingEnabled": True})
    assert drive(ses(client).verify) is True


def test_verify_fails_where_sending_is_switched_off(drive, client, stub) -> None:
    stub.add_response("get_account", {"SendingEnabled": False})
    with pytest.raises(MailError, match="switched off"):
        drive(ses(client).verify)


def test_verify_never_ends_in_unknown(drive, client, stub) -> None:
    stub.add_client_error("get_account", "InternalFailure", http_status_code=500)
    with pytest.raises(MailError) as caught:
        drive(ses(client).verify)
    assert caught.value.outcome is not Outcome.UNKNOWN


def test_a_client_of_another_service_is_refused() -> None:
    client = make_client("ses")
    with pytest.raises(ConfigError, match="sesv2"):
        ses(client)
    client.close()


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(ConfigError):
        ses({"region": "eu-west-1"})
