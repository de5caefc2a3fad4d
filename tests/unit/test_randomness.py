"""Names that nobody can guess: none is given twice, whoever asks."""

from __future__ import annotations

import os
import threading

import pytest

from pymailer.message.randomness import random_name


def test_a_name_is_128_bits_in_hexadecimal() -> None:
    assert len(bytes.fromhex(random_name())) == 16


def test_no_name_is_given_twice() -> None:
    names = [random_name() for _ in range(2000)]
    assert len(set(names)) == 2000


def test_no_name_is_given_to_two_threads() -> None:
    names: list[str] = []

    def ask() -> None:
        names.extend(random_name() for _ in range(3000))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(names) == len(set(names)) == 12_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_no_name_is_given_to_parent_and_child() -> None:
    random_name()  # there is a stock now
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, " ".join(random_name() for _ in range(50)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 4096).decode().split()
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 50
    assert not {random_name() for _ in range(300)}.intersection(theirs)
