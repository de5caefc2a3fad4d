"""A pool that nobody closed: at the end of the program nothing is lost silently."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

from pymailer.runtime import run
from pymailer.runtime.blocking import BlockingRuntime
from tests.unit.fake_smtp import FakeServer, fake_mail, make_pool

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, os, sys, threading, time
from pymailer.runtime import run
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.runtime.blocking import BlockingRuntime
from tests.unit.fake_smtp import FakeServer, fake_mail, make_pool

server = FakeServer(sending=lambda connection: connection.runtime.sleep(60))
pool = make_pool(server, max_connections=1)
"""


def told(program: str) -> str:
    """What a program says on its standard error until it ends."""
    text = PROGRAM + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stderr


def test_messages_that_are_lost_at_exit_are_counted():
    said = told("""
        for _ in range(3):
            threading.Thread(target=lambda: run(pool.send(fake_mail(BlockingRuntime()))), daemon=True).start()
        while pool.stats().waiting < 2:
            time.sleep(0.001)
    """)
    assert "was not closed: 2 messages were not sent, and of 1 nobody can say" in said


def test_an_idle_pool_ends_quietly():
    assert (
        told("""
        server.sending = lambda connection: None
        run(pool.send(fake_mail(BlockingRuntime())))
        assert pool.stats().idle == 1
    """)
        == ""
    )


def test_so_does_one_in_a_child():
    said = told("""
        threading.Thread(target=lambda: run(pool.send(fake_mail(BlockingRuntime()))), daemon=True).start()
        while not pool.stats().busy:
            time.sleep(0.001)
        if os.fork():
            os.wait()
            os._exit(0)
    """)
    assert "was not closed" not in said


def test_a_pool_that_is_forgotten_closes_its_connections_quietly():
    server = FakeServer()
    pool = make_pool(server)
    run(pool.send(fake_mail(BlockingRuntime())))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del pool
        gc.collect()
    assert server.open == []
