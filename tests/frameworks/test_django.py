"""Django's own functions, with the backend behind them, in each way of naming it that the installed Django has."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from email import message_from_bytes
from email.message import EmailMessage as StandardMessage
from email.policy import default
from typing import Any

import django
import pytest
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

from pymailer import ConfigError, ConnectError, MailError, Outcome
from pymailer.integrations.django import EmailBackend, close_shared_mailers
from pymailer.transports import memory
from tests.faults.actions import Gate, hold, proceed, reply
from tests.faults.rules import at, on
from tests.faults.server import FaultServer
from tests.secrecy import shown

BACKEND = "pymailer.integrations.django.EmailBackend"
DJANGO = "django.core.mail.backends.smtp.EmailBackend"
HAS_MAILERS = django.VERSION >= (6, 1)

if not settings.configured:
    settings.configure(DEFAULT_FROM_EMAIL="Shop <shop@example.com>")
    django.setup()

# Django 6.1 says of all words that MAILERS replaces that they will go; they are tested while they are there.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")

outbox = memory()
"""A transport that settings name by its dotted name."""


def by_settings(backend: str, server: FaultServer, options: dict[str, Any]) -> AbstractContextManager[None]:
    words = {"EMAIL_BACKEND": backend, "EMAIL_HOST": server.host, "EMAIL_PORT": server.port}
    return override_settings(**words, PYMAILER=options)


def by_mailers(backend: str, server: FaultServer, options: dict[str, Any]) -> AbstractContextManager[None]:
    found = {"host": server.host, "port": server.port, **options}
    return override_settings(MAILERS={"default": {"BACKEND": backend, "OPTIONS": found}})


@pytest.fixture(params=[by_settings, *([by_mailers] if HAS_MAILERS else [])])
def use(request: pytest.FixtureRequest, smtp: FaultServer) -> Iterator[Callable[..., None]]:
    """Has Django use a backend from now on: `use(max_connections=2)`."""
    opened: list[AbstractContextManager[None]] = []

    def begin(backend: str = BACKEND, server: FaultServer = smtp, **options: Any) -> None:
        opened.append(request.param(backend, server, options))
        opened[-1].__enter__()

    yield begin
    for settings_in_force in reversed(opened):
        settings_in_force.__exit__(None, None, None)


def arrived(server: FaultServer) -> list[StandardMessage]:
    return [message_from_bytes(commit.content, policy=default) for commit in server.commits]


class TestWhatArrives:
    def test_a_simple_mail_comes_from_the_default_sender(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        assert mail.send_mail("Hello", "How are you?", None, ["Anna <anna@example.org>"]) == 1
        assert (smtp.commits[0].sender, smtp.commits[0].recipients) == ("shop@example.com", ("anna@example.org",))
        assert arrived(smtp)[0]["From"] == "Shop <shop@example.com>"

    @pytest.mark.parametrize("kind", ["plain", "alternatives", "attachments", "headers", "not ASCII"])
    def test_it_is_octet_for_octet_what_django_itself_sends(
        self, kind: str, use: Callable[..., None], smtp: FaultServer, fault_server: Callable[..., FaultServer]
    ) -> None:
        lenient = fault_server(strict_client=False)  # Django does not announce its eight-bit content (RFC 6152)
        for backend, server in ((BACKEND, smtp), (DJANGO, lenient)):
            use(backend, server)
            assert message_of(kind).send() == 1
        ours, theirs = smtp.commits[0], lenient.commits[0]
        assert comparable(ours.content) == comparable(theirs.content)
        assert (ours.sender, ours.recipients) == (theirs.sender, theirs.recipients)

    def test_a_blind_copy_is_in_the_envelope_alone(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        EmailMessage("Hi", "…", to=["a@example.org"], cc=["c@example.org"], bcc=["b@example.org"]).send()
        assert smtp.commits[0].recipients == ("a@example.org", "c@example.org", "b@example.org")
        assert b"b@example.org" not in smtp.commits[0].content

    def test_a_class_with_its_own_message_is_sent_as_it_says(self, use: Callable[..., None], smtp: FaultServer) -> None:
        class Signed(EmailMessage):
            def message(self, **options: Any) -> Any:
                message = super().message(**options)
                message["X-Signature"] = "yes"
                return message

        use()
        Signed("Hi", "…", to=["a@example.org"]).send()
        assert arrived(smtp)[0]["X-Signature"] == "yes"

    def test_a_message_to_nobody_is_not_sent(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        assert EmailMessage("Hi", "…").send() == 0
        assert mail.get_connection().send_messages([EmailMessage("Hi", "…")]) == 0
        assert smtp.opened == 0

    def test_an_option_of_the_mailer_counts(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use(max_recipients=1)
        with pytest.raises(MailError, match="recipients"):
            mail.send_mail("Hi", "…", None, ["a@example.org", "b@example.org"])


def message_of(kind: str) -> EmailMessage:
    headers = {"Date": "Mon, 1 Jan 2024 00:00:00 +0000", "Message-ID": "<1@example.com>"}
    if kind == "headers":
        headers |= {"X-Mine": "yes", "From": "Other <other@example.com>", "List-Unsubscribe": "<mailto:u@example.com>"}
    text = "Grüße aus Köln\n.\n" if kind == "not ASCII" else "Hello\n.\nFrom here\n"
    message = EmailMultiAlternatives("Zürich" if kind == "not ASCII" else "Hi", text, to=["Bé <b@example.org>"])
    message.extra_headers = headers
    if kind == "alternatives":
        message.attach_alternative("<p>Hello</p>", "text/html")
    if kind == "attachments":
        message.attach("ü.txt", "text", "text/plain")
        message.attach("a.bin", bytes(range(256)), "application/octet-stream")
        message.attach("m.eml", EmailMessage("in it", "…", headers=headers), "message/rfc822")
    return message


def comparable(content: bytes) -> bytes:
    """Boundaries are made up anew each time."""
    return re.sub(rb"={15}\d+==", b"BOUNDARY", content)


class TestThePool:
    def test_outlives_the_backend(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        for number in range(3):
            mail.send_mail(f"Message {number}", "…", None, ["a@example.org"])
        assert smtp.opened == 1
        assert len(smtp.commits) == 3

    def test_carries_a_mass_mail_over_several_connections(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use(max_connections=2)
        gate = Gate()
        smtp.script(at("final", hold(gate), proceed, times=1))
        rest = threading.Thread(target=lambda: (smtp.wait_until(lambda: len(smtp.commits) == 4), gate.open()))
        rest.start()
        sent = mail.send_mass_mail(("Hi", "…", None, [f"{name}@example.org"]) for name in "abcde")
        rest.join()
        assert sent == 5
        assert smtp.most_at_once == 2

    def test_is_another_one_for_another_password(self, use: Callable[..., None], fault_server: Any) -> None:
        server = fault_server(users={"u": "right"})
        use()
        options = {"host": server.host, "port": server.port, "username": "u"}
        with pytest.raises(MailError) as refused:
            EmailBackend(**options, password="sesame").send_messages([EmailMessage("Hi", "…", to=["a@example.org"])])
        assert refused.value.code == "EAUTH"
        assert "sesame" not in shown(refused.value)
        right = EmailBackend(**options, password="right")
        assert right.send_messages([EmailMessage("Hi", "…", to=["a@example.org"])]) == 1

    def test_starts_anew_in_a_forked_worker(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        mail.send_mail("From the parent", "…", None, ["a@example.org"])
        child = os.fork()
        if not child:
            sent = 0
            try:
                sent = mail.send_mail("From the child", "…", None, ["a@example.org"])
                close_shared_mailers(timeout=1.0)
            finally:
                os._exit(0 if sent == 1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        mail.send_mail("From the parent again", "…", None, ["a@example.org"])
        assert [commit.connection for commit in smtp.commits] == [1, 2, 1]

    def test_finishes_what_is_on_its_way_when_the_process_ends(
        self, use: Callable[..., None], smtp: FaultServer
    ) -> None:
        use()
        gate = Gate()
        smtp.script(at("final", hold(gate), proceed))
        sender = threading.Thread(target=mail.send_mail, args=("Hi", "…", None, ["a@example.org"]))
        sender.start()
        gate.wait_for_arrival()
        opener = threading.Timer(0.05, gate.open)
        opener.start()
        reports = close_shared_mailers(timeout=10)
        sender.join()
        opener.join()
        assert [report.sent for report in reports] == [1]


class TestFailures:
    def test_are_raised_and_say_whether_it_was_sent(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        smtp.script(on("RCPT", reply("550 5.1.1 no such user")))
        message = EmailMessage("Hi", "…", to=["a@example.org"])
        with pytest.raises(MailError) as error:
            message.send()
        assert error.value.outcome is Outcome.REJECTED
        assert message.delivery.outcome is Outcome.REJECTED

    def test_may_be_silent(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        smtp.script(on("RCPT", reply("550 5.1.1 no such user")))
        message = EmailMessage("Hi", "…", to=["a@example.org"])
        assert message.send(fail_silently=True) == 0
        assert message.delivery.outcome is Outcome.REJECTED

    def test_of_one_message_leave_the_others_alone_if_silent(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        smtp.script(on("RCPT TO:<b@", reply("550 5.1.1 no such user")))
        messages = [EmailMessage("Hi", "…", to=[f"{name}@example.org"]) for name in "abc"]
        assert mail.get_connection(fail_silently=True).send_messages(messages) == 2

    def test_stop_what_was_not_taken_yet_if_loud(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use(max_connections=1)
        smtp.script(on("RCPT TO:<b@", reply("550 5.1.1 no such user")))
        messages = [EmailMessage("Hi", "…", to=[f"{name}@example.org"]) for name in "abcdefgh"]
        with pytest.raises(MailError):
            mail.get_connection().send_messages(messages)
        told = [hasattr(message, "delivery") for message in messages]
        assert told == sorted(told, reverse=True)
        assert 2 <= sum(told) <= 5
        assert len(smtp.commits) == sum(told) - 1  # each that was taken is told, and all but one of them arrived

    @pytest.mark.parametrize("silent", [False, True])
    def test_of_the_message_itself_are_never_silent(
        self, silent: bool, use: Callable[..., None], smtp: FaultServer
    ) -> None:
        use()
        with pytest.raises(ValueError, match=r"newline|linefeed|CR"):
            EmailMessage("Hi\nBcc: x@example.org", "…", to=["a@example.org"]).send(fail_silently=silent)
        assert smtp.commits == []

    def test_an_unknown_option_is_told_with_the_closest_one(self, use: Callable[..., None]) -> None:
        use(max_connection=2)
        with pytest.raises((ConfigError, django.core.exceptions.ImproperlyConfigured), match="max_connections"):
            mail.get_connection()

    def test_of_the_options_show_no_password(self) -> None:
        with pytest.raises(ConfigError) as error:
            EmailBackend(username="u", password="sesame", max_connection=2)
        assert "sesame" not in shown(error.value)


class TestOpening:
    def test_finds_out_whether_the_server_would_take_mail(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        assert mail.get_connection().open() is True
        assert smtp.opened == 1

    def test_is_nothing_while_a_connection_is_open(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        mail.send_mail("Hi", "…", None, ["a@example.org"])
        assert mail.get_connection().open() is False
        assert smtp.opened == 1

    def test_raises_what_a_send_would(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use(max_requeues=0)
        smtp.close()
        with pytest.raises(ConnectError):
            mail.get_connection().open()
        assert mail.get_connection(fail_silently=True).open() is None

    def test_a_block_leaves_the_connection_to_the_pool(self, use: Callable[..., None], smtp: FaultServer) -> None:
        use()
        for _ in range(2):
            with mail.get_connection() as connection:
                connection.send_messages([EmailMessage("Hi", "…", to=["a@example.org"])])
        assert smtp.opened == 1
        assert smtp.heard("QUIT") == []


class TestOtherTransports:
    def test_are_named_by_their_dotted_name(self) -> None:
        outbox.clear()
        backend = EmailBackend(alias="test", transport=f"{__name__}.outbox")
        assert backend.send_messages([EmailMessage("Hi", "…", to=["a@example.org"])]) == 1
        assert [message.envelope.to for message in outbox.messages] == [("a@example.org",)]

    def test_take_no_options_of_the_pool(self) -> None:
        with pytest.raises(ConfigError, match="max_messages"):
            EmailBackend(transport=outbox, max_messages=3)

    def test_the_outbox_of_djangos_test_runner_takes_the_place_of_the_backend(
        self, use: Callable[..., None], smtp: FaultServer
    ) -> None:
        use()
        setup_test_environment()
        try:
            mail.send_mail("Hi", "…", None, ["a@example.org"])
            assert [message.subject for message in mail.outbox] == ["Hi"]
        finally:
            teardown_test_environment()
        assert smtp.opened == 0
