"""Middleware: what it sees at each step, what it may change, and how it ends a send (API, section 8)."""

from __future__ import annotations

import asyncio
import gc
from email import message_from_bytes

import attrs
import pytest

from pymailer import ConfigError, Envelope, Mail, Message, MessageError, Outcome, create_transport
from pymailer.runtime import SuspendedError
from pymailer.transports import memory
from pymailer_smtp_pool import smtp_pool
from tests.recording import Recorder

HELLO = {"from": "a@example.com", "to": "b@example.com", "subject": "Hi", "text": "Hello"}


def sends(front, *plugins, message=HELLO):
    """The message as it arrives, and its envelope, after these plugins: pairs of step and plugin."""
    transport = memory()

    async def scenario(mailer):
        for step, plugin in plugins:
            mailer.use(step, plugin)
        await mailer.send_mail(message)

    front(scenario, transport)
    return transport.messages[0]


class TestUse:
    def test_returns_the_mailer(self, front) -> None:
        async def scenario(mailer):
            real = getattr(mailer, "mailer", mailer)
            return mailer.use("compile", lambda mail: None).use("stream", lambda mail: None) is real

        assert front(scenario, memory()) is True

    def test_without_a_plugin_is_a_decorator_that_leaves_the_function_as_it_is(self, front) -> None:
        transport = memory()

        async def scenario(mailer):
            @mailer.use("compile")
            def shout(mail: Mail) -> None:
                """Make it loud."""
                mail.data.subject = mail.data.subject.upper()

            assert shout.__doc__ == "Make it loud."
            await mailer.send_mail(HELLO)

        front(scenario, transport)
        assert message_from_bytes(transport.messages[0].content)["Subject"] == "HI"

    @pytest.mark.parametrize(("step", "closest"), [("compiled", "compile"), ("steam", "stream"), ("sending", None)])
    def test_refuses_an_unknown_step_in_both_forms(self, front, step, closest) -> None:
        hint = f"did you mean '{closest}'" if closest else "the steps are compile and stream"

        async def scenario(mailer):
            with pytest.raises(ConfigError, match=hint):
                mailer.use(step, lambda mail: None)
            with pytest.raises(ConfigError, match=hint):
                mailer.use(step)

        front(scenario, memory())

    def test_refuses_what_cannot_be_called(self, front) -> None:
        async def scenario(mailer):
            with pytest.raises(ConfigError, match="int cannot be called"):
                mailer.use("compile", 5)

        front(scenario, memory())

    def test_runs_every_plugin_in_the_order_of_its_coming(self, front) -> None:
        order: list[str] = []

        def note(name):
            return lambda mail: order.append(name)

        plugins = [("stream", note("s1")), ("compile", note("c1")), ("compile", note("c2")), ("stream", note("s2"))]
        sends(front, *plugins)
        assert order == ["c1", "c2", "s1", "s2"]


class TestTheCompileStep:
    def test_may_change_any_field(self, front) -> None:
        def change(mail: Mail) -> None:
            mail.data.subject = "Changed"
            mail.data.to = ["c@example.com"]
            mail.data.headers["X-One"] = "1"
            mail.data.attachments.append({"content": "text", "filename": "a.txt"})

        stored = sends(front, ("compile", change))
        message = message_from_bytes(stored.content)
        assert (message["Subject"], message["To"], message["X-One"]) == ("Changed", "c@example.com", "1")
        assert stored.envelope.to == ("c@example.com",)
        assert [part.get_filename() for part in message.walk() if part.get_filename()] == ["a.txt"]

    def test_may_put_another_message_in_its_place(self, front) -> None:
        def replace(mail: Mail) -> None:
            mail.data = attrs.evolve(mail.data, subject="Other")

        assert message_from_bytes(sends(front, ("compile", replace)).content)["Subject"] == "Other"

    def test_may_give_the_message_ready_made(self, front) -> None:
        def replace(mail: Mail) -> None:
            mail.data = Message(raw=b"From: a@example.com\r\nTo: b@example.com\r\n\r\nready\r\n")

        assert sends(front, ("compile", replace)).content.endswith(b"\r\n\r\nready\r\n")

    def test_sees_the_message_with_its_defaults_and_before_it_is_composed(self, front) -> None:
        seen: list[object] = []

        async def scenario(mailer):
            mailer.use("compile", lambda mail: seen.append((mail.data.from_, mail.data.subject, mail.message)))
            await mailer.send_mail(to="b@example.com", subject="Hi")

        front(scenario, memory(), {"from": "a@example.com"})
        assert seen == [("a@example.com", "Hi", None)]

    @pytest.mark.parametrize("form", ["mapping", "Message"])
    def test_does_not_change_what_the_caller_holds(self, front, form) -> None:
        def change(mail: Mail) -> None:
            mail.data.subject = "Changed"
            mail.data.headers["X-One"] = "1"
            mail.data.attachments.append({"content": "b"})

        attachments, headers = [{"content": "a"}], {"X-Two": "2"}
        data = {**HELLO, "attachments": attachments, "headers": headers}
        if form == "Message":
            data = Message(**{("from_" if key == "from" else key): value for key, value in data.items()})
        sends(front, ("compile", change), message=data)
        assert len(attachments) == 1
        assert headers == {"X-Two": "2"}
        assert (data["subject"] if form == "mapping" else data.subject) == "Hi"

    def test_may_be_async(self, front) -> None:
        async def change(mail: Mail) -> None:
            await mail.runtime.sleep(0.001)
            mail.data.subject = await mail.runtime.offload(str.upper, "later")

        assert message_from_bytes(sends(front, ("compile", change)).content)["Subject"] == "LATER"

    def test_what_it_makes_is_checked_as_if_the_caller_had_made_it(self, front) -> None:
        def spoil(mail: Mail) -> None:
            mail.data.subject = "a\r\nBcc: x@example.com"

        with pytest.raises(MessageError):
            sends(front, ("compile", spoil))


class TestTheStreamStep:
    def test_sees_the_composed_message_and_its_envelope(self, front) -> None:
        seen: list[object] = []

        def look(mail: Mail) -> None:
            seen.append((mail.message.headers.get("Subject"), mail.message_id, mail.envelope))
            assert mail.message.size == len(mail.message.as_bytes()) == len(b"".join(mail.message.iter_bytes()))

        stored = sends(front, ("stream", look))
        assert seen == [("Hi", stored.message_id, Envelope("a@example.com", ("b@example.com",)))]

    def test_edits_headers(self, front) -> None:
        def edit(mail: Mail) -> None:
            headers = mail.message.headers
            headers.set("Subject", "Edited")
            headers.add("X-One", "1")
            headers.add("X-One", "2")
            headers.remove("To")

        message = message_from_bytes(sends(front, ("stream", edit)).content)
        assert (message["Subject"], message["To"]) == ("Edited", None)
        assert message.get_all("X-One") == ["1", "2"]

    def test_transforms_the_chunks_after_the_header_edits(self, front) -> None:
        def transform(mail: Mail) -> None:
            mail.message.transform(lambda chunks: (chunk.replace(b"Hello", b"HELLO") for chunk in chunks))
            mail.message.headers.set("Subject", "Hello")

        content = sends(front, ("stream", transform)).content
        assert b"Subject: HELLO\r\n" in content
        assert content.endswith(b"\r\n\r\nHELLO\r\n")

    def test_one_transform_works_on_what_the_last_one_gave(self, front) -> None:
        def replacing(old: bytes, new: bytes):
            return lambda mail: mail.message.transform(lambda chunks: [b"".join(chunks).replace(old, new)])

        stored = sends(front, ("stream", replacing(b"Hello", b"once")), ("stream", replacing(b"once", b"twice")))
        assert stored.content.endswith(b"\r\n\r\ntwice\r\n")

    def test_may_change_the_envelope(self, front) -> None:
        def divert(mail: Mail) -> None:
            mail.envelope = Envelope("bounces@example.com", ("trap@example.com",))

        stored = sends(front, ("stream", divert))
        assert stored.envelope == Envelope("bounces@example.com", ("trap@example.com",))
        assert message_from_bytes(stored.content)["To"] == "b@example.com"

    def test_may_be_async(self, front) -> None:
        async def edit(mail: Mail) -> None:
            await mail.runtime.sleep(0)
            mail.message.headers.set("Subject", "Later")

        assert message_from_bytes(sends(front, ("stream", edit)).content)["Subject"] == "Later"

    def test_a_header_with_a_line_end_is_refused(self, front) -> None:
        def spoil(mail: Mail) -> None:
            mail.message.headers.set("X-One", "1\r\nBcc: x@example.com")

        with pytest.raises(MessageError):
            sends(front, ("stream", spoil))


class TestAnException:
    @pytest.mark.parametrize("step", ["compile", "stream"])
    @pytest.mark.parametrize("colour", ["plain", "async"])
    def test_ends_the_send_as_that_exception(self, front, step, colour) -> None:
        error, transport, failed = ZeroDivisionError("mine"), Recorder(), []

        def fail(mail: Mail) -> None:
            raise error

        async def fail_later(mail: Mail) -> None:
            raise error

        async def scenario(mailer):
            mailer.on("failed", failed.append)
            mailer.use(step, fail if colour == "plain" else fail_later)
            with pytest.raises(ZeroDivisionError) as caught:
                await mailer.send_mail(HELLO)
            return caught.value

        assert front(scenario, transport) is error
        assert transport.mails == []
        assert failed == [error]
        assert error.outcome is Outcome.NOT_SENT

    def test_leaves_the_plugins_after_it_alone(self, front) -> None:
        seen: list[str] = []

        def fail(mail: Mail) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            sends(front, ("compile", fail), ("compile", lambda mail: seen.append("compile")))
        assert seen == []

    def test_in_a_transform_ends_the_send_as_well(self, front) -> None:
        def spoil(chunks):
            yield from chunks
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            sends(front, ("stream", lambda mail: mail.message.transform(spoil)))

    def test_ends_one_message_of_many(self, front) -> None:
        def choosy(mail: Mail) -> None:
            if mail.data.subject == "1":
                raise LookupError

        async def scenario(mailer):
            mailer.use("compile", choosy)
            batch = [{**HELLO, "subject": str(number)} for number in range(3)]
            return [(each.message["subject"], each.ok) async for each in mailer.send_many(batch)]

        assert front(scenario, memory()) == [("0", True), ("1", False), ("2", True)]


def test_middleware_that_needs_a_loop_is_told_apart_in_the_sync_mailer() -> None:
    mailer = create_transport(memory()).use("compile", lambda mail: asyncio.sleep(0))
    with pytest.raises(SuspendedError, match="create_async_transport"):
        mailer.send_mail(HELLO)


def test_two_mailers_over_one_transport_have_their_own_middleware(front) -> None:
    transport = memory()

    async def scenario(mailer):
        mailer.use("compile", lambda mail: setattr(mail.data, "subject", "changed"))
        await mailer.send_mail(HELLO)

    async def other(mailer):
        await mailer.send_mail(HELLO)

    front(scenario, transport)
    front(other, transport)
    assert [message_from_bytes(each.content)["Subject"] for each in transport.messages] == ["changed", "Hi"]


def test_a_mailer_that_is_gone_leaves_nothing_on_a_shared_transport():
    pool = smtp_pool(host="localhost")
    listeners = pool._journal.events._listeners
    create_transport(pool)
    gc.collect()
    assert not any(listeners.values())
