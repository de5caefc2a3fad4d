"""Style sheets of the HTML moved into its elements, for the mail programs that look nowhere else.

css-inline does the work (the engine of a browser, in Rust). It is not let go for style sheets elsewhere: that would be
a request that whoever writes the HTML could aim at anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pymailer.errors import ConfigError, MessageError
from pymailer.middleware.bodies import text_at_hand

if TYPE_CHECKING:
    from pymailer.transport import Mail


def inline_css(css: str | None = None, **options: Any) -> Callable[[Mail], None]:
    """Middleware for ``"compile"``: the rules of ``<style>`` in the `html` become ``style`` attributes.

    Rules that no attribute can hold, such as ``@media``, stay where they are.

    Args:
        css: Rules for every message, beside its own.
        options: Those of ``css_inline.CSSInliner``.

    Raises:
        ConfigError: css-inline is not installed, or does not have such an option.
    """
    try:
        from css_inline import CSSInliner, InlineError
    except ImportError as error:
        raise ConfigError("inline_css needs the package css-inline: pip install 'pymailer[css]'") from error
    settings: dict[str, Any] = {"keep_at_rules": True, "load_remote_stylesheets": False, "extra_css": css, **options}
    try:
        inliner = CSSInliner(**settings)
    except TypeError as error:
        raise ConfigError(f"inline_css: {error}") from error

    def plugin(mail: Mail) -> None:
        html = text_at_hand(mail.data.html)
        if html:
            try:
                mail.data.html = inliner.inline(html)
            except InlineError as error:
                raise MessageError(f"the style sheets of the html cannot be inlined: {error}") from error

    return plugin
