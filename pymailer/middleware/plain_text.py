"""Plain text that says what HTML says, for those who read no HTML.

Written for the HTML of mail: tables that only lay out, hidden text for the preview, links, lists and quotations. Made
with the standard library's parser: html2text may not go into programs under other licences than its own, and inscriptis
brings lxml and requests along.
"""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

from pymailer.middleware.bodies import text_at_hand
from pymailer.middleware.page import Page

if TYPE_CHECKING:
    from pymailer.transport import Mail

_PARAGRAPHS: Final = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "dl", "figure", "form"))
_LINES: Final = frozenset(("div", "section", "article", "header", "footer", "main", "tr", "dt", "dd", "address"))
_CELLS: Final = frozenset(("td", "th"))
_SKIPPED: Final = frozenset(("head", "script", "style", "template", "title", "svg", "math", "object"))
_VOID: Final = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))

Attributes = list[tuple[str, str | None]]


def html_to_text() -> Callable[[Mail], None]:
    """Middleware for ``"compile"``: a message with an `html` and no `text` gets the text that the HTML says."""

    def plugin(mail: Mail) -> None:
        html = text_at_hand(mail.data.html)
        if html is not None and mail.data.text is None:
            mail.data.text = text_of(html)

    return plugin


def text_of(html: str) -> str:
    """The text of `html`: paragraphs, lists and quotations laid out, links with where they lead to."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page.text()


class _Reader(HTMLParser):
    """Turns tags into what a page knows: lines, gaps, margins."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._hidden = ""  # the element in which nothing is read
        self._depth = 0  # of elements of that name in it
        self._lists: list[_List] = []
        self._links: list[tuple[str, int]] = []

    # --- what the parser finds ---------------------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if self._hidden:
            self._depth += tag == self._hidden
        elif tag not in _VOID and (tag in _SKIPPED or _is_hidden(dict(attrs))):
            self._hidden, self._depth = tag, 1
        else:
            self._open(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._hidden:
            self._close(tag)
        elif tag == self._hidden:
            self._depth -= 1
            if not self._depth:
                self._hidden = ""

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.page.add(data)

    # --- what it means -----------------------------------------------------------------------------------------------

    def _open(self, tag: str, attributes: dict[str, str | None]) -> None:
        page = self.page
        if tag == "a":
            self._links.append((attributes.get("href") or "", page.position))
        elif tag == "img":
            page.add(attributes.get("alt") or "")
        elif tag == "br":
            page.next_line()
        elif tag == "hr":
            page.paragraph()
            page.add("-" * 20)
            page.paragraph()
        elif tag in ("ul", "ol"):
            page.end_line() if self._lists else page.paragraph()
            self._lists.append(_List(attributes.get("start") if tag == "ol" else "-"))
        elif tag == "li":
            self._begin_item()
        elif tag == "blockquote":
            page.paragraph()
            page.indent("> ")
        elif tag == "pre":
            page.paragraph()
            page.verbatim = True
        elif tag in _CELLS:
            page.cell()
        else:
            self._separate(tag)

    def _close(self, tag: str) -> None:
        if tag == "a" and self._links:
            self._tell_link(*self._links.pop())
        elif tag in ("ul", "ol") and self._lists:
            self._end_item()
            self._lists.pop()
            self.page.end_line() if self._lists else self.page.paragraph()
        elif tag == "li":
            self._end_item()
        elif tag == "blockquote":
            self.page.paragraph()
            self.page.outdent("> ")
        elif tag == "pre":
            self.page.verbatim = False
            self.page.paragraph()
        else:
            self._separate(tag)

    def _separate(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.page.paragraph()
        elif tag in _LINES:
            self.page.end_line()

    def _begin_item(self) -> None:
        self._end_item()  # an item without an end tag ends where the next one begins
        if self._lists:
            bullet = self._lists[-1].next_bullet()
            self.page.bullet(bullet)

    def _end_item(self) -> None:
        if self._lists and self._lists[-1].open:
            self.page.end_line()
            self.page.outdent(" " * len(self._lists[-1].open))
            self._lists[-1].open = ""

    def _tell_link(self, target: str, begun: int) -> None:
        label = self.page.since(begun).strip()
        target = target.strip()
        if target.lower().startswith("mailto:"):
            target = target[7:].partition("?")[0]
        elif not target.lower().startswith(("http://", "https://", "tel:")):
            return
        if not label:
            self.page.add(target)
        elif label.rstrip("/") not in (target.rstrip("/"), target.partition("://")[2].rstrip("/")):
            self.page.add(f" ({target})")


class _List:
    """A list that is being read: its number, or its dash, and the bullet of the item that is open."""

    def __init__(self, start: str | None) -> None:
        self._numbered = start != "-"
        self._number = int(start) if start and start.isdecimal() else 1
        self.open = ""

    def next_bullet(self) -> str:
        self.open = f"{self._number}. " if self._numbered else "- "
        self._number += 1
        return self.open


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return "hidden" in attributes or "display:none" in style
