"""Sockets under watch: one sign for each arming, whatever became of the socket meanwhile.

Knows the watch and sockets; no runtime.
"""

from __future__ import annotations

import os
import select
import socket
import threading

import pytest

from pymailer.runtime import READ, WRITE
from pymailer.runtime.watch import EpollWatch, Watch, new_watch

PATIENCE = 10.0
SHORT = 0.02

KINDS = [Watch, pytest.param(EpollWatch, marks=pytest.mark.skipif(not hasattr(select, "epoll"), reason="no epoll"))]


@pytest.fixture(params=KINDS)
def watch(request):
    watch = request.param()
    yield watch
    watch.close()


@pytest.fixture
def epoll_watch():
    if not hasattr(select, "epoll"):
        pytest.skip("no epoll")
    watch = EpollWatch()
    yield watch
    watch.close()


def seen(watch, seconds=0.0):
    """Who waits at which ready socket."""
    return [(who, sock) for who, sock, _ in watch.look(seconds)]


class TestALook:
    def test_finds_who_waits_at_a_ready_socket(self, watch, pair):
        ours, theirs = pair
        watch.arm([(ours, READ)], "reader")
        theirs.send(b"x")
        assert seen(watch) == [("reader", ours)]

    def test_finds_what_was_ready_before(self, watch, pair):
        ours, theirs = pair
        theirs.send(b"x")
        watch.arm([(ours, READ)], "reader")
        assert seen(watch) == [("reader", ours)]

    def test_finds_nothing_where_nothing_is_ready(self, watch, pair):
        watch.arm([(pair[0], READ)], "reader")
        assert seen(watch) == []

    def test_waits_for_the_first_sign(self, watch, pair):
        ours, theirs = pair
        watch.arm([(ours, READ)], "reader")
        timer = threading.Timer(SHORT, theirs.send, [b"x"])
        timer.start()
        assert seen(watch, PATIENCE) == [("reader", ours)]
        timer.join()

    def test_finds_each_only_once(self, watch, pair):
        ours, theirs = pair
        theirs.send(b"x")
        watch.arm([(ours, READ)], "reader")
        watch.look(0)
        assert seen(watch) == []

    def test_finds_what_was_armed_again_and_is_still_ready(self, watch, pair):
        ours, theirs = pair
        theirs.send(b"x")
        for _ in range(3):
            watch.arm([(ours, READ)], "reader")
            assert seen(watch) == [("reader", ours)]

    def test_goes_by_what_was_asked_last(self, watch, pair):
        ours, theirs = pair
        watch.arm([(ours, READ | WRITE)], "writer")
        assert seen(watch) == [("writer", ours)]
        watch.arm([(ours, READ)], "reader")
        assert seen(watch) == []
        theirs.send(b"x")
        assert seen(watch) == [("reader", ours)]
        watch.arm([(ours, WRITE)], "writer")
        assert seen(watch) == [("writer", ours)]

    def test_finds_one_who_waits_at_several(self, watch, pair):
        ours, theirs = pair
        descriptors = watch.arm([(ours, READ), (theirs, WRITE)], "racer")
        assert seen(watch) == [("racer", theirs)]
        watch.disarm(descriptors, "racer")
        theirs.send(b"x")
        assert seen(watch) == []


class TestWhoWaitsNoLonger:
    def test_is_not_found(self, watch, pair):
        ours, theirs = pair
        watch.disarm(watch.arm([(ours, READ)], "reader"), "reader")
        theirs.send(b"x")
        assert seen(watch) == []

    def test_takes_nothing_from_another_who_waits_there(self, watch, pair):
        ours, theirs = pair
        descriptors = watch.arm([(ours, READ)], "first")
        watch.arm([(ours, READ)], "second")
        watch.disarm(descriptors, "first")
        theirs.send(b"x")
        assert seen(watch) == [("second", ours)]

    def test_was_refused_because_one_of_several_is_closed(self, watch, pair):
        ours, theirs = pair
        theirs.send(b"x")
        closed = socket.socket()
        closed.close()
        with pytest.raises(ValueError):
            watch.arm([(ours, READ), (closed, READ)], "racer")
        assert seen(watch) == []

    def test_costs_no_second_look(self, epoll_watch, pair):
        ours, theirs = pair
        epoll_watch.disarm(epoll_watch.arm([(ours, READ)], "reader"), "reader")
        theirs.send(b"nobody listens")
        epoll_watch.look(0)
        assert not _is_readable(epoll_watch)


class TestAClosedSocket:
    def test_is_passed_over(self, watch, pair):
        ours, theirs = pair
        other, peer = socket.socketpair()
        watch.arm([(ours, READ)], "reader")
        watch.arm([(other, READ)], "unlucky")
        with peer:
            other.close()
            theirs.send(b"x")
            assert seen(watch) == [("reader", ours)]

    def test_leaves_its_number_to_a_new_one(self, watch):
        numbers = set()
        for name in ("first", "second", "third"):
            ours, theirs = socket.socketpair()
            with ours, theirs:
                numbers.add(ours.fileno())
                watch.arm([(ours, READ)], name)
                assert seen(watch) == []
                theirs.send(b"x")
                assert seen(watch) == [(name, ours)]
                watch.arm([(ours, READ)], name)
        assert len(numbers) == 1

    def test_is_told_from_a_new_one_with_its_number_when_its_wait_ends(self, watch):
        first, peer = socket.socketpair()
        descriptors = watch.arm([(first, READ)], "first")
        first.close()
        peer.close()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert watch.arm([(ours, READ)], "second") == descriptors
            watch.disarm(descriptors, "first")
            theirs.send(b"x")
            assert seen(watch) == [("second", ours)]

    def test_that_a_forked_child_still_holds_disturbs_once_at_most(self, epoll_watch):
        ours, theirs = socket.socketpair()
        epoll_watch.arm([(ours, READ)], "reader")
        copy = os.dup(ours.fileno())  # as the child's is: the kernel watches until the last copy is closed
        ours.close()
        theirs.close()
        epoll_watch.look(0)
        assert not _is_readable(epoll_watch)
        os.close(copy)


def _is_readable(watch):
    return bool(select.select([watch.fileno()], [], [], 0)[0])


def test_the_watch_of_a_system_without_epoll_needs_none(monkeypatch):
    monkeypatch.delattr(select, "epoll", raising=False)
    assert type(new_watch()) is Watch
