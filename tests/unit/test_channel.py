"""A channel over a plain socket: what is written, what is heard meanwhile, and what was certainly not sent.

The peer is the other end of a socket pair, or a listener on loopback where a reset matters.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
import traceback

import pytest

from pymailer.net.channel import _KEEP_LIMIT, Channel
from pymailer.runtime import run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime
from tests.peers.listener import listening

PATIENCE = 10.0
BIG = b"x" * 4_000_000


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    theirs.settimeout(PATIENCE)
    channel = Channel(ours, "mx.test:25")
    with theirs:
        yield channel, theirs
        channel.close()


def receive_all(sock):
    pieces = []
    while piece := sock.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def reset(sock):
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class TestReading:
    def test_gives_what_came(self, drive_all, pair):
        channel, theirs = pair
        theirs.sendall(b"220 hi\r\n")

        async def scenario(runtime):
            return await channel.read(runtime, runtime.now() + PATIENCE)

        assert drive_all(scenario) == b"220 hi\r\n"

    def test_waits_for_what_comes_later(self, drive_all, pair):
        channel, theirs = pair
        timer = threading.Timer(0.02, theirs.sendall, [b"later"])
        timer.start()

        async def scenario(runtime):
            return await channel.read(runtime, runtime.now() + PATIENCE)

        assert drive_all(scenario) == b"later"
        timer.join()

    def test_is_empty_at_the_end_and_stays_so(self, drive_all, pair):
        channel, theirs = pair
        theirs.close()

        async def scenario(runtime):
            return [await channel.read(runtime, runtime.now() + PATIENCE) for _ in range(3)]

        assert drive_all(scenario) == [b"", b"", b""]

    def test_gives_up_at_the_deadline(self, drive_all, pair):
        channel, _ = pair

        async def scenario(runtime):
            with pytest.raises(TimeoutError):
                await channel.read(runtime, runtime.now() + 0.02)

        drive_all(scenario)

    def test_begins_with_what_was_given_back(self, drive, pair):
        channel, theirs = pair
        theirs.sendall(b"abcdef")

        async def scenario(runtime):
            deadline = runtime.now() + PATIENCE
            channel.unread((await channel.read(runtime, deadline))[3:])
            return await channel.read(runtime, deadline)

        assert drive(scenario) == b"def"


class TestWriting:
    def test_keeps_the_order_of_many_pieces(self, drive_all, pair):
        channel, theirs = pair
        pieces = [b"%d\r\n" % number for number in range(300)]

        async def scenario(runtime):
            for piece in pieces:
                channel.queue(piece)
            assert await channel.flush(runtime, runtime.now() + PATIENCE)

        drive_all(scenario)
        channel.close()
        assert receive_all(theirs) == b"".join(pieces)

    def test_does_nothing_before_it_is_flushed(self, pair):
        channel, theirs = pair
        channel.queue(b"MAIL FROM:<>\r\n")
        channel.queue(b"")
        assert channel.unsent == 14
        channel.close()
        assert receive_all(theirs) == b""

    def test_goes_on_as_the_peer_reads(self, drive_all, pair):
        channel, theirs = pair
        received = []
        reader = threading.Thread(target=lambda: received.append(receive_all(theirs)))
        reader.start()

        async def scenario(runtime):
            channel.queue(b"head")
            channel.queue(BIG)
            channel.queue(b"tail")
            assert await channel.flush(runtime, runtime.now() + PATIENCE)
            assert channel.unsent == 0

        drive_all(scenario)
        channel.close()
        reader.join()
        assert received == [b"head" + BIG + b"tail"]

    def test_knows_to_the_octet_what_was_not_sent(self, drive_all, pair):
        channel, theirs = pair

        async def scenario(runtime):
            for size in (1, 70_000, 0, 3, 5_000_000, 7):
                channel.queue(b"y" * size)
            with pytest.raises(TimeoutError):
                await channel.flush(runtime, runtime.now() + 0.02)

        drive_all(scenario)
        unsent = channel.unsent
        channel.close()
        assert 0 < unsent < 5_070_011
        assert len(receive_all(theirs)) + unsent == 5_070_011

    def test_copies_nothing_that_it_was_given(self, pair):
        channel, _ = pair
        channel.queue(BIG)
        assert channel._outbox._wire[0].obj is BIG

    def test_shows_no_secret_in_a_traceback(self, drive, pair):
        channel, theirs = pair
        theirs.close()

        async def scenario(runtime):
            channel.queue(b"AUTH PLAIN c2VjcmV0")
            await channel.flush(runtime, runtime.now() + PATIENCE)

        with pytest.raises(ConnectionError) as caught:
            drive(scenario)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert "c2VjcmV0" not in "".join(line for line in shown.format() if "queue(b" not in line)


class TestHearingWhileWriting:
    def write(self, drive, channel, heard, patience=PATIENCE):
        async def scenario(runtime):
            channel.queue(BIG)
            return await channel.flush(runtime, runtime.now() + patience, heard)

        return drive(scenario)

    def test_stops_when_told_to(self, drive_all, pair):
        channel, theirs = pair
        theirs.sendall(b"552 too big\r\n")
        said = []

        def heard(data):
            said.append(data)
            return True

        assert self.write(drive_all, channel, heard) is False
        assert said == [b"552 too big\r\n"]
        assert channel.unsent > 0

    def test_goes_on_when_not_told_to_stop(self, drive_all, pair):
        channel, theirs = pair
        theirs.sendall(b"250 ok\r\n")
        said = []

        def heard(data):
            said.append(data)
            reader.start()
            return False

        reader = threading.Thread(target=receive_all, args=[theirs])
        assert self.write(drive_all, channel, heard) is True
        assert said == [b"250 ok\r\n"]
        channel.close()
        reader.join()

    def test_tells_the_end_of_the_peers_stream_once_and_does_not_spin(self, drive_all, pair):
        channel, theirs = pair
        theirs.shutdown(socket.SHUT_WR)
        said = []

        def heard(data):
            said.append(data)
            return False

        busy = time.process_time()
        with pytest.raises(TimeoutError):
            self.write(drive_all, channel, heard, patience=0.2)
        assert said == [b""]
        assert time.process_time() - busy < 0.15

    def test_keeps_for_the_next_read_what_nobody_listens_to(self, drive_all, pair):
        channel, theirs = pair
        theirs.sendall(b"421 bye\r\n")

        async def scenario(runtime):
            channel.queue(BIG)
            with pytest.raises(TimeoutError):
                await channel.flush(runtime, runtime.now() + 0.05)
            return await channel.read(runtime, runtime.now() + PATIENCE)

        assert drive_all(scenario) == b"421 bye\r\n"

    def test_tells_first_what_was_kept(self, drive, pair):
        channel, _ = pair
        channel.unread(b"early")
        said = []

        def heard(data):
            said.append(data)
            return True

        assert self.write(drive, channel, heard) is False
        assert said == [b"early"]

    def test_keeps_no_more_than_a_bounded_amount(self, drive_all, pair):
        channel, theirs = pair
        theirs.setblocking(False)

        def flood():
            try:
                while True:
                    theirs.send(b"250 babble\r\n" * 1_000)
            except BlockingIOError:
                return

        flood()
        with pytest.raises(TimeoutError):
            self.write(drive_all, channel, None, patience=0.05)
        flood()
        with pytest.raises(TimeoutError):
            self.write(drive_all, channel, None, patience=0.05)
        assert len(channel._kept) < 2 * _KEEP_LIMIT


class TestAPeerThatResets:
    @pytest.fixture
    def refused(self):
        """A channel to a server that refuses in the middle and is gone."""

        def handle(connection):
            connection.recv(1_000)
            connection.sendall(b"554 go away\r\n")
            connection.shutdown(socket.SHUT_WR)
            reset(connection)
            gone.set()

        gone = threading.Event()
        with listening(handle) as server:
            channel = Channel(socket.create_connection((server.host, server.port)))
            yield channel, gone
            channel.close()

    def send(self, drive, channel, gone, heard):
        async def scenario(runtime):
            channel.queue(b"DATA")
            await channel.flush(runtime, runtime.now() + PATIENCE)
            gone.wait(PATIENCE)
            channel.queue(BIG)
            return await channel.flush(runtime, runtime.now() + PATIENCE, heard)

        return drive(scenario)

    def test_is_heard_all_the_same(self, drive_all, refused):
        channel, gone = refused
        said = []

        def heard(data):
            said.append(data)
            return True

        assert self.send(drive_all, channel, gone, heard) is False
        assert said in ([b"554 go away\r\n"], [b""])  # Linux keeps what was said, other systems drop it

    def test_is_an_error_if_its_words_do_not_end_the_writing(self, drive_all, refused):
        channel, gone = refused
        with pytest.raises(ConnectionError):
            self.send(drive_all, channel, gone, lambda data: False)
        assert channel.unsent > 0


class TestIdle:
    def test_has_no_input(self, pair):
        channel, _ = pair
        assert channel.has_input() is False

    def test_has_input_when_something_was_said_which_is_not_lost(self, drive, pair):
        channel, theirs = pair
        theirs.sendall(b"421 idle\r\n")
        assert channel.has_input() is True
        assert channel.has_input() is True

        async def scenario(runtime):
            return await channel.read(runtime, runtime.now() + PATIENCE)

        assert drive(scenario) == b"421 idle\r\n"

    def test_has_input_when_the_peer_hung_up(self, pair):
        channel, theirs = pair
        theirs.close()
        assert channel.has_input() is True

    def test_has_input_when_the_peer_reset_the_connection(self):
        with listening(reset) as server:
            channel = Channel(socket.create_connection((server.host, server.port)))
            run(BlockingRuntime().wait([(channel._sock, 1)], time.monotonic() + PATIENCE))
            assert channel.has_input() is True
            channel.close()


class TestClosing:
    def test_gives_the_descriptor_back_and_may_be_repeated(self, pair):
        channel, theirs = pair
        channel.close()
        channel.close()
        assert channel.fileno() == -1
        assert theirs.recv(1) == b""

    def test_says_nothing(self, pair):
        channel, theirs = pair
        channel.queue(b"unsent")
        channel.close()
        assert theirs.recv(1) == b""

    def test_by_a_cancelled_task_leaves_an_exact_account(self, pair):
        channel, theirs = pair

        async def scenario():
            runtime = AsyncioRuntime()
            channel.queue(BIG)
            task = asyncio.create_task(channel.flush(runtime, runtime.now() + PATIENCE))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(scenario())
        unsent = channel.unsent
        channel.close()
        assert len(receive_all(theirs)) + unsent == len(BIG)


class TestNames:
    def test_the_peer_is_called_as_it_was_given(self, pair):
        channel, _ = pair
        assert repr(channel) == "<Channel mx.test:25 plain>"
        channel.close()
        assert repr(channel) == "<Channel mx.test:25 closed>"

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_the_peer_is_called_by_its_address_otherwise(self, host):
        with listening(receive_all, host) as server:
            channel = Channel(socket.create_connection((server.host, server.port)))
            assert channel.peer == (f"[::1]:{server.port}" if ":" in host else f"127.0.0.1:{server.port}")
            assert channel.local_address == host
            channel.close()

    def test_the_peer_of_a_connection_that_is_lost_already_has_no_name(self):
        channel = Channel(socket.socket())
        assert channel.peer == "a lost connection"
        channel.close()

    def test_a_unix_socket_has_a_name_too(self, pair):
        ours, theirs = socket.socketpair()
        with theirs:
            channel = Channel(ours)
            assert (channel.peer, channel.local_address) == ("a local socket", "")
            channel.close()
