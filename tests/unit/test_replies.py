"""A server's bytes as replies, for any split, within bounds."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import ProtocolError
from pymailer.outcome import Reply
from pymailer.smtp.replies import MAX_LINE, MAX_PENDING, MAX_REPLY, ReplyParser, printable


def replies(*pieces: bytes) -> list[Reply]:
    """All replies in these bytes, fed piece by piece."""
    parser = ReplyParser()
    found = []
    for piece in pieces:
        parser.feed(piece)
        while (reply := parser.next()) is not None:
            found.append(reply)
    return found


class TestAReply:
    def test_is_a_code_and_a_text(self):
        assert replies(b"220 mail.example.com ready\r\n") == [Reply(220, None, ("mail.example.com ready",))]

    def test_may_have_many_lines(self):
        assert replies(b"250-one\r\n250-two\r\n250 three\r\n") == [Reply(250, None, ("one", "two", "three"))]

    def test_may_be_a_code_alone(self):
        assert replies(b"250\r\n", b"250 \r\n") == [Reply(250, None, ("",)), Reply(250, None, ("",))]

    def test_may_end_in_a_code_alone(self):
        assert replies(b"250-one\r\n250\r\n") == [Reply(250, None, ("one", ""))]

    def test_may_end_its_lines_with_a_bare_lf(self):
        assert replies(b"250-one\n250 two\n") == [Reply(250, None, ("one", "two"))]

    def test_is_not_given_out_before_it_is_complete(self):
        parser = ReplyParser()
        parser.feed(b"250-one\r\n250 two\r")
        assert parser.next() is None
        parser.feed(b"\n")
        assert parser.next() == Reply(250, None, ("one", "two"))

    def test_leaves_the_next_one_for_later(self):
        assert [reply.code for reply in replies(b"250 a\r\n250 b\r\n354 c\r\n")] == [250, 250, 354]

    @pytest.mark.parametrize("code", [200, 299, 354, 421, 599])
    def test_has_a_code_of_the_four_classes(self, code):
        assert replies(b"%d x\r\n" % code)[0].code == code


class TestTheEnhancedCode:
    def test_opens_the_text_and_stays_in_it(self):
        (reply,) = replies(b"550 5.1.1 no such user\r\n")
        assert reply.enhanced == "5.1.1"
        assert str(reply) == "550 5.1.1 no such user"

    def test_is_read_from_the_first_line(self):
        assert replies(b"550-5.7.1 go\r\n550 5.7.1 away\r\n")[0].enhanced == "5.7.1"

    @pytest.mark.parametrize(
        "text",
        [
            b"250 5.1.1 of another class than the code",
            b"220 2.0 of two parts",
            b"250 2.0.0.0 of four parts",
            b"250 2.0.1000 too long",
            b"250 2..1 empty",
            b"250 2.0.x",
            "250 2.0.٣ no ASCII digit".encode(),
            b"250 ok 2.0.0",
        ],
    )
    def test_is_nothing_that_only_looks_like_one(self, text):
        assert replies(text + b"\r\n")[0].enhanced is None


class TestNonsense:
    @pytest.mark.parametrize(
        "line",
        [
            b"hello",
            b"",
            b"25 ok",
            b"2500 ok",
            b"250x",
            b"150 no such class",
            b"650 no such class",
            "\uff12\uff15\uff10 x".encode(),
        ],
    )
    def test_is_no_reply(self, line):
        with pytest.raises(ProtocolError):
            replies(line + b"\r\n")

    def test_is_known_before_its_line_ends_where_no_text_begins_so(self):
        with pytest.raises(ProtocolError):
            replies(b"\x16\x03\x01")

    def test_is_a_reply_with_two_codes(self):
        with pytest.raises(ProtocolError, match="two codes"):
            replies(b"250-a\r\n550 b\r\n")

    def test_is_quoted_without_anything_that_a_terminal_obeys(self):
        with pytest.raises(ProtocolError) as caught:
            replies(b"\x1b[2J hello\r\n")
        assert str(caught.value).isprintable()

    def test_stays_pending_for_whoever_explains_it(self):
        parser = ReplyParser()
        parser.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(ProtocolError):
            parser.next()
        assert parser.pending.startswith(b"HTTP/")


class TestBounds:
    def test_a_line_may_be_as_long_as_any_rfc_lets_it(self):
        assert len(replies(b"334 " + b"A" * (MAX_LINE - 6) + b"\r\n")[0].lines[0]) == MAX_LINE - 6

    def test_a_longer_line_is_refused(self):
        with pytest.raises(ProtocolError):
            replies(b"334 " + b"A" * (MAX_LINE - 5) + b"\r\n")

    def test_a_longer_line_is_refused_before_it_ends(self):
        with pytest.raises(ProtocolError):
            replies(b"250 ", b"x" * MAX_LINE)

    def test_a_reply_that_never_ends_is_refused(self):
        with pytest.raises(ProtocolError):
            replies(*[b"250-x\r\n"] * MAX_REPLY)

    def test_a_flood_of_replies_that_nobody_asks_for_is_refused(self):
        parser = ReplyParser()
        reads = [b"250 unasked for\r\n" * 1000] * 100
        with pytest.raises(ProtocolError):
            [parser.feed(data) for data in reads]
        assert len(parser.pending) < MAX_PENDING + len(reads[0])

    def test_a_trickle_costs_no_more_than_a_flood(self):
        line = b"250 " + b"x" * (MAX_LINE - 6) + b"\r\n"
        started = process_time()
        for _ in range(4):
            replies(*(line[i : i + 1] for i in range(len(line))))
        assert process_time() - started < 2


class TestText:
    def test_is_utf_8(self):
        assert replies("250 grüß\r\n".encode())[0].lines == ("grüß",)

    def test_is_replaced_where_it_is_not(self):
        assert replies(b"220 \xff\xfe caf\xe9\r\n")[0].lines == ("\ufffd\ufffd caf\ufffd",)

    def test_shows_what_a_terminal_would_obey(self):
        assert replies(b"250 a\x1b]0;b\x07\0\tc\r\n")[0].lines == (r"a\x1b]0;b\x07\x00\tc",)

    @pytest.mark.parametrize("char", ["\x00", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\u200b"])
    def test_shows_every_character_that_is_not_seen(self, char):
        assert char not in printable(f"a{char}b")


class TestPending:
    def test_is_empty_between_replies(self):
        parser = ReplyParser()
        parser.feed(b"220 hi\r\n")
        parser.next()
        assert parser.pending == b""

    def test_is_what_came_after_the_reply(self):
        parser = ReplyParser()
        parser.feed(b"220 go\r\n250 injected\r\n")
        parser.next()
        assert parser.pending == b"250 injected\r\n"

    def test_is_also_the_beginning_of_a_reply(self):
        parser = ReplyParser()
        parser.feed(b"250-a\r\n250-b\r\n25")
        parser.next()
        assert parser.pending == b"250-a\r\n250-b\r\n25"


def outcome(pieces: list[bytes]) -> tuple[list[Reply], bool]:
    """The replies, and whether nonsense ended them."""
    parser = ReplyParser()
    found: list[Reply] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (reply := parser.next()) is not None:
                found.append(reply)
    except ProtocolError:
        return found, True
    return found, False


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


LINE_ENDS = st.sampled_from([b"\r\n", b"\n", b"\r", b""])
LINES = st.builds(
    lambda code, mark, text, end: code + mark + text + end,
    st.sampled_from([b"250", b"250", b"354", b"550", b"99", b"abc"]),
    st.sampled_from([b" ", b"-", b""]),
    st.binary(max_size=20),
    LINE_ENDS,
)
BYTES = st.one_of(st.binary(max_size=200), st.lists(LINES, max_size=12).map(b"".join))


@settings(max_examples=300)
@given(BYTES, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_gives_the_same_replies(data, places):
    assert outcome(cut(data, places)) == outcome([data])


@settings(max_examples=100)
@given(BYTES)
def test_one_byte_at_a_time_gives_the_same_replies(data):
    assert outcome([bytes([octet]) for octet in data]) == outcome([data])


@settings(max_examples=200)
@given(BYTES)
def test_whatever_comes_out_can_be_logged(data):
    found, _ = outcome([data])
    assert all(line.isprintable() for reply in found for line in reply.lines)
