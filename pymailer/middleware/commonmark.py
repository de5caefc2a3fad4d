"""HTML from text that is written in Markdown (CommonMark): the text is sent as it is, and beside it what it means.

markdown-it-py does the work: it keeps to CommonMark, and HTML in the text becomes visible text unless it is told
otherwise, since what a text quotes often comes from somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pymailer.errors import ConfigError
from pymailer.middleware.bodies import text_at_hand

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from pymailer.transport import Mail


def markdown(parser: MarkdownIt | None = None) -> Callable[[Mail], None]:
    """Middleware for ``"compile"``: a message with a `text` and no `html` gets the HTML that the text means.

    Args:
        parser: A parser of your own; by default CommonMark with tables, and no HTML.

    Raises:
        ConfigError: markdown-it-py is not installed.
    """
    render = (parser or _default_parser()).render

    def plugin(mail: Mail) -> None:
        text = text_at_hand(mail.data.text)
        if text is not None and mail.data.html is None:
            mail.data.html = render(text)

    return plugin


def _default_parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise ConfigError("markdown needs the package markdown-it-py: pip install 'pymailer[markdown]'") from error
    return MarkdownIt("commonmark", {"html": False}).enable("table")
