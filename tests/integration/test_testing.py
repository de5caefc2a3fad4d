"""What tests of applications get: an outbox, a server that records, and each outcome on demand."""

from __future__ import annotations

import asyncio
import smtplib

import pytest

from pymailer import (
    AuthError,
    ConfigError,
    ConnectError,
    DeliveryUnknownError,
    MailError,
    Outcome,
    ReplyError,
    create_async_transport,
    create_transport,
)
from pymailer.testing import Outbox, SMTPServer
from pymailer.transports import memory

WELCOME = {
    "from": "shop@example.com",
    "to": "Ann <ann@example.com>",
    "cc": "bob@example.com",
    "bcc": "log@example.com",
    "reply_to": "help@example.com",
    "subject": "Willkommen, Änne",
    "text": "Hello,\nconfirm at https://example.com/confirm?t=1.\nOr see (http://example.com/help)!",
    "html": (
        '<p>Hello, <a href="https://example.com/confirm?t=1">confirm</a> <a href="mailto:help@example.com">ask</a></p>'
    ),
    "attachments": [
        {"filename": "terms.txt", "content": b"terms"},
        {"filename": "logo.png", "content": b"\x89", "cid": "l"},
    ],
}


@pytest.fixture
def kept(request):
    """The same message, as an outbox and as a server keep it."""
    if request.param == "outbox":
        outbox = Outbox()
        create_transport(outbox).send_mail(WELCOME)
        yield outbox.only
    else:
        with SMTPServer() as server:
            create_transport(server.url).send_mail(WELCOME)
            yield server.only


both = pytest.mark.parametrize("kept", ["outbox", "server"], indirect=True)


# --- what was sent ---------------------------------------------------------------------------------------------------


@both
def test_who_it_is_from_and_to(kept) -> None:
    assert kept.sender == "shop@example.com"
    assert kept.recipients == ("ann@example.com", "bob@example.com", "log@example.com")
    assert (kept.to, kept.cc, kept.reply_to) == (("ann@example.com",), ("bob@example.com",), ("help@example.com",))
    assert kept.from_ == "shop@example.com"
    assert kept.header("Bcc") is None


@both
def test_what_it_says(kept) -> None:
    assert kept.subject == "Willkommen, Änne"
    assert kept.text.splitlines() == WELCOME["text"].splitlines()
    assert "<p>Hello" in kept.html
    assert kept.message_id.startswith("<")
    assert str(kept) == "'Willkommen, Änne' to ann@example.com, bob@example.com, log@example.com"


@both
def test_where_it_links_to(kept) -> None:
    assert kept.links == ("https://example.com/confirm?t=1", "mailto:help@example.com", "http://example.com/help")


@both
def test_what_goes_with_it(kept) -> None:
    assert [each.filename for each in kept.attachments] == ["logo.png", "terms.txt"]
    assert kept.attachment("terms.txt").content == b"terms"
    assert (kept.attachments[0].cid, kept.attachments[0].content_type) == ("l", "image/png")
    with pytest.raises(LookupError, match=r"terms\.txt"):
        kept.attachment("other.txt")


def test_a_message_without_a_body_has_an_empty_one(outbox) -> None:
    create_transport(outbox).send_mail(from_="a@example.com", to="b@example.com")
    assert (outbox.only.text.strip(), outbox.only.html, outbox.only.subject) == ("", "", "")
    assert (outbox.only.links, outbox.only.attachments, outbox.only.cc) == ((), (), ())


# --- the outbox ------------------------------------------------------------------------------------------------------


def test_an_outbox_is_a_sequence_of_what_was_sent(outbox) -> None:
    assert not outbox
    mailer = create_transport(outbox, {"from": "a@example.com"})
    for to in ("b@example.com", "c@example.com", "b@example.com"):
        mailer.send_mail(to=to, subject=f"for {to[0]}")
    assert len(outbox) == 3
    assert [message.subject for message in outbox] == ["for b", "for c", "for b"]
    assert outbox.last.subject == outbox[2].subject == "for b"
    assert len(outbox.to("b@example.com")) == 2
    outbox.clear()
    assert list(outbox) == []


def test_what_is_not_there_is_told_with_what_is(outbox) -> None:
    with pytest.raises(AssertionError, match="nothing was sent"):
        outbox.only  # noqa: B018
    with pytest.raises(AssertionError, match="nothing was sent"):
        outbox.last  # noqa: B018
    mailer = create_transport(outbox, {"from": "a@example.com", "to": "b@example.com"})
    mailer.send_mail(subject="one")
    mailer.send_mail(subject="two")
    with pytest.raises(AssertionError, match=r"'one' to b@example\.com; 'two' to b@example\.com"):
        outbox.only  # noqa: B018
    assert "'one'" in repr(outbox)


def test_an_outbox_serves_async_code_too(outbox) -> None:
    async def send() -> None:
        async with create_async_transport(outbox) as mailer:
            await mailer.send_mail(WELCOME)

    asyncio.run(send())
    assert outbox.only.subject == WELCOME["subject"]


# --- each way in which a send can end --------------------------------------------------------------------------------

OUTCOMES = [
    (Outcome.REJECTED, ReplyError),
    (Outcome.NOT_SENT, MailError),
    (Outcome.UNKNOWN, DeliveryUnknownError),
]


def send_to_two(transport):
    return create_transport(transport).send_mail(from_="a@example.com", to=["b@example.com", "c@example.com"], text="x")


@pytest.mark.parametrize("make", [memory, Outbox])
@pytest.mark.parametrize(("outcome", "kind"), [*OUTCOMES[:1], (Outcome.NOT_SENT, ConnectError), *OUTCOMES[2:]])
def test_a_transport_in_memory_rehearses_each_failure(make, outcome, kind) -> None:
    transport = make(fail_with=str(outcome))
    errors = []
    for _ in range(2):
        with pytest.raises(kind) as caught:
            send_to_two(transport)
        errors.append(caught.value)
        assert caught.value.outcome is outcome
    assert errors[0] is not errors[1]
    transport.fail_with = None
    assert send_to_two(transport).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(("outcome", "kind"), OUTCOMES)
def test_a_server_rehearses_each_failure(smtp_server, outcome, kind) -> None:
    smtp_server.fail_with = outcome
    with pytest.raises(kind) as caught:
        send_to_two(smtp_server.url)
    assert caught.value.outcome is outcome
    assert len(smtp_server.messages) == (1 if outcome is Outcome.UNKNOWN else 0)


def test_a_partial_success_is_rehearsed(smtp_server) -> None:
    smtp_server.fail_with = "partial"
    for transport in (smtp_server.url, memory(fail_with="partial"), Outbox("partial")):
        info = send_to_two(transport)
        assert info.outcome is Outcome.PARTIAL
        assert (info.accepted, info.rejected) == (("b@example.com",), ("c@example.com",))
        assert len(info.rejected_errors) == 1


def test_an_error_of_your_own_is_raised_as_it_is() -> None:
    error = AuthError("wrong password")
    with pytest.raises(AuthError) as caught:
        send_to_two(memory(fail_with=error))
    assert caught.value is error


@pytest.mark.parametrize("make", [memory, Outbox, SMTPServer])
def test_what_is_no_outcome_is_refused(make) -> None:
    with pytest.raises(ConfigError, match="rejected"):
        make(fail_with="maybe")


# --- the server ------------------------------------------------------------------------------------------------------


def test_a_server_speaks_with_any_client(smtp_server) -> None:
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        client.login("user", "whatever")
        client.sendmail("a@example.com", ["b@example.com"], b"Subject: x\r\n\r\n.dot\r\n")
        assert client.docmd("WHAT")[0] == 500
        assert client.docmd("DATA")[0] == 503
        assert client.rset()[0] == client.noop()[0] == 250
    assert smtp_server.logins == ["user"]
    assert smtp_server.only.text == ".dot\n"


def test_a_server_with_users_wants_their_passwords() -> None:
    with SMTPServer(users={"me": "right"}) as server:
        for auth_method in ("PLAIN", "LOGIN"):
            options = {"host": server.host, "port": server.port, "auth_method": auth_method}
            create_transport({**options, "auth": ("me", "right")}).send_mail(WELCOME)
            with pytest.raises(AuthError):
                create_transport({**options, "auth": ("me", "wrong")}).send_mail(WELCOME)
        with pytest.raises(MailError):
            create_transport(server.url).send_mail(WELCOME)
        assert len(server.messages) == 2
        server.clear()
        assert (server.messages, server.logins) == ([], [])


def test_a_server_waits_for_what_is_sent_in_the_background(smtp_server) -> None:
    import threading

    sender = threading.Thread(target=send_to_two, args=(smtp_server.url,))
    sender.start()
    (message,) = smtp_server.wait_for(1)
    sender.join()
    assert message.recipients == ("b@example.com", "c@example.com")
    with pytest.raises(AssertionError, match="expected 2 messages"):
        smtp_server.wait_for(2, timeout=0.01)


def test_a_server_can_be_closed_with_a_client_on_the_line() -> None:
    server = SMTPServer()
    client = smtplib.SMTP(server.host, server.port)
    server.close()
    server.close()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()
