"""What waits at sockets leaves behind in an event loop: one descriptor and one timer, and nothing once it is closed.

Knows the asyncio runtime; nothing of mail.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import selectors
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from pymailer.runtime import READ, WRITE
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.watch import EpollWatch

PATIENCE = 10.0
SHORT = 0.02

needs_epoll = pytest.mark.skipif(not hasattr(select, "epoll"), reason="the system has no epoll")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

RUNTIME = AsyncioRuntime()


def uvloop_loop():
    return pytest.importorskip("uvloop").new_event_loop()


def select_loop():
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


@pytest.fixture(
    scope="module", params=[asyncio.new_event_loop, select_loop, uvloop_loop], ids=["asyncio", "select", "uvloop"]
)
def new_loop(request):
    """Makes event loops of one kind."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        runner.run(asyncio.sleep(0))  # uvloop opens, once, what libuv never closes
    return request.param


def run(scenario, new_loop=None):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(scenario)


async def readable(sock, patience=PATIENCE):
    return await RUNTIME.wait([(sock, READ)], time.monotonic() + patience)


async def parked(coroutine):
    """A task that has come as far as it can."""
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    return task


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@contextmanager
def no_collection():
    """What goes must go by itself, not because a collection happens to come by."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture
def looks(monkeypatch):
    """The looks that are had, each as a number of signs."""
    looks = []
    look = EpollWatch.look

    def counted(watch, seconds):
        found = look(watch, seconds)
        looks.append(len(found))
        return found

    monkeypatch.setattr(EpollWatch, "look", counted)
    return looks


class TestALoopThatIsClosed:
    def open_descriptors(self):
        return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0

    def test_leaves_no_descriptor(self, pair, new_loop):
        ours, theirs = pair
        theirs.send(b"x")
        run(readable(ours), new_loop)
        before = self.open_descriptors()
        with no_collection():
            for _ in range(50):
                assert run(readable(ours), new_loop) == [ours]
            assert self.open_descriptors() == before

    def test_leaves_no_descriptor_though_one_still_waits(self, pair, new_loop):
        ours, _ = pair

        def leave_waiting():
            loop = new_loop()
            task = loop.create_task(readable(ours))
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            task._log_destroy_pending = False  # which is what is tried here

        before = self.open_descriptors()
        for _ in range(5):
            leave_waiting()
            gc.collect()
        assert self.open_descriptors() == before

    def test_can_be_followed_by_another(self, pair, new_loop):
        ours, theirs = pair
        for _ in range(3):
            theirs.send(b"x")
            assert run(readable(ours), new_loop) == [ours]
            ours.recv(1)
            with pytest.raises(TimeoutError):
                run(readable(ours, 0.001), new_loop)


@needs_epoll
class TestASocketThatNobodyWaitsAt:
    def test_keeps_no_loop_busy(self, pair, looks):
        ours, theirs = pair

        async def scenario():
            await cancelled(await parked(readable(ours)))
            theirs.send(b"nobody listens")
            await asyncio.sleep(SHORT)

        run(scenario())
        assert looks == [0]

    def test_keeps_no_loop_busy_while_another_waits_there(self, pair, looks):
        ours, theirs = pair

        async def give_up():
            with pytest.raises(TimeoutError):
                await readable(ours, 0.001)

        with asyncio.Runner() as first, asyncio.Runner() as second:
            first.run(give_up())
            theirs.send(b"x")
            assert second.run(readable(ours)) == [ours]
            looks.clear()
            first.run(asyncio.sleep(SHORT))
            assert sum(looks) == 0
            assert len(looks) <= 1
            assert first.run(readable(ours)) == [ours]
            assert second.run(readable(ours)) == [ours]

    def test_is_woken_for_by_one_sign_each_time(self, pair, looks):
        ours, theirs = pair

        async def scenario():
            for _ in range(5):
                task = await parked(readable(ours))
                theirs.send(b"x")
                await task
                ours.recv(1)

        run(scenario())
        assert looks == [1] * 5


class TestCancellation:
    def test_in_the_turn_in_which_the_socket_became_ready_loses_nothing(self, pair, new_loop):
        ours, theirs = pair

        async def scenario():
            task = await parked(readable(ours))
            theirs.send(b"x")
            await asyncio.sleep(0)  # the loop sees the sign,
            await asyncio.sleep(0)  # looks, and is about to resume the task
            assert task._fut_waiter.done()
            await cancelled(task)
            return await readable(ours)

        if new_loop is uvloop_loop:
            pytest.skip("uvloop has no turn between the sign and the task")
        assert run(scenario(), new_loop) == [ours]

    def test_leaves_a_socket_that_can_be_waited_at(self, pair, new_loop):
        ours, theirs = pair

        async def scenario():
            for _ in range(3):
                await cancelled(await parked(readable(ours)))
            theirs.send(b"x")
            return await readable(ours)

        assert run(scenario(), new_loop) == [ours]

    def test_of_one_of_many_leaves_the_others(self, new_loop):
        pairs = [socket.socketpair() for _ in range(8)]

        async def scenario():
            tasks = [await parked(readable(ours)) for ours, _ in pairs]
            for task in tasks[::2]:
                await cancelled(task)
            for _, theirs in pairs:
                theirs.send(b"x")
            return await asyncio.gather(*tasks[1::2])

        assert run(scenario(), new_loop) == [[ours] for ours, _ in pairs[1::2]]
        for sock in (sock for pair in pairs for sock in pair):
            sock.close()


class TestDeadlines:
    def order_of_expiry(self, patience, new_loop):
        pairs = [socket.socketpair() for _ in patience]
        order = []

        async def wait(sock, seconds):
            with pytest.raises(TimeoutError):
                await readable(sock, seconds)
            order.append(seconds)

        async def scenario():
            await asyncio.gather(*(wait(ours, each) for (ours, _), each in zip(pairs, patience, strict=True)))

        run(scenario(), new_loop)
        for sock in (sock for pair in pairs for sock in pair):
            sock.close()
        return order

    @pytest.mark.parametrize("patience", [(0.01, 0.02, 0.03), (0.03, 0.02, 0.01), (0.02, 0.03, 0.01), (0, -1, 0.01)])
    def test_pass_in_their_order(self, patience, new_loop):
        assert self.order_of_expiry(patience, new_loop) == sorted(patience)

    def test_that_were_met_do_not_shorten_the_next(self, pair, new_loop):
        ours, theirs = pair

        async def scenario():
            theirs.send(b"x")
            await readable(ours, SHORT)
            ours.recv(1)
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                await readable(ours, 2 * SHORT)
            return time.monotonic() - started

        assert 2 * SHORT <= run(scenario(), new_loop) < PATIENCE

    @needs_epoll
    def test_need_one_timer_for_many_waits(self, pair):
        ours, theirs = pair

        async def scenario():
            loop = asyncio.get_running_loop()
            for _ in range(20):
                theirs.send(b"x")
                await readable(ours)
                ours.recv(1)
            return len(loop._scheduled)

        assert run(scenario()) == 1


@needs_fork
class TestAForkedChild:
    def status_of(self, child):
        """The exit status of a child that does `child` and no more."""
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = 0 if child() else 1
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_waits_in_a_loop_of_its_own_and_takes_nothing_from_its_parent(self, pair):
        ours, theirs = pair

        async def scenario():
            task = await parked(readable(ours))
            theirs.send(b"x")
            return self.status_of(lambda: run(readable(ours)) == [ours]), await task

        assert run(scenario()) == (0, [ours])

    def test_waits_in_a_loop_that_its_parent_had_used(self, pair):
        ours, theirs = pair
        theirs.send(b"x")
        with asyncio.Runner() as runner:
            runner.run(readable(ours))
            assert self.status_of(lambda: runner.run(readable(ours)) == [ours]) == 0
            assert runner.run(readable(ours)) == [ours]


class TestALoopWithoutALookout:
    @pytest.fixture(autouse=True)
    def _has_no_epoll(self, monkeypatch):
        monkeypatch.delattr(select, "epoll", raising=False)  # of which asyncio's own loop has one; hence `select_loop`

    def test_waits(self, pair):
        ours, theirs = pair

        async def scenario():
            task = await parked(readable(ours))
            theirs.send(b"x")
            return await task, await RUNTIME.wait([(ours, READ | WRITE)], None)

        assert run(scenario(), select_loop) == ([ours], [ours])

    def test_keeps_its_deadlines(self, pair):
        with pytest.raises(TimeoutError):
            run(readable(pair[0], SHORT), select_loop)

    def test_leaves_no_reader_when_a_wait_is_cancelled(self, pair):
        ours, _ = pair

        async def scenario():
            await cancelled(await parked(readable(ours)))
            return asyncio.get_running_loop().remove_reader(ours)

        assert run(scenario(), select_loop) is False

    def test_serves_a_new_socket_with_the_number_of_a_closed_one(self):
        async def scenario():
            for _ in range(3):
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    await cancelled(await parked(readable(ours)))
                    theirs.send(b"x")
                    assert await readable(ours) == [ours]

        run(scenario(), select_loop)
