"""What a runtime promises: sockets, sleep, waiters and deadlines, the same in each of them.

Knows the runtimes; nothing of mail.
"""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time

import pytest

from pymailer.runtime import READ, WRITE, SuspendedError, aio, maybe_await, run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime, _select
from pymailer.runtime.multiplex import Multiplexer

PATIENCE = 10.0
SHORT = 0.02


def fill(sock):
    """Write until the kernel takes no more."""
    try:
        while True:
            sock.send(b"x" * 65_536)
    except BlockingIOError:
        return


@pytest.fixture(scope="module")
def uvloop():
    module = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=module.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))  # opens, once, what libuv never closes
    return module


class TestRun:
    def test_gives_the_result(self):
        async def work():
            return 42

        assert run(work()) == 42

    def test_lets_an_exception_pass(self):
        async def work():
            raise KeyError("x")

        with pytest.raises(KeyError):
            run(work())

    def test_refuses_what_suspends_and_says_what_to_do(self):
        async def work():
            await asyncio.sleep(0)

        with pytest.raises(SuspendedError, match=r"work awaits an event loop.*create_async_transport"):
            run(work())

    def test_ends_what_suspends(self):
        ended = []

        async def work():
            try:
                await asyncio.sleep(0)
            finally:
                ended.append(True)

        with pytest.raises(SuspendedError):
            run(work())
        assert ended == [True]


class TestMaybeAwait:
    def test_gives_a_plain_value(self):
        assert run(maybe_await(1)) == 1

    def test_awaits_what_is_async(self):
        async def work():
            return 2

        assert run(maybe_await(work())) == 2


class TestWait:
    def test_returns_the_socket_that_can_be_read(self, drive_all, pair):
        ours, theirs = pair
        theirs.send(b"x")

        async def scenario(runtime):
            return await runtime.wait([(ours, READ)], runtime.now() + PATIENCE)

        assert drive_all(scenario) == [ours]

    def test_returns_the_socket_that_can_be_written(self, drive_all, pair):
        ours, _ = pair

        async def scenario(runtime):
            return await runtime.wait([(ours, READ | WRITE)], runtime.now() + PATIENCE)

        assert drive_all(scenario) == [ours]

    def test_returns_when_the_peer_has_gone(self, drive_all, pair):
        ours, theirs = pair
        theirs.close()

        async def scenario(runtime):
            return await runtime.wait([(ours, READ)], runtime.now() + PATIENCE)

        assert drive_all(scenario) == [ours]

    def test_waits_for_the_one_of_several_that_is_ready(self, drive_all, pair):
        ours, theirs = pair
        silent, other = socket.socketpair()
        with silent, other:
            theirs.send(b"x")

            async def scenario(runtime):
                return await runtime.wait([(silent, READ), (ours, READ)], runtime.now() + PATIENCE)

            assert drive_all(scenario) == [ours]

    def test_wakes_for_a_byte_that_comes_later(self, drive_all, pair):
        ours, theirs = pair
        timer = threading.Timer(SHORT, theirs.send, [b"x"])
        timer.start()

        async def scenario(runtime):
            return await runtime.wait([(ours, READ)], runtime.now() + PATIENCE)

        assert drive_all(scenario) == [ours]
        timer.join()

    def test_raises_when_the_deadline_passes(self, drive_all, pair):
        ours, _ = pair

        async def scenario(runtime):
            started = runtime.now()
            with pytest.raises(TimeoutError):
                await runtime.wait([(ours, READ)], started + SHORT)
            return runtime.now() - started

        assert SHORT <= drive_all(scenario) < PATIENCE

    def test_raises_at_once_when_the_deadline_has_passed(self, drive_all, pair):
        ours, _ = pair

        async def scenario(runtime):
            with pytest.raises(TimeoutError):
                await runtime.wait([(ours, READ)], runtime.now() - 1)

        drive_all(scenario)

    def test_serves_what_is_ready_even_if_the_deadline_has_passed(self, drive_all, pair):
        ours, theirs = pair
        theirs.send(b"x")

        async def scenario(runtime):
            return await runtime.wait([(ours, READ)], runtime.now() - 1)

        assert drive_all(scenario) == [ours]

    def test_takes_a_deadline_that_is_years_away(self, drive_all, pair):
        ours, theirs = pair
        theirs.send(b"x")

        async def scenario(runtime):
            return await runtime.wait([(ours, READ)], runtime.now() + 1e10)

        assert drive_all(scenario) == [ours]

    def test_can_be_used_again_after_a_timeout(self, drive_all, pair):
        ours, theirs = pair

        async def scenario(runtime):
            with pytest.raises(TimeoutError):
                await runtime.wait([(ours, READ)], runtime.now())
            theirs.send(b"x")
            return await runtime.wait([(ours, READ)], runtime.now() + PATIENCE)

        assert drive_all(scenario) == [ours]

    def test_tells_reading_from_writing_on_the_same_socket(self, drive_all, pair):
        ours, theirs = pair
        fill(ours)

        async def scenario(runtime):
            with pytest.raises(TimeoutError):
                await runtime.wait([(ours, READ | WRITE)], runtime.now() + SHORT)
            theirs.send(b"x")
            return await runtime.wait([(ours, READ | WRITE)], runtime.now() + PATIENCE)

        assert drive_all(scenario) == [ours]

    def test_serves_a_new_socket_with_the_number_of_a_closed_one(self, drive_all):
        async def scenario(runtime):
            numbers = set()
            for _ in range(3):
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    numbers.add(ours.fileno())
                    with pytest.raises(TimeoutError):
                        await runtime.wait([(ours, READ)], runtime.now() + 0.001)
                    theirs.send(b"x")
                    assert await runtime.wait([(ours, READ)], runtime.now() + PATIENCE) == [ours]
            return numbers

        assert len(drive_all(scenario)) == 1

    def test_works_where_the_system_has_no_poll(self, pair):
        ours, theirs = pair
        assert _select([(ours, READ)], 0) == []
        theirs.send(b"x")
        assert _select([(ours, READ)], 0) == [ours]
        assert _select([(ours, READ | WRITE)], 0) == [ours]


class TestSleep:
    def test_takes_its_time(self, drive_all):
        async def scenario(runtime):
            started = runtime.now()
            await runtime.sleep(SHORT)
            return runtime.now() - started

        assert drive_all(scenario) >= SHORT

    @pytest.mark.parametrize("seconds", [0, -1])
    def test_of_nothing_ends_at_once(self, drive_all, seconds):
        async def scenario(runtime):
            started = runtime.now()
            await runtime.sleep(seconds)
            return runtime.now() - started

        assert drive_all(scenario) < PATIENCE


class TestOffload:
    def test_gives_the_result(self, drive_all):
        async def scenario(runtime):
            return await runtime.offload(divmod, 7, 2)

        assert drive_all(scenario) == (3, 1)

    def test_lets_an_exception_pass(self, drive_all):
        async def scenario(runtime):
            with pytest.raises(ZeroDivisionError):
                await runtime.offload(divmod, 7, 0)

        drive_all(scenario)


class TestWaiter:
    def test_remembers_that_it_was_woken_before(self, drive_all):
        async def scenario(runtime):
            waiter = runtime.waiter()
            assert waiter.wake() is True
            await waiter.wait(runtime.now() + PATIENCE)

        drive_all(scenario)

    def test_stays_woken(self, drive_all):
        async def scenario(runtime):
            waiter = runtime.waiter()
            waiter.wake()
            waiter.wake()
            await waiter.wait(runtime.now() + PATIENCE)
            await waiter.wait(runtime.now() + PATIENCE)

        drive_all(scenario)

    def test_is_woken_from_another_thread(self, drive_all):
        async def scenario(runtime):
            waiter = runtime.waiter()
            timer = threading.Timer(SHORT, waiter.wake)
            timer.start()
            await waiter.wait(runtime.now() + PATIENCE)
            timer.join()

        drive_all(scenario)

    def test_may_be_woken_by_many_at_once(self, drive_all):
        async def scenario(runtime):
            waiter = runtime.waiter()
            threads = [threading.Thread(target=waiter.wake) for _ in range(8)]
            for thread in threads:
                thread.start()
            await waiter.wait(runtime.now() + PATIENCE)
            for thread in threads:
                thread.join()
            await waiter.wait(runtime.now() + PATIENCE)

        drive_all(scenario)

    def test_gives_up_at_the_deadline(self, drive_all):
        async def scenario(runtime):
            waiter = runtime.waiter()
            with pytest.raises(TimeoutError):
                await waiter.wait(runtime.now() + SHORT)

        drive_all(scenario)

    def test_can_be_woken_after_it_gave_up(self, drive_all):
        async def scenario(runtime):
            waiter = runtime.waiter()
            with pytest.raises(TimeoutError):
                await waiter.wait(runtime.now())
            assert waiter.wake() is True

        drive_all(scenario)

    def test_prefers_having_been_woken_to_a_deadline_that_has_passed(self, drive_all):
        async def scenario(runtime):
            waiter = runtime.waiter()
            waiter.wake()
            await runtime.sleep(0)
            await waiter.wait(runtime.now() - 1)

        drive_all(scenario)

    def test_of_a_loop_that_is_gone_says_so(self):
        async def scenario():
            return AsyncioRuntime().waiter()

        waiter = asyncio.run(scenario())
        assert waiter.wake() is False

    def test_of_a_closed_multiplexer_says_so(self):
        multiplexer = Multiplexer()
        waiter = multiplexer.waiter()
        multiplexer.close()
        assert waiter.wake() is False


class TestAsyncioCancellation:
    def test_while_waiting_at_a_socket_leaves_no_reader(self, pair):
        ours, _ = pair

        async def scenario():
            task = asyncio.create_task(AsyncioRuntime().wait([(ours, READ)], time.monotonic() + PATIENCE))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return asyncio.get_running_loop().remove_reader(ours)

        assert asyncio.run(scenario()) is False

    def test_while_waiting_to_be_woken_leaves_the_waiter_usable(self):
        async def scenario():
            waiter = AsyncioRuntime().waiter()
            task = asyncio.create_task(waiter.wait(None))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert waiter.wake() is True
            await waiter.wait(time.monotonic() + PATIENCE)

        asyncio.run(scenario())

    def test_of_a_socket_that_was_closed_meanwhile_leaves_no_reader(self, pair):
        ours, _ = pair

        async def scenario():
            number = ours.fileno()
            task = asyncio.create_task(AsyncioRuntime().wait([(ours, READ)], time.monotonic() + PATIENCE))
            await asyncio.sleep(0)
            ours.close()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return asyncio.get_running_loop().remove_reader(number)

        assert asyncio.run(scenario()) is False


class Proactor(asyncio.SelectorEventLoop):
    """A loop that watches no sockets, as on Windows."""

    def add_reader(self, *args):
        if args[0] is not self._ssock:  # its own, by which it is woken
            raise NotImplementedError
        super().add_reader(*args)

    remove_reader = add_writer = remove_writer = add_reader


class TestALoopThatWatchesNoSockets:
    def run(self, scenario):
        with asyncio.Runner(loop_factory=Proactor) as runner:
            return runner.run(scenario(AsyncioRuntime()))

    def test_is_served_by_a_thread(self, pair):
        ours, theirs = pair
        theirs.send(b"x")

        async def scenario(runtime):
            return await runtime.wait([(ours, READ)], time.monotonic() + PATIENCE)

        assert self.run(scenario) == [ours]

    def test_keeps_its_deadlines(self, pair):
        ours, _ = pair

        async def scenario(runtime):
            with pytest.raises(TimeoutError):
                await runtime.wait([(ours, READ)], time.monotonic() + SHORT)

        self.run(scenario)

    def test_keeps_no_thread_when_a_wait_is_cancelled(self, pair, monkeypatch):
        ours, _ = pair
        monkeypatch.setattr(aio, "_GLANCE", SHORT)

        async def scenario(runtime):
            task = asyncio.create_task(runtime.wait([(ours, READ)], None))
            await asyncio.sleep(SHORT)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        self.run(scenario)  # the end of a loop waits for its threads


class TestMultiplexer:
    def run_all(self, *functions):
        multiplexer = Multiplexer()
        for function in functions:
            multiplexer.spawn(function(multiplexer))
        try:
            while multiplexer.busy:
                multiplexer.step()
        finally:
            multiplexer.close()

    def test_runs_coroutines_side_by_side(self):
        order = []

        def sleeper(name, seconds):
            async def scenario(runtime):
                await runtime.sleep(seconds)
                order.append(name)

            return scenario

        self.run_all(sleeper("long", 0.03), sleeper("short", 0.01), sleeper("none", 0))
        assert order == ["none", "short", "long"]

    def test_lets_one_coroutine_wake_another(self):
        multiplexer = Multiplexer()
        waiter = multiplexer.waiter()
        order = []

        async def sleeper():
            await waiter.wait(multiplexer.now() + PATIENCE)
            order.append("woken")

        async def waker():
            order.append("waking")
            waiter.wake()

        multiplexer.spawn(sleeper())
        multiplexer.spawn(waker())
        while multiplexer.busy:
            multiplexer.step()
        multiplexer.close()
        assert order == ["waking", "woken"]

    def test_expires_one_deadline_and_keeps_the_others(self, pair):
        ours, theirs = pair
        other, _peer = socket.socketpair()
        seen = []

        async def late(runtime):
            with pytest.raises(TimeoutError):
                await runtime.wait([(other, READ)], runtime.now() + 0.01)
            seen.append("expired")
            theirs.send(b"x")

        async def patient(runtime):
            await runtime.wait([(ours, READ)], runtime.now() + PATIENCE)
            seen.append("ready")

        with other, _peer:
            self.run_all(late, patient)
        assert seen == ["expired", "ready"]

    def test_is_not_disturbed_by_a_socket_that_nobody_waits_at_any_more(self, pair):
        ours, theirs = pair

        async def scenario(runtime):
            with pytest.raises(TimeoutError):
                await runtime.wait([(ours, READ)], runtime.now())
            theirs.send(b"nobody listens")
            started = time.process_time()
            await runtime.sleep(0.05)
            assert time.process_time() - started < 0.04  # of the 0.05 s that a busy loop would take

        self.run_all(scenario)

    @pytest.mark.parametrize("missing", [("epoll",), ("epoll", "poll")])
    def test_forgets_closed_sockets_where_the_system_has_less(self, missing, monkeypatch):
        for name in missing:
            monkeypatch.delattr(select, name, raising=False)

        async def scenario(runtime):
            for _ in range(3):
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    theirs.send(b"x")
                    assert await runtime.wait([(ours, READ)], runtime.now() + PATIENCE) == [ours]
                await runtime.sleep(0.001)

        self.run_all(scenario)

    def test_ends_a_step_with_the_exception_of_a_coroutine_and_keeps_the_rest(self):
        multiplexer = Multiplexer()
        done = []

        async def broken():
            raise KeyError("x")

        async def sound():
            done.append(True)

        multiplexer.spawn(broken())
        multiplexer.spawn(sound())
        with pytest.raises(KeyError):
            multiplexer.step()
        while multiplexer.busy:
            multiplexer.step()
        multiplexer.close()
        assert done == [True]

    def test_ends_what_is_left_when_it_is_closed(self):
        multiplexer = Multiplexer()
        ended = []

        async def endless():
            try:
                await multiplexer.sleep(3600)
            finally:
                ended.append(True)

        multiplexer.spawn(endless())
        multiplexer.step()
        multiplexer.close()
        assert (ended, multiplexer.busy) == ([True], False)

    def test_refuses_to_wait_for_a_coroutine_of_another_runtime(self):
        multiplexer = Multiplexer()
        with pytest.raises(RuntimeError, match="another runtime"):
            run(multiplexer.sleep(0))
        multiplexer.close()

    def test_a_bell_that_is_never_answered_does_not_block_who_rings(self):
        multiplexer = Multiplexer()
        waiter = multiplexer.waiter()
        assert all(waiter.wake() for _ in range(2_000))
        multiplexer.close()


class TestAsyncioTasks:
    def run(self, scenario):
        return asyncio.run(scenario(aio.AsyncioTasks()))

    def test_step_returns_when_one_has_finished(self):
        async def scenario(tasks):
            done = []

            async def work(name, waiting):
                await waiting
                done.append(name)

            tasks.spawn(work("long", asyncio.Event().wait()))
            tasks.spawn(work("short", asyncio.sleep(0)))
            await tasks.step()
            await tasks.close()
            return done

        assert self.run(scenario) == ["short"]

    def test_step_ends_with_what_one_raised(self):
        async def scenario(tasks):
            async def broken():
                raise KeyError("x")

            async def sound():
                return

            tasks.spawn(broken())
            tasks.spawn(sound())
            with pytest.raises(KeyError):
                await tasks.step()
            await tasks.step()

        self.run(scenario)

    def test_closing_ends_what_is_left(self):
        ended = []

        async def scenario(tasks):
            async def endless():
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.append(True)

            tasks.spawn(endless())
            await asyncio.sleep(0)
            await tasks.close()

        self.run(scenario)
        assert ended == [True]


class TestBlockingThreads:
    def test_share_one_runtime(self):
        runtime = BlockingRuntime()
        woken = []

        def work():
            waiter = runtime.waiter()
            timer = threading.Timer(SHORT, waiter.wake)
            timer.start()
            run(waiter.wait(runtime.now() + PATIENCE))
            woken.append(True)
            timer.join()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert woken == [True] * 4


class TestAnotherLoop:
    """uvloop keeps its own account of descriptors, so what is watched and closed has to be told to it in order."""

    def test_waits_wakes_and_times_out(self, uvloop, pair):
        ours, theirs = pair

        async def scenario():
            runtime = AsyncioRuntime()
            with pytest.raises(TimeoutError):
                await runtime.wait([(ours, READ)], runtime.now() + 0.001)
            theirs.send(b"x")
            assert await runtime.wait([(ours, READ | WRITE)], runtime.now() + PATIENCE) == [ours]
            waiter = runtime.waiter()
            timer = threading.Timer(SHORT, waiter.wake)
            timer.start()
            await waiter.wait(runtime.now() + PATIENCE)
            timer.join()
            assert await runtime.offload(divmod, 7, 2) == (3, 1)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(scenario())

    def test_serves_a_new_socket_with_the_number_of_a_closed_one(self, uvloop):
        async def scenario():
            runtime = AsyncioRuntime()
            numbers = set()
            for _ in range(3):
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    numbers.add(ours.fileno())
                    task = asyncio.create_task(runtime.wait([(ours, READ)], runtime.now() + PATIENCE))
                    await asyncio.sleep(0)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                    theirs.send(b"x")
                    assert await runtime.wait([(ours, READ)], runtime.now() + PATIENCE) == [ours]
            return numbers

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert len(runner.run(scenario())) == 1

    def test_that_is_gone_cannot_be_woken(self, uvloop):
        async def scenario():
            return AsyncioRuntime().waiter()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            waiter = runner.run(scenario())
        assert waiter.wake() is False
