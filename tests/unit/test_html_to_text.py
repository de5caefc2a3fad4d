"""Plain text from HTML: what a reader of text gets to see."""

from __future__ import annotations

from email import message_from_bytes
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymailer.middleware import html_to_text
from pymailer.middleware.plain_text import text_of
from pymailer.transports import memory

PARTIES = {"from": "a@example.com", "to": "b@example.com"}


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("Hello", "Hello\n"),
        ("  Hello \n\t <b>Ada</b>\n Lovelace ", "Hello Ada Lovelace\n"),
        ("<p>one</p><p>two</p>", "one\n\ntwo\n"),
        ("<p>one<p>two", "one\n\ntwo\n"),
        ("<h1>Title</h1>text", "Title\n\ntext\n"),
        ("<div>one</div><div>two</div>", "one\ntwo\n"),
        ("<div><div>one</div></div><div></div>two", "one\ntwo\n"),
        ("one<br>two<br/>three", "one\ntwo\nthree\n"),
        ("one<br><br><br>two", "one\n\ntwo\n"),
        ("1 &lt; 2 &amp; caf&eacute; &#8364;", "1 < 2 & café €\n"),
        ("one&nbsp;two", "one two\n"),
        ("one<hr>two", "one\n\n--------------------\n\ntwo\n"),
        ('<img src="cid:x" alt="Logo"><img src="y">', "Logo\n"),
        ("<pre>a\n  b\n\nc</pre>d", "a\n  b\n\nc\n\nd\n"),
        ("<!-- a comment -->text<!DOCTYPE html>", "text\n"),
    ],
)
def test_text_and_layout(html, text) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two\n"),
        ("<ul><li>one<li>two</ul>", "- one\n- two\n"),
        ("a<ol><li>one<li>two</ol>b", "a\n\n1. one\n2. two\n\nb\n"),
        ('<ol start="9"><li>nine<li>ten</ol>', "9. nine\n10. ten\n"),
        ("<ul><li>one<ul><li>deep<li>er</ul><li>two</ul>", "- one\n  - deep\n  - er\n- two\n"),
        ("<ul><li>one<br>more<li><p>two</p><p>more</p></ul>", "- one\n  more\n\n- two\n\n  more\n"),
        ("<ul><li></li><li>one</li></ul>two", "- one\n\ntwo\n"),
        ("<li>alone", "alone\n"),
        ("<ol start=x><li>one</ol></ol></ul>", "1. one\n"),
    ],
)
def test_lists(html, text) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<blockquote>one</blockquote>two", "> one\n\ntwo\n"),
        ("a<blockquote><p>one<p>two</blockquote>b", "a\n\n> one\n>\n> two\n\nb\n"),
        (
            "<blockquote>one<blockquote>two</blockquote>three</blockquote>",
            "> one\n>\n> > two\n>\n> three\n",
        ),
        ("<blockquote><ul><li>one<li>two</ul></blockquote>", "> - one\n> - two\n"),
        ("</blockquote>one", "one\n"),
    ],
)
def test_quotations(html, text) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<a href="https://example.com/a?b=1&amp;c=2">Shop</a>', "Shop (https://example.com/a?b=1&c=2)\n"),
        ('<a href="https://example.com/">example.com</a>', "example.com\n"),
        ('<a href="https://example.com">https://example.com</a>', "https://example.com\n"),
        ('<a href="mailto:a@example.com?subject=Hi">a@example.com</a>', "a@example.com\n"),
        ('<a href="mailto:a@example.com">write</a>', "write (a@example.com)\n"),
        ('<a href="tel:+4930">call</a>', "call (tel:+4930)\n"),
        ('<a href="#top">up</a> <a href="javascript:x()">no</a> <a>none</a>', "up no none\n"),
        ('<a href="https://example.com/x"><img src="y"></a>', "https://example.com/x\n"),
        ('<a href="https://example.com/x"><img src="y" alt="Go"></a>', "Go (https://example.com/x)\n"),
        ('see <a href="https://example.com/x">this</a>.', "see this (https://example.com/x).\n"),
        ("</a>text", "text\n"),
    ],
)
def test_links_say_where_they_lead(html, text) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c<td>d</table>", "a  b\nc  d\n"),
        ("<table><tr><td></td><td><p>only</p></td></tr></table>", "only\n"),
        ("<table><tr><td><table><tr><td>inner</table></table>", "inner\n"),
    ],
)
def test_tables(html, text) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<head><title>T</title><style>p { color: red }</style></head>",
        "<script>alert(1)</script>",
        "<style>p > a { }</style>",
        '<div style="display: none; font-size: 0">preview <p>text <div>deep</div></div>',
        "<span hidden>preview</span>",
        "<svg><text>drawn</text></svg>",
        '<img style="display:none" src="pixel">',
    ],
)
def test_what_nobody_sees_is_left_out(hidden) -> None:
    assert text_of(f"before {hidden}after") == "before after\n"


@given(st.text(max_size=200))
def test_any_text_goes_through(html) -> None:
    text = text_of(html)
    assert text == "" or text.endswith("\n")


@given(
    st.lists(st.sampled_from(["<ul>", "<li>", "</ul>", "<blockquote>", "</blockquote>", "<p>", "</a>", "<td>", "x "]))
)
def test_tags_in_any_order_lose_no_text(pieces) -> None:
    assert text_of("".join(pieces)).count("x") == pieces.count("x ")


def test_time_grows_with_the_text_and_no_faster() -> None:
    def seconds(count: int) -> float:
        html = "<div><p>some text <a href='https://example.com'>link</a><ul><li>item</ul></div>" * count
        begun = process_time()
        text_of(html)
        return process_time() - begun

    seconds(10)
    assert seconds(2000) < 40 * max(seconds(200), 0.001)


class TestTheMiddleware:
    def sent(self, front, **fields):
        transport = memory()

        async def scenario(mailer):
            mailer.use("compile", html_to_text())
            await mailer.send_mail(PARTIES, **fields)

        front(scenario, transport)
        message = message_from_bytes(transport.messages[0].content)
        return {
            part.get_content_type(): part.get_payload(decode=True).decode()
            for part in message.walk()
            if not part.is_multipart()
        }

    @pytest.mark.parametrize("html", ["<p>Grüße</p>", "<p>Grüße</p>".encode()], ids=["text", "bytes"])
    def test_makes_the_text_that_is_missing(self, front, html) -> None:
        assert self.sent(front, html=html)["text/plain"].strip() == "Grüße"

    def test_leaves_a_text_that_is_there(self, front) -> None:
        assert self.sent(front, html="<p>HTML</p>", text="own")["text/plain"].strip() == "own"

    def test_leaves_html_that_would_have_to_be_read(self, front, tmp_path) -> None:
        path = tmp_path / "a.html"
        path.write_text("<p>file</p>")
        assert set(self.sent(front, html=path)) == {"text/html"}

    def test_leaves_a_message_without_html(self, front) -> None:
        assert set(self.sent(front, text="only")) == {"text/plain"}
