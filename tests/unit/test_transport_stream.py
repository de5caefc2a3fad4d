"""The stream transport gives the message back, whole or in chunks, with the line ends that were asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymailer.errors import ConfigError, MessageError
from pymailer.outcome import Outcome
from pymailer.transports import stream
from pymailer.transports.newlines import ToUnix
from tests.mails import CONTENT, make_mail


def test_buffer_gives_the_message_as_bytes(drive) -> None:
    async def send(runtime):
        return await stream(buffer=True).send(make_mail(runtime, CONTENT[:10], CONTENT[10:]))

    info = drive(send)
    assert info.message == CONTENT
    assert info.message_size == len(CONTENT)


def test_every_recipient_counts_as_accepted(drive) -> None:
    async def send(runtime):
        return await stream().send(make_mail(runtime, to=("b@example.com", "c@example.com")))

    info = drive(send)
    assert info.outcome is Outcome.ACCEPTED
    assert info.accepted == info.envelope.to == ("b@example.com", "c@example.com")


def test_without_buffer_the_message_is_read_when_it_is_iterated(drive) -> None:
    async def send(runtime):
        read: list[str] = []

        def source():
            read.append("read")
            return [CONTENT]

        info = await stream().send(make_mail(runtime, source=source))
        assert read == []
        return b"".join(info.message), b"".join([chunk async for chunk in info.message])

    assert drive(send) == (CONTENT, CONTENT)


@pytest.mark.parametrize("newline", ["unix", "\n", "UNIX"])
def test_unix_line_ends(drive, newline) -> None:
    async def send(runtime):
        whole = await stream(buffer=True, newline=newline).send(make_mail(runtime))
        parts = await stream({"newline": newline}).send(make_mail(runtime, *(bytes([octet]) for octet in CONTENT)))
        return whole.message, b"".join(parts.message), b"".join([chunk async for chunk in parts.message])

    assert set(drive(send)) == {CONTENT.replace(b"\r\n", b"\n")}


def test_a_source_that_fails_is_the_message_s_error(drive) -> None:
    def source():
        yield CONTENT
        raise OSError("the disk is gone")

    async def send(runtime):
        await stream(buffer=True).send(make_mail(runtime, source=source))

    with pytest.raises(MessageError, match="the disk is gone") as caught:
        drive(send)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert isinstance(caught.value.__cause__, OSError)


def test_a_source_that_fails_while_iterating_is_the_message_s_error(drive) -> None:
    def source():
        yield CONTENT
        raise OSError("the disk is gone")

    async def send(runtime):
        return list((await stream().send(make_mail(runtime, source=source))).message)

    with pytest.raises(MessageError, match="the disk is gone"):
        drive(send)


@pytest.mark.parametrize("options", [{"newline": "mac"}, {"buffer": "yes"}, {"bufer": True}])
def test_a_wrong_option_is_refused(options) -> None:
    with pytest.raises(ConfigError):
        stream(**options)


def test_an_unknown_option_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean 'buffer'"):
        stream(bufer=True)


@given(st.lists(st.sampled_from([b"\r\n", b"a", b"\r\nb", b""])), st.data())
def test_line_ends_do_not_depend_on_where_chunks_are_cut(pieces, data) -> None:
    content = b"".join(pieces)
    lines, result, rest = ToUnix(), b"", content
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        result, rest = result + lines.feed(rest[:cut]), rest[cut:]
    assert result + lines.end() == content.replace(b"\r\n", b"\n")
