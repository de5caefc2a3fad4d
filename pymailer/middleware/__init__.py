"""Middleware that comes with pymailer, each by its own: ``mailer.use("compile", html_to_text())``.

Each is imported when it is first asked for, and with it the package that does the work. The modules bear other names
than what they give, so that neither can stand in the other's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymailer.on_demand import on_demand

if TYPE_CHECKING:
    from pymailer.middleware.commonmark import markdown as markdown
    from pymailer.middleware.gpg import openpgp as openpgp
    from pymailer.middleware.jinja import Template as Template
    from pymailer.middleware.jinja import templates as templates
    from pymailer.middleware.pkcs7 import smime as smime
    from pymailer.middleware.plain_text import html_to_text as html_to_text
    from pymailer.middleware.styles import inline_css as inline_css

_HOMES: Final = {
    "Template": "jinja",
    "html_to_text": "plain_text",
    "inline_css": "styles",
    "markdown": "commonmark",
    "openpgp": "gpg",
    "smime": "pkcs7",
    "templates": "jinja",
}

__all__ = [
    "Template",
    "html_to_text",
    "inline_css",
    "markdown",
    "openpgp",
    "smime",
    "templates",
]


def __getattr__(name: str) -> Any:
    return on_demand(name, _HOMES, globals())


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
