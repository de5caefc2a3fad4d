"""Content that goes into many messages is encoded once: what is kept, for how long, and that nobody can tell."""

from __future__ import annotations

import os
import threading
from io import BytesIO

import pytest

from pymailer.message import coding
from pymailer.message.encoding import encode_base64
from pymailer.message.recurring import LONGEST, SHORTEST, Recurring
from tests.composing import composed, read

SIZE = 100_000


def fresh(size: int = SIZE) -> bytes:
    return os.urandom(size)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Recurring:
    recurring = Recurring()
    monkeypatch.setattr(coding, "RECURRING", recurring)
    return recurring


class TestTheStore:
    def test_keeps_nothing_that_is_met_once(self) -> None:
        store, data = Recurring(), fresh()
        assert store.encoded(data) is None
        assert store.known(data) is None
        assert store.size == 0

    def test_gives_the_same_object_from_the_second_time_on(self) -> None:
        store, data = Recurring(), fresh()
        store.encoded(data)
        first = store.encoded(data)
        assert first == encode_base64(data)
        assert store.encoded(data) is store.known(data) is first

    def test_takes_equal_octets_in_another_object_for_others(self) -> None:
        store, data = Recurring(), fresh()
        store.encoded(data)
        store.encoded(data)
        assert store.known(bytes(bytearray(data))) is None

    @pytest.mark.parametrize("size", [0, SHORTEST - 1, LONGEST + 1])
    def test_keeps_nothing_short_and_nothing_long(self, size: int) -> None:
        store, data = Recurring(), fresh(size)
        assert [store.encoded(data) for _ in range(3)] == [None] * 3

    def test_stays_within_its_room(self) -> None:
        store = Recurring(room=10 * SIZE)
        many = [fresh() for _ in range(20)]
        for data in many * 2:
            store.encoded(data)
        assert 0 < store.size <= 10 * SIZE
        assert sum(store.known(data) is not None for data in many) == 4

    def test_forgets_what_was_not_used_for_the_longest_time(self) -> None:
        store = Recurring(room=6 * SIZE)  # two of them
        often, seldom, new = fresh(), fresh(), fresh()
        for data in (often, seldom, often, seldom, often, new, new):
            store.encoded(data)
        assert store.known(seldom) is None
        assert store.known(often) is not None
        assert store.known(new) is not None

    def test_remembers_a_bounded_number_of_those_met_once(self) -> None:
        store, data = Recurring(), fresh()
        store.encoded(data)
        others = [fresh(SHORTEST) for _ in range(1000)]
        for other in others:
            store.encoded(other)
        assert store.encoded(data) is None

    def test_serves_threads_at_once(self) -> None:
        store = Recurring(room=10 * SIZE)
        many = [fresh(50_000) for _ in range(12)]
        wrong: list[int] = []

        def use() -> None:
            for number in range(120):
                data = many[number * 7 % 12]
                if (store.encoded(data) or encode_base64(data)) != encode_base64(data):
                    wrong.append(number)

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not wrong
        assert store.size <= 10 * SIZE


class TestAMessage:
    @pytest.mark.parametrize("size", [SHORTEST, 5_000, SIZE, LONGEST])
    def test_is_the_same_whether_its_attachment_is_kept_or_not(self, store: Recurring, size: int) -> None:
        data = fresh(size)
        fixed = {"message_id": "<1@example.com>", "date": "Mon, 02 Nov 2026 10:00:00 +0000"}
        sent = [composed(fixed, attachments=[{"content": data}]).message.as_bytes() for _ in range(3)]
        assert store.known(data) is not None
        assert sent[0] == sent[1] == sent[2]

    def test_is_at_hand_in_few_pieces_once_its_attachment_is_kept(self, store: Recurring) -> None:
        data = fresh()
        messages = [composed(text="t", attachments=[{"content": data}]).message for _ in range(2)]
        assert messages[0].at_hand is None
        whole = [message.as_bytes() for message in messages][1]
        assert messages[1].at_hand is not None
        assert b"".join(messages[1].at_hand) == whole
        assert len(list(messages[1].iter_bytes())) == 3

    def test_sees_a_bytearray_as_it_is_each_time(self, store: Recurring) -> None:
        data = bytearray(fresh())
        for octet in (1, 2, 3):
            data[0] = octet
            content = composed(attachments=[{"content": data}]).message.as_bytes()
            assert read(content).get_content()[:1] == bytes([octet])

    def test_shares_what_an_open_file_in_memory_holds(self, store: Recurring) -> None:
        file = BytesIO(fresh())
        for _ in range(2):
            composed(attachments=[{"content": file}]).message.as_bytes()
        assert store.known(file.getvalue()) is not None

    def test_encodes_nothing_before_it_is_read(self, store: Recurring) -> None:
        data = fresh()
        messages = [composed(attachments=[{"content": data}]).message for _ in range(10)]
        assert {message.size for message in messages} == {messages[0].size}
        assert store.size == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_of_a_process_that_was_busy_encodes_all_the_same() -> None:
    store, data = Recurring(), fresh()
    store.encoded(data)
    with store._lock:  # another thread of the parent, as it were
        child = os.fork()
        if child == 0:
            os._exit(0 if store.encoded(data) == encode_base64(data) else 1)
    assert os.waitpid(child, 0)[1] == 0
