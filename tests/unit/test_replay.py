"""The player of transcripts, with a client of twenty lines."""

from __future__ import annotations

import pytest

from pymailer.net.channel import Channel
from pymailer.runtime import run
from tests.faults.replay import SPLITS, ScriptedRuntime
from tests.faults.transcript import parse

DIALOGUE = parse("""
    # a comment
    S: 220 ready
    C: EHLO *
    S: 250-first
    S: 250 last
    C: ...
    C: .
    S: 250 Ok
""")


async def exchange(runtime, *flights, ends=b"250 Ok\r\n"):
    channel = Channel(runtime.socket)
    heard = b""
    for flight in flights:
        channel.queue(flight)
    await channel.flush(runtime, None)
    while not heard.endswith(ends):
        heard += await channel.read(runtime, runtime.now() + 30)
    return heard


@pytest.mark.parametrize("split", SPLITS)
def test_the_server_says_the_same_however_it_is_split(split):
    with ScriptedRuntime(DIALOGUE, split) as runtime:
        heard = run(exchange(runtime, b"EHLO me\r\n", b"any\r\nlines\r\n.\r\n"))
    assert heard == b"220 ready\r\n250-first\r\n250 last\r\n250 Ok\r\n"
    assert runtime.heard == ["EHLO me", "any", "lines", "."]


def test_a_client_that_says_something_else_is_told(monkeypatch):
    runtime = ScriptedRuntime(DIALOGUE)
    with pytest.raises(AssertionError, match="said 'HELO me', not 'EHLO \\*'"):
        run(exchange(runtime, b"HELO me\r\n"))
    runtime.close()


def test_a_client_that_waits_when_it_should_speak_is_told():
    runtime = ScriptedRuntime(DIALOGUE)
    with pytest.raises(AssertionError, match="the client waits, but has not said 'EHLO"):
        run(exchange(runtime))
    runtime.close()


def test_what_the_transcript_does_not_contain_comes_at_the_deadline():
    with ScriptedRuntime(parse("S: 220 ready\n! stall")) as runtime:
        began = runtime.now()
        with pytest.raises(TimeoutError):
            run(exchange(runtime))
    assert runtime.now() == began + 30


def test_a_delay_takes_no_time():
    with ScriptedRuntime(parse("! delay 20\nS: 250 Ok")) as runtime:
        began = runtime.now()
        run(exchange(runtime))
    assert runtime.now() == began + 20


def test_what_was_left_unsaid_fails():
    with pytest.raises(AssertionError, match="this was left"), ScriptedRuntime(parse("S: 220 ready")):
        pass
