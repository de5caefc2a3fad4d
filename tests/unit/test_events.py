"""Who is told what, and that telling changes nothing (API, section 10)."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from pymailer import ConfigError, ConnectError, DeliveryUnknownError, Mail, Outcome, create_async_transport
from pymailer.events import EVENTS, Emitter
from pymailer.transports import memory
from pymailer_smtp_pool import smtp_pool
from tests.recording import Bare, Recorder

HELLO = {"from": "a@example.com", "to": "b@example.com", "subject": "Hi", "text": "Hello"}


class TestListening:
    def test_each_listener_is_told_in_the_order_of_its_coming(self) -> None:
        emitter, heard = Emitter(), []
        emitter.on("sent", lambda info: heard.append(("first", info)))
        emitter.on("sent", lambda info: heard.append(("second", info)))
        emitter.emit("sent", 1)
        assert heard == [("first", 1), ("second", 1)]

    def test_nobody_is_told_of_another_event(self) -> None:
        emitter, heard = Emitter(), []
        emitter.on("sent", heard.append)
        emitter.emit("failed", 1)
        assert heard == []

    def test_ends_with_the_function_that_it_returns_even_if_called_twice(self) -> None:
        emitter, heard = Emitter(), []
        unsubscribe = emitter.on("sent", heard.append)
        other = emitter.on("sent", heard.append)
        unsubscribe()
        unsubscribe()
        emitter.emit("sent", 1)
        assert heard == [1]
        other()
        other()
        emitter.emit("sent", 2)
        assert heard == [1]
        assert not emitter.heard("sent")

    def test_may_end_while_everybody_is_being_told(self) -> None:
        emitter, heard = Emitter(), []
        ends = [emitter.on("sent", lambda info: ends[0]()), emitter.on("sent", heard.append)]
        emitter.emit("sent", 1)
        emitter.emit("sent", 2)
        assert heard == [1, 2]

    @pytest.mark.parametrize("front_event", EVENTS)
    def test_every_event_of_the_contract_can_be_listened_for(self, front, front_event) -> None:
        async def scenario(mailer):
            mailer.on(front_event, print)()

        front(scenario, memory())

    @pytest.mark.parametrize(("event", "hint"), [("send", "did you mean 'sent'"), ("x", "the events are idle, clear")])
    def test_an_unknown_event_is_refused(self, front, event, hint) -> None:
        async def scenario(mailer):
            with pytest.raises(ConfigError, match=hint):
                mailer.on(event, print)

        front(scenario, memory())

    def test_what_cannot_be_called_is_refused(self, front) -> None:
        async def scenario(mailer):
            with pytest.raises(ConfigError, match="NoneType"):
                mailer.on("sent", None)

        front(scenario, memory())

    def test_is_safe_from_many_threads(self) -> None:
        emitter, heard = Emitter(), []

        def come_and_go() -> None:
            for _ in range(200):
                emitter.on("sent", print)()
            emitter.on("sent", heard.append)

        threads = [threading.Thread(target=come_and_go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        emitter.emit("sent", 1)
        assert heard == [1] * 4


class TestAListenerThatRaises:
    def test_is_logged_and_the_others_are_told(self, caplog) -> None:
        emitter, heard = Emitter(), []

        def fail(_: object) -> None:
            raise ZeroDivisionError("mine")

        emitter.on("sent", fail)
        emitter.on("sent", heard.append)
        with caplog.at_level(logging.ERROR, "pymailer"):
            emitter.emit("sent", 1)
        assert heard == [1]
        (record,) = caplog.records
        assert record.name == "pymailer.events"
        assert record.event == "sent"
        assert isinstance(record.exc_info[1], ZeroDivisionError)

    @pytest.mark.parametrize("event", ["sent", "failed"])
    def test_changes_nothing_for_the_send(self, front, event) -> None:
        def fail(_: object) -> None:
            raise ZeroDivisionError

        async def scenario(mailer):
            mailer.on(event, fail)
            if event == "sent":
                return (await mailer.send_mail(HELLO)).outcome
            with pytest.raises(ConnectError) as caught:
                await mailer.send_mail(HELLO)
            return caught.value.outcome

        transport = memory(fail_with=None if event == "sent" else "not_sent")
        assert front(scenario, transport) is (Outcome.ACCEPTED if event == "sent" else Outcome.NOT_SENT)


class TestSentAndFailed:
    def test_each_message_that_was_sent_is_told_with_its_result(self, front) -> None:
        heard: list[object] = []

        async def scenario(mailer):
            mailer.on("sent", heard.append)
            one = await mailer.send_mail(HELLO)
            two = await mailer.send_compiled(await mailer.compile(HELLO))
            return [one, two]

        assert front(scenario, memory()) == heard

    def test_each_message_that_was_not_is_told_with_its_error(self, front) -> None:
        heard: list[object] = []

        async def scenario(mailer):
            mailer.on("failed", heard.append)
            with pytest.raises(DeliveryUnknownError) as caught:
                await mailer.send_mail(HELLO)
            return [caught.value]

        assert front(scenario, memory(fail_with="unknown")) == heard

    def test_so_is_one_that_never_reached_the_transport(self, front) -> None:
        heard: list[Exception] = []

        async def scenario(mailer):
            mailer.on("failed", heard.append)
            with pytest.raises(ValueError, match="subject"):
                await mailer.send_mail(HELLO, subjct="Hi")

        front(scenario, memory())
        assert heard[0].outcome is Outcome.NOT_SENT

    def test_so_is_each_message_of_many(self, front) -> None:
        sent: list[object] = []
        failed: list[object] = []

        async def scenario(mailer):
            mailer.on("sent", sent.append)
            mailer.on("failed", failed.append)
            batch = [HELLO, {**HELLO, "to": "nonsense@@example.com"}, HELLO]
            return [delivery.info or delivery.error async for delivery in mailer.send_many(batch)]

        results = front(scenario, memory())
        assert len(sent) == 2
        assert len(failed) == 1
        assert {id(each) for each in results} == {id(each) for each in (*sent, *failed)}

    def test_compiling_is_not_sending(self, front) -> None:
        heard: list[object] = []

        async def scenario(mailer):
            mailer.on("sent", heard.append)
            await mailer.compile(HELLO)

        front(scenario, memory())
        assert heard == []

    def test_the_log_has_the_same_as_fields(self, front, caplog) -> None:
        async def scenario(mailer):
            await mailer.send_mail(HELLO, message_id="<1@example.com>")
            transport.fail_with = "unknown"
            with pytest.raises(DeliveryUnknownError):
                await mailer.send_mail(HELLO, message_id="<2@example.com>")

        transport = memory()
        with caplog.at_level(logging.INFO, "pymailer"):
            front(scenario, transport)
        found = [(record.name, record.message_id, record.outcome) for record in caplog.records]
        assert found == [
            ("pymailer.mailer", "<1@example.com>", "accepted"),
            ("pymailer.mailer", "<2@example.com>", "unknown"),
        ]


class TestASendThatIsCutShort:
    @pytest.mark.parametrize("outcome", [Outcome.NOT_SENT, Outcome.UNKNOWN])
    def test_a_cancelled_task_ends_as_ever_and_the_event_says_the_outcome(self, outcome, caplog) -> None:
        heard: list[BaseException] = []

        async def scenario() -> None:
            begun = asyncio.Event()

            async def wait(mail: Mail) -> None:
                mail.outcome = outcome
                begun.set()
                await mail.runtime.waiter().wait(None)

            async with create_async_transport(Recorder(sending=wait)) as mailer:
                mailer.on("failed", heard.append)
                task = asyncio.create_task(mailer.send_mail(HELLO))
                await begun.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert task.cancelled()

        with caplog.at_level(logging.WARNING, "pymailer"):
            asyncio.run(scenario())
        (error,) = heard
        assert isinstance(error, asyncio.CancelledError)
        assert error.outcome is outcome
        assert caplog.records[0].outcome == str(outcome)

    def test_so_does_ctrl_c(self, front) -> None:
        heard: list[BaseException] = []

        def interrupt(mail: Mail) -> None:
            mail.outcome = Outcome.UNKNOWN
            raise KeyboardInterrupt

        async def scenario(mailer):
            mailer.on("failed", heard.append)
            await mailer.send_mail(HELLO)

        with pytest.raises(KeyboardInterrupt):
            front(scenario, Recorder(sending=interrupt))
        assert heard[0].outcome is Outcome.UNKNOWN


class TestWhatTheTransportSays:
    @pytest.mark.parametrize("event", ["idle", "clear", "error", "log", "token"])
    def test_is_passed_on(self, front, event) -> None:
        transport, heard = Recorder(), []

        async def scenario(mailer):
            mailer.on(event, lambda *arguments: heard.append(arguments))
            transport.tell(event, "something")

        front(scenario, transport)
        assert heard == [("something",)]

    def test_is_passed_to_each_mailer_of_a_shared_transport_while_it_is_open(self, front) -> None:
        transport, heard = Recorder(), []

        async def scenario(mailer):
            mailer.on("idle", lambda: heard.append("idle"))
            transport.tell("idle")

        front(scenario, transport)
        transport.tell("idle")
        assert heard == ["idle"]
        assert transport.listeners == []

    def test_a_transport_that_says_nothing_will_do(self, front) -> None:
        async def scenario(mailer):
            mailer.on("idle", print)
            await mailer.send_mail(HELLO)

        front(scenario, Bare())

    def test_a_pool_tells_when_it_has_room_again_and_when_it_is_empty(self, front) -> None:
        from pymailer.testing import SMTPServer

        heard: list[str] = []

        async def scenario(mailer):
            mailer.on("idle", lambda: heard.append("idle"))
            mailer.on("clear", lambda: heard.append("clear"))
            await mailer.send_mail(HELLO)
            await mailer.close()

        with SMTPServer() as server:
            front(scenario, smtp_pool(host=server.host, port=server.port, max_connections=1))
        assert heard == ["idle", "clear"]

    def test_a_dialogue_is_told_line_by_line_when_debug_is_on(self, front) -> None:
        from pymailer.testing import SMTPServer

        heard: list[dict[str, object]] = []

        async def scenario(mailer):
            mailer.on("log", heard.append)
            await mailer.send_mail(HELLO)

        with SMTPServer() as server:
            front(scenario, f"smtp://127.0.0.1:{server.port}/?debug=true")
        assert {"type", "message", "cid"} <= heard[0].keys()
        assert {"client", "server"} <= {entry["type"] for entry in heard}
        assert any(str(entry["message"]).startswith("MAIL FROM:<a@example.com>") for entry in heard)
