"""What the two mailers promise (API, section 1), the same in both colours."""

from __future__ import annotations

import pickle
import threading
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage

import pytest

from pymailer import (
    AddressError,
    CloseReport,
    CompiledMail,
    ConfigError,
    ConnectError,
    Envelope,
    EnvelopeError,
    MailTimeoutError,
    Message,
    MessageError,
    Outcome,
    SentMessageInfo,
    create_transport,
)
from pymailer.results import PoolStats
from pymailer.runtime import SuspendedError
from pymailer.transports import memory
from pymailer_smtp_pool import smtp_pool
from tests.recording import Bare, Recorder

HELLO = {"from": "a@example.com", "to": "b@example.com", "subject": "Hi", "text": "Hello"}


def subject(content: bytes) -> str:
    return message_from_bytes(content)["Subject"]


class TestSendMail:
    @pytest.mark.parametrize(
        "data",
        [
            HELLO,
            Message(from_="a@example.com", to="b@example.com", subject="Hi", text="Hello"),
            {"from_": "a@example.com", "to": ["b@example.com"], "subject": "Hi", "text": "Hello"},
        ],
        ids=["mapping", "Message", "snake_case"],
    )
    def test_takes_a_message_in_each_form(self, front, data) -> None:
        transport = memory()

        async def scenario(mailer):
            return await mailer.send_mail(data)

        info = front(scenario, transport)
        assert isinstance(info, SentMessageInfo)
        assert info.envelope == Envelope("a@example.com", ("b@example.com",))
        assert subject(transport.messages[0].content) == "Hi"

    def test_takes_an_email_message(self, front) -> None:
        transport = memory()
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Hi"
        message.set_content("Hello")

        async def scenario(mailer):
            return await mailer.send_mail(message)

        assert front(scenario, transport).accepted == ("b@example.com",)
        assert subject(transport.messages[0].content) == "Hi"

    def test_takes_keywords_alone(self, front) -> None:
        async def scenario(mailer):
            return await mailer.send_mail(
                from_="a@example.com", to=["b@example.com"], subject="Hi", html="<p>Hello</p>"
            )

        assert front(scenario, memory()).outcome is Outcome.ACCEPTED

    @pytest.mark.parametrize("keyword", ["reply_to", "replyTo"])
    def test_keywords_override_the_data_in_either_spelling(self, front, keyword) -> None:
        transport = memory()

        async def scenario(mailer):
            await mailer.send_mail(
                {**HELLO, "replyTo": "old@example.com"}, subject="New", **{keyword: "new@example.com"}
            )

        front(scenario, transport)
        sent = message_from_bytes(transport.messages[0].content)
        assert (sent["Subject"], sent["Reply-To"]) == ("New", "new@example.com")

    def test_leaves_the_data_as_it_was(self, front) -> None:
        data = dict(HELLO)

        async def scenario(mailer):
            await mailer.send_mail(data, subject="Other")

        front(scenario, memory())
        assert data == HELLO

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"subjct": "Hi"}, MessageError),
            ({"to": "b\r\n@example.com"}, AddressError),
            ({"to": None}, EnvelopeError),
            ({"from": None}, EnvelopeError),
            ({"subject": "a\r\nBcc: x@example.com"}, MessageError),
            ({"attachments": [{"path": "/nonexistent/file"}]}, MessageError),
        ],
        ids=str,
    )
    def test_raises_before_the_transport_is_asked(self, front, fields, error) -> None:
        transport = Recorder()

        async def scenario(mailer):
            with pytest.raises(error) as caught:
                await mailer.send_mail({**HELLO, **fields})
            return caught.value

        assert front(scenario, transport).outcome is Outcome.NOT_SENT
        assert transport.mails == []

    def test_refuses_what_is_no_message(self, front) -> None:
        async def scenario(mailer):
            with pytest.raises(MessageError, match="a message is a mapping"):
                await mailer.send_mail(5)

        front(scenario, memory())

    def test_hands_the_priority_and_the_time_to_the_transport(self, front) -> None:
        transport = Recorder()
        seen: list[float | None] = []
        transport.sending = lambda mail: seen.append(mail.timeout)

        async def scenario(mailer):
            await mailer.send_mail(HELLO, timeout=30, queue_priority=-5)
            await mailer.send_mail(HELLO)

        front(scenario, transport)
        assert [mail.queue_priority for mail in transport.mails] == [-5, 0]
        assert 29 < seen[0] <= 30
        assert seen[1] is None

    @pytest.mark.parametrize("timeout", [0.02, timedelta(milliseconds=20)], ids=["seconds", "timedelta"])
    def test_what_comes_before_the_transport_counts_against_the_timeout(self, front, timeout) -> None:
        transport = Recorder()

        async def dawdle(mail):
            await mail.runtime.sleep(0.03)

        async def scenario(mailer):
            mailer.use("compile", dawdle)
            with pytest.raises(MailTimeoutError) as caught:
                await mailer.send_mail(HELLO, timeout=timeout)
            return caught.value

        assert front(scenario, transport).outcome is Outcome.NOT_SENT
        assert transport.mails == []

    @pytest.mark.parametrize("timeout", [-1, "5", 30_000, float("nan"), True])
    def test_refuses_a_timeout_that_makes_no_sense(self, front, timeout) -> None:
        async def scenario(mailer):
            with pytest.raises(ConfigError, match="timeout"):
                await mailer.send_mail(HELLO, timeout=timeout)

        front(scenario, memory())


class TestCompile:
    def test_asks_nothing_of_the_transport(self, front) -> None:
        transport = Recorder()

        async def scenario(mailer):
            return await mailer.compile(HELLO, subject="Other")

        compiled = front(scenario, transport)
        assert transport.mails == []
        assert isinstance(compiled, CompiledMail)
        assert compiled.envelope == Envelope("a@example.com", ("b@example.com",))
        assert subject(compiled.content) == "Other"
        assert compiled.message_id == message_from_bytes(compiled.content)["Message-ID"]

    def test_what_it_gives_is_sent_as_it_is(self, front) -> None:
        transport = memory()

        async def scenario(mailer):
            compiled = pickle.loads(pickle.dumps(await mailer.compile(HELLO, message_id="<1@example.com>")))
            return compiled, await mailer.send_compiled(compiled, timeout=10)

        compiled, info = front(scenario, transport)
        assert transport.messages[0].content == compiled.content
        assert transport.messages[0].envelope == compiled.envelope == info.envelope
        assert info.message_id == compiled.message_id == "<1@example.com>"
        assert info.message_size == len(compiled.content)

    def test_carries_what_else_the_server_must_be_told(self, front) -> None:
        transport = Recorder()

        async def scenario(mailer):
            compiled = await mailer.compile(HELLO, dsn={"ret": "hdrs", "envid": "7"}, require_tls=True)
            await mailer.send_compiled(pickle.loads(pickle.dumps(compiled)))

        front(scenario, transport)
        assert transport.mails[0].require_tls is True
        assert (transport.mails[0].dsn.ret, transport.mails[0].dsn.envid) == ("HDRS", "7")

    def test_has_been_through_the_middleware_which_does_not_see_it_again(self, front) -> None:
        transport = memory()
        seen: list[str] = []

        async def scenario(mailer):
            mailer.use("compile", lambda mail: seen.append("compile"))
            mailer.use("stream", lambda mail: mail.message.headers.set("X-Seen", "yes"))
            await mailer.send_compiled(await mailer.compile(HELLO))

        front(scenario, transport)
        assert seen == ["compile"]
        assert message_from_bytes(transport.messages[0].content).get_all("X-Seen") == ["yes"]

    def test_raises_what_a_send_would_raise_before_the_wire(self, front) -> None:
        async def scenario(mailer):
            for wrong, error in [({"to": None}, EnvelopeError), ({"subjct": ""}, MessageError)]:
                with pytest.raises(error):
                    await mailer.compile({**HELLO, **wrong})

        front(scenario, memory())

    def test_of_a_raw_message_without_an_id_has_none(self, front) -> None:
        async def scenario(mailer):
            return await mailer.compile(raw=b"From: a@example.com\r\nTo: b@example.com\r\n\r\nHello\r\n")

        assert front(scenario, memory()).message_id is None

    def test_compiled_mail_takes_no_more_fields(self, front) -> None:
        async def scenario(mailer):
            compiled = await mailer.compile(HELLO)
            with pytest.raises(MessageError, match="subject"):
                await mailer.send_mail(compiled, subject="Other")

        front(scenario, memory())


class TestVerify:
    def test_says_true(self, front) -> None:
        transport = Recorder()

        async def scenario(mailer):
            return await mailer.verify()

        assert front(scenario, transport) is True
        assert transport.calls[0] == "verify"

    def test_takes_a_transport_that_cannot_verify_at_its_word(self, front) -> None:
        async def scenario(mailer):
            return await mailer.verify()

        assert front(scenario, Bare()) is True

    def test_raises_what_a_send_would(self, front) -> None:
        async def scenario(mailer):
            with pytest.raises(ConnectError):
                await mailer.verify()
            with pytest.raises(ConnectError):
                await mailer.send_mail(HELLO)

        front(scenario, "smtp://127.0.0.1:1")


class TestWhatTheTransportSays:
    def test_idle(self, front) -> None:
        async def scenario(mailer):
            before = mailer.is_idle()
            await mailer.send_mail(HELLO)
            return before, mailer.is_idle()

        assert front(scenario, Recorder()) == (True, False)

    def test_one_that_cannot_say_is_always_idle(self, front) -> None:
        async def scenario(mailer):
            return mailer.is_idle()

        assert front(scenario, Bare()) is True

    def test_the_counts_of_a_pool(self, front) -> None:
        async def scenario(mailer):
            return mailer.stats()

        stats = front(scenario, smtp_pool(max_connections=3))
        assert isinstance(stats, PoolStats)
        assert stats.limit == 3

    def test_one_that_counts_nothing_has_counted_nothing(self, front) -> None:
        async def scenario(mailer):
            return mailer.stats()

        assert front(scenario, Bare()) == PoolStats()

    def test_transport_and_defaults_as_given(self, front) -> None:
        transport, defaults = memory(), {"from": "a@example.com", "replyTo": "c@example.com"}

        async def scenario(mailer):
            return mailer.transport, mailer.defaults

        assert front(scenario, transport, defaults) == (transport, defaults)


class TestClose:
    def test_drains_and_passes_the_report_on(self, front) -> None:
        transport = Recorder(report=CloseReport(sent=3))

        async def scenario(mailer):
            report = await mailer.close(timeout=5)
            calls = list(transport.calls)
            return report, calls

        assert front(scenario, transport) == (CloseReport(sent=3), [("close", True, 5)])

    def test_drops_what_is_queued_if_told_to(self, front) -> None:
        transport = Recorder()

        async def scenario(mailer):
            await mailer.close(drain=False)
            return list(transport.calls)

        assert front(scenario, transport) == [("close", False, None)]

    @pytest.mark.parametrize("transport", [Recorder, Bare, memory, smtp_pool])
    def test_a_second_call_is_harmless(self, front, transport) -> None:
        async def scenario(mailer):
            await mailer.close()
            return await mailer.close()

        assert front(scenario, transport()) == CloseReport()

    def test_leaving_the_block_drains(self, front) -> None:
        transport = Recorder()

        async def scenario(mailer):
            pass

        front(scenario, transport)
        assert transport.calls == [("close", True, None)]

    def test_an_exception_that_passes_through_the_block_does_not_drain_and_stays(self, front) -> None:
        transport = Recorder()

        async def scenario(mailer):
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            front(scenario, transport)
        assert transport.calls == [("close", False, None)]

    def test_takes_a_timedelta_and_refuses_milliseconds(self, front) -> None:
        transport = Recorder()

        async def scenario(mailer):
            with pytest.raises(ConfigError, match="milliseconds"):
                await mailer.close(timeout=30_000)
            await mailer.close(timeout=timedelta(minutes=2))
            return list(transport.calls)

        assert front(scenario, transport) == [("close", True, 120.0)]


class TestTheColourOfATransport:
    def test_a_plain_send_runs_in_the_callers_thread_if_that_may_block(self, front) -> None:
        threads: list[threading.Thread] = []

        class Noting(Bare):
            def send(self, mail):
                threads.append(threading.current_thread())
                return super().send(mail)

        async def scenario(mailer):
            await mailer.send_mail(HELLO)

        front(scenario, Noting())
        assert (threads == [threading.current_thread()]) == (front.colour == "sync")

    def test_a_plain_send_may_return_something_to_await(self, front) -> None:
        class Later(Bare):
            def send(self, mail):
                async def send():
                    return Bare.send(self, mail)

                return send()

        async def scenario(mailer):
            return await mailer.send_mail(HELLO)

        assert front(scenario, Later()).accepted == ("b@example.com",)

    def test_a_coroutine_that_waits_through_the_runtime_serves_both(self, front) -> None:
        async def nap(mail):
            await mail.runtime.sleep(0.001)
            assert await mail.runtime.offload(int, "3") == 3

        async def scenario(mailer):
            return await mailer.send_mail(HELLO)

        assert front(scenario, Recorder(sending=nap)).accepted == ("b@example.com",)

    def test_one_that_needs_a_loop_is_told_apart_in_the_sync_mailer(self) -> None:
        import asyncio

        mailer = create_transport(Recorder(sending=lambda mail: asyncio.sleep(0)))
        with pytest.raises(SuspendedError, match="create_async_transport"):
            mailer.send_mail(HELLO)

    def test_whatever_it_raises_arrives_as_it_is(self, front) -> None:
        error = ZeroDivisionError("mine")

        def fail(mail):
            raise error

        async def scenario(mailer):
            with pytest.raises(ZeroDivisionError) as caught:
                await mailer.send_mail(HELLO)
            return caught.value

        assert front(scenario, Recorder(sending=fail)) is error


class TestTheMailersOwnOptions:
    @pytest.mark.parametrize(
        ("option", "message", "error"),
        [
            ({"max_recipients": 1}, {"to": ["b@example.com", "c@example.com"]}, EnvelopeError),
            ({"disable_file_access": True}, {"attachments": [{"path": __file__}]}, MessageError),
            ({"disable_url_access": True}, {"attachments": [{"href": "http://example.com/a"}]}, MessageError),
            ({"disableFileAccess": True}, {"attachments": [{"path": __file__}]}, MessageError),
        ],
        ids=str,
    )
    def test_limit_each_message(self, front, option, message, error) -> None:
        async def scenario(mailer):
            with pytest.raises(error):
                await mailer.send_mail({**HELLO, **message})

        front(scenario, memory(), **option)
        front(scenario, {"jsonTransport": True, **option})

    def test_x_mailer_says_who_sent_it(self, front) -> None:
        transport = memory()

        async def scenario(mailer):
            await mailer.send_mail(HELLO)
            await mailer.send_mail(HELLO, x_mailer="theirs")

        front(scenario, transport, x_mailer="ours")
        assert [message_from_bytes(each.content)["X-Mailer"] for each in transport.messages] == ["ours", "theirs"]

    def test_nobody_is_named_unasked(self, front) -> None:
        transport = memory()

        async def scenario(mailer):
            await mailer.send_mail(HELLO)

        front(scenario, transport)
        assert message_from_bytes(transport.messages[0].content)["X-Mailer"] is None

    def test_attach_data_urls_makes_images_of_them(self, front) -> None:
        transport = memory()
        html = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'

        async def scenario(mailer):
            await mailer.send_mail({**HELLO, "html": html})
            await mailer.send_mail({**HELLO, "html": html, "attach_data_urls": False})

        front(scenario, transport, attach_data_urls=True)
        assert [b"image/gif" in each.content.replace(b"data:image/gif", b"") for each in transport.messages] == [
            True,
            False,
        ]

    @pytest.mark.parametrize(
        ("wrong", "hint"),
        [
            ({"max_recipient": 5}, "max_recipients"),
            ({"maxRecipients": "5"}, "max_recipients"),
            ({"max_recipients": 0}, "max_recipients"),
            ({"disable_file_acess": True}, "disable_file_access"),
            ({"disable_url_access": "yes"}, "disable_url_access"),
            ({"dkim": 5}, "(?i)dkim"),
            ({"dkim": {"domainName": "example.com", "keySelector": "s", "privateKey": "none"}}, "(?i)key"),
            ({"max_recipients": 5, "maxRecipients": 5}, "same option"),
        ],
        ids=str,
    )
    def test_one_that_is_wrong_is_refused_at_once(self, front, wrong, hint) -> None:
        with pytest.raises(ConfigError, match=hint):
            front.create(memory(), **wrong)

    def test_a_mailer_shows_its_transport(self, front) -> None:
        async def scenario(mailer):
            return repr(getattr(mailer, "mailer", mailer))

        assert "MemoryTransport" in front(scenario, memory())
