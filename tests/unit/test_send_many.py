"""A batch: how much is pulled, how much is under way, what is told, and how it ends (API, `send_many`)."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import attrs
import pytest

from pymailer import (
    ConfigError,
    ConnectError,
    Delivery,
    Mail,
    MailTimeoutError,
    MessageError,
    Outcome,
    create_async_transport,
    create_transport,
)
from pymailer.transports import memory, smtp
from pymailer_smtp_pool import smtp_pool
from tests.fronts import Front
from tests.recording import Bare, Recorder


def message(number: int) -> dict[str, Any]:
    return {"from": "a@example.com", "to": f"r{number}@example.com", "subject": str(number), "text": "Hello"}


def number_of(delivery: Delivery) -> int:
    return int(delivery.message["subject"])


@attrs.define(eq=False)
class Load:
    """A transport's `sending`: it notes how many messages are under way, and lets each wait."""

    nap: float = 0.002
    now: int = 0
    most: int = 0
    done: int = 0

    async def __call__(self, mail: Mail) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await mail.runtime.sleep(self.nap)
        finally:
            self.now -= 1
        self.done += 1


@attrs.define(eq=False)
class Counted:
    """An endless source that knows how much was taken from it, and whether it was left."""

    pulled: int = 0
    closed: bool = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            while True:
                self.pulled += 1
                yield message(self.pulled)
        finally:
            self.closed = True


async def later(messages: Any, pause: Callable[[], Any] = lambda: asyncio.sleep(0)) -> AsyncIterator[Any]:
    """The same messages, each after some waiting."""
    for each in messages:
        await pause()
        yield each


SOURCES = [(Front("sync"), False), (Front("async"), False), (Front("async"), True)]
"""Each front, and whether its source is asynchronous."""


class TestWhatComesBack:
    def test_is_one_delivery_for_each_message_with_the_object_that_was_given(self, front) -> None:
        batch = [message(number) for number in range(20)]

        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many(batch)]

        found = front(scenario, memory())
        assert sorted(map(number_of, found)) == list(range(20))
        assert {id(delivery.message) for delivery in found} == {id(each) for each in batch}
        assert all(delivery.ok and delivery.info.accepted for delivery in found)

    def test_comes_as_each_one_settles_not_in_the_order_given(self, front) -> None:
        async def slow_first(mail: Mail) -> None:
            await mail.runtime.sleep(0.03 if mail.data.subject == "0" else 0)

        async def scenario(mailer):
            found = mailer.send_many(map(message, range(4)), concurrency=2)
            return [number_of(delivery) async for delivery in found]

        assert front(scenario, Recorder(sending=slow_first))[-1] == 0

    def test_is_nothing_for_nothing(self, front) -> None:
        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many([])]

        assert front(scenario, memory()) == []

    def test_takes_every_form_of_a_message(self, front) -> None:
        async def scenario(mailer):
            compiled = await mailer.compile(message(1))
            batch = [message(0), compiled, {**message(2), "from": None, "from_": None}]
            return [delivery.ok async for delivery in mailer.send_many(iter(batch))]

        assert sorted(front(scenario, memory())) == [False, True, True]


class TestAFailure:
    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"to": "nonsense"}, MessageError),
            ({"subjct": "x"}, MessageError),
            ({"attachments": [{"path": "/nonexistent"}]}, MessageError),
        ],
        ids=str,
    )
    def test_of_one_message_is_in_its_delivery_and_harms_no_other(self, front, wrong, error) -> None:
        batch = [message(0), {**message(1), **wrong}, message(2)]

        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many(batch)]

        found = sorted(front(scenario, memory()), key=number_of)
        assert [delivery.ok for delivery in found] == [True, False, True]
        assert isinstance(found[1].error, error)
        assert found[1].outcome is Outcome.NOT_SENT

    @pytest.mark.parametrize("wrong", [None, 5, "text", b"bytes"], ids=repr)
    def test_of_what_is_no_message_at_all_is_one_as_well(self, front, wrong) -> None:
        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many([wrong, message(1)])]

        found = front(scenario, memory())
        assert sorted(delivery.ok for delivery in found) == [False, True]

    def test_of_a_transport_that_raises_anything_is_one_as_well(self, front) -> None:
        def fail(mail: Mail) -> None:
            raise ZeroDivisionError

        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many(map(message, range(3)))]

        found = front(scenario, Recorder(sending=fail))
        assert [type(delivery.error) for delivery in found] == [ZeroDivisionError] * 3

    def test_of_every_message_is_told_for_every_message(self, front) -> None:
        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many(map(message, range(5)))]

        found = front(scenario, "smtp://127.0.0.1:1")
        assert all(isinstance(delivery.error, ConnectError) for delivery in found)
        assert len(found) == 5


class TestTheSource:
    def test_is_asked_only_when_there_is_room(self, front) -> None:
        source, load, seen = Counted(), Load(), []

        async def scenario(mailer):
            async with aclosing(mailer.send_many(source, concurrency=3)) as deliveries:
                async for delivery in deliveries:
                    seen.append(number_of(delivery))
                    assert source.pulled <= len(seen) + 2 * 3
                    if len(seen) == 30:
                        break

        front(scenario, Recorder(sending=load))
        assert load.most == 3

    def test_is_not_asked_while_nobody_takes_the_deliveries(self, front) -> None:
        source = Counted()

        async def scenario(mailer):
            async with aclosing(mailer.send_many(source, concurrency=2)) as deliveries:
                await anext(deliveries)
                before = source.pulled
                for _ in range(20):
                    await asyncio.sleep(0) if front.colour == "async" else None
                return source.pulled - before

        assert front(scenario, memory()) == 0

    def test_that_is_endless_takes_no_more_memory_the_longer_it_lasts(self, front) -> None:
        async def scenario(mailer):
            sizes: list[int] = []
            async with aclosing(mailer.send_many(Counted(), concurrency=4)) as deliveries:
                async for delivery in deliveries:
                    if number_of(delivery) % 200 == 0:
                        gc.collect()
                        sizes.append(tracemalloc.get_traced_memory()[0])
                    if len(sizes) == 4:
                        break
            return sizes

        transport = Bare()
        transport.mails = type("Nowhere", (), {"append": lambda self, mail: None})()
        tracemalloc.start()
        try:
            sizes = front(scenario, transport)
        finally:
            tracemalloc.stop()
        assert sizes[-1] - sizes[1] < 50_000

    def test_may_be_asynchronous_in_the_async_mailer(self) -> None:
        async def scenario():
            async with create_async_transport(memory()) as mailer:
                return [
                    number_of(each) async for each in mailer.send_many(later(map(message, range(9))), concurrency=3)
                ]

        assert sorted(asyncio.run(scenario())) == list(range(9))

    def test_that_is_asynchronous_is_waited_for_while_others_are_under_way(self) -> None:
        load = Load(nap=0.001)

        async def scenario():
            gate = asyncio.Event()

            async def slow() -> AsyncIterator[Any]:
                yield message(0)
                yield message(1)
                await gate.wait()
                yield message(2)

            async with create_async_transport(Recorder(sending=load)) as mailer:
                seen = []
                async for delivery in mailer.send_many(slow(), concurrency=3):
                    seen.append(number_of(delivery))
                    if len(seen) == 2:
                        gate.set()
                return seen

        assert sorted(asyncio.run(scenario())) == [0, 1, 2]

    def test_that_is_asynchronous_is_refused_by_the_sync_mailer(self) -> None:
        with pytest.raises(TypeError, match="not iterable"):
            create_transport(memory()).send_many(later([message(0)]))

    @pytest.mark.parametrize("wrong", [None, 5])
    def test_that_is_none_is_refused_at_once(self, front, wrong) -> None:
        with pytest.raises(TypeError, match="not iterable"):
            front.create(memory()).send_many(wrong)

    @pytest.mark.parametrize(("front", "asynchronous"), SOURCES)
    def test_that_raises_is_told_once_everything_before_it_has_settled(self, front, asynchronous) -> None:
        load, seen = Load(), []

        def source() -> Iterator[Any]:
            yield from map(message, range(5))
            raise LookupError("the database is gone")

        async def scenario(mailer):
            messages = later(source()) if asynchronous else source()
            async for delivery in mailer.send_many(messages, concurrency=3):
                seen.append(number_of(delivery))  # noqa: PERF401 - what came before the error counts

        with pytest.raises(LookupError, match="the database is gone"):
            front(scenario, Recorder(sending=load))
        assert sorted(seen) == [0, 1, 2, 3, 4]
        assert load.now == 0


class TestLeavingTheLoopEarly:
    @pytest.mark.parametrize(("front", "asynchronous"), SOURCES)
    def test_stops_pulling_and_waits_for_what_is_under_way(self, front, asynchronous) -> None:
        source, load = Counted(), Load(nap=0.01)
        transport = Recorder(sending=load)

        async def scenario(mailer):
            messages = later(source) if asynchronous else source
            async with aclosing(mailer.send_many(messages, concurrency=4)) as deliveries:
                await anext(deliveries)
                before = source.pulled
            return load.now, source.pulled - before, source.pulled, len(transport.mails)

        under_way, late, pulled, sent = front(scenario, transport)
        assert (under_way, late) == (0, 0)
        assert pulled == sent <= 8

    def test_by_a_break_is_enough_in_the_sync_mailer(self) -> None:
        load = Load(nap=0.005)
        transport = Recorder(sending=load)
        with create_transport(transport) as mailer:
            for _ in mailer.send_many(Counted(), concurrency=4):
                break
            assert load.now == 0
            assert len(transport.mails) >= 4

    def test_by_a_break_ends_as_soon_as_the_loop_turns_in_the_async_mailer(self) -> None:
        load = Load(nap=0.005)

        async def scenario():
            async with create_async_transport(Recorder(sending=load)) as mailer:
                mailer.on("sent", lambda info: load.now or ended.set())
                async for _ in mailer.send_many(Counted(), concurrency=4):
                    break
                await asyncio.wait_for(ended.wait(), 5)

        ended = asyncio.Event()
        asyncio.run(scenario())
        assert load.done >= 4

    def test_by_an_exception_waits_as_well(self, front) -> None:
        load = Load(nap=0.005)

        async def scenario(mailer):
            async with aclosing(mailer.send_many(Counted(), concurrency=4)) as deliveries:
                async for _ in deliveries:
                    raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            front(scenario, Recorder(sending=load))
        assert load.now == 0
        assert load.done >= 4

    def test_does_not_wait_for_an_asynchronous_source_that_gives_nothing(self) -> None:
        async def scenario():
            ended = []

            async def stuck() -> AsyncIterator[Any]:
                yield message(0)
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    ended.append(True)

            mailer = create_async_transport(Recorder(sending=Load()))
            async with mailer, aclosing(mailer.send_many(stuck(), concurrency=2)) as deliveries:
                await anext(deliveries)
            return ended

        assert asyncio.run(asyncio.wait_for(scenario(), 5)) == [True]

    def test_by_cancelling_the_task_cuts_short_what_is_under_way(self) -> None:
        failed: list[BaseException] = []

        async def scenario():
            begun = asyncio.Event()

            async def wait(mail: Mail) -> None:
                begun.set()
                await mail.runtime.waiter().wait(None)

            async with create_async_transport(Recorder(sending=wait)) as mailer:
                mailer.on("failed", failed.append)

                async def consume() -> None:
                    async for _ in mailer.send_many(Counted(), concurrency=3):
                        raise AssertionError("nothing can settle")

                task = asyncio.create_task(consume())
                await begun.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(scenario())
        assert [type(error) for error in failed] == [asyncio.CancelledError] * 3
        assert {error.outcome for error in failed} == {Outcome.NOT_SENT}

    def test_by_ctrl_c_ends_at_once_in_the_sync_mailer(self) -> None:
        def interrupt(mail: Mail) -> None:
            if mail.data.subject == "2":
                raise KeyboardInterrupt

        with create_transport(Recorder(sending=interrupt)) as mailer, pytest.raises(KeyboardInterrupt):
            list(mailer.send_many(Counted(), concurrency=3))


class TestHowMuchAtOnce:
    @pytest.mark.parametrize(
        ("make", "most"),
        [
            (Recorder, 1),
            (lambda sending: Pooled(sending, max_connections=7), 7),
        ],
        ids=["without a pool", "with one"],
    )
    def test_is_what_the_transport_has_unless_told(self, front, make, most) -> None:
        load = Load()

        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many(map(message, range(30)))]

        front(scenario, make(load))
        assert load.most == most

    def test_is_as_told(self, front) -> None:
        load = Load()

        async def scenario(mailer):
            return [delivery async for delivery in mailer.send_many(map(message, range(30)), concurrency=4)]

        front(scenario, Pooled(load, max_connections=7))
        assert load.most == 4

    def test_is_five_with_a_pool_and_one_without(self) -> None:
        assert smtp_pool().max_connections == 5
        assert not hasattr(smtp(), "max_connections")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"concurrency": 0},
            {"concurrency": "5"},
            {"concurrency": True},
            {"in_flight": 0},
            {"in_flight": 1.5},
            {"timeout": -1},
            {"timeout": 30_000},
        ],
        ids=str,
    )
    def test_that_makes_no_sense_is_refused_at_once(self, front, wrong) -> None:
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            front.create(memory()).send_many([message(0)], **wrong)


class TestTheTimeout:
    def test_is_for_each_message_not_for_all(self, front) -> None:
        async def scenario(mailer):
            found = mailer.send_many(map(message, range(6)), timeout=0.05)
            return [delivery.ok async for delivery in found]

        assert front(scenario, Recorder(sending=Load(nap=0.02))) == [True] * 6

    def test_that_passes_is_that_messages_failure(self, front) -> None:
        async def dawdle(mail: Mail) -> None:
            await mail.runtime.sleep(0.03 if mail.data.subject == "1" else 0)

        async def scenario(mailer):
            mailer.use("compile", dawdle)
            found = mailer.send_many(map(message, range(3)), timeout=0.02)
            return {number_of(delivery): delivery.error async for delivery in found}

        errors = front(scenario, memory())
        assert (errors[0], errors[2]) == (None, None)
        assert isinstance(errors[1], MailTimeoutError)


@attrs.define(eq=False)
class Pooled:
    """A transport that says how many messages it can have under way."""

    sending: Load
    max_connections: int
    name: str = "Pooled"
    version: str = "1"

    async def send(self, mail: Mail) -> Any:
        return await Recorder(sending=self.sending).send(mail)
