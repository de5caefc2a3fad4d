"""Subjects and bodies from Jinja templates, rendered when the message is composed.

What is put into HTML is escaped, and a name that the template asks for and nobody gave is an error: an empty
salutation would only be noticed by its reader.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.errors import ConfigError, MessageError

if TYPE_CHECKING:
    from jinja2 import Environment

    from pymailer.transport import Mail

_FIELDS: Final = ("subject", "text", "html", "amp", "watch_html")


@attrs.frozen(init=False)
class Template:
    """A template and what goes into it: ``html=Template("welcome.html", name="Ada")``.

    Attributes:
        name: The template's name, as its environment knows it.
        context: What goes into it.
    """

    name: str
    context: Mapping[str, Any] = attrs.field(repr=False)

    def __init__(self, name: str, /, **context: Any) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "context", context)


def templates(source: Environment | str | os.PathLike[str], /, **shared: Any) -> Callable[[Mail], None]:
    """Middleware for ``"compile"``: each `Template` in `subject`, `text`, `html`, `amp` or `watch_html` is rendered.

    Args:
        source: A directory, or a Jinja environment of your own, which then decides what is escaped.
        shared: What goes into every template.

    Raises:
        ConfigError: Jinja2 is not installed.
    """
    environment = _environment(source) if isinstance(source, (str, os.PathLike)) else source

    def plugin(mail: Mail) -> None:
        for field in _FIELDS:
            value = getattr(mail.data, field)
            if isinstance(value, Template):
                setattr(mail.data, field, _rendered(environment, value, shared))

    return plugin


def _environment(directory: str | os.PathLike[str]) -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    except ImportError as error:
        raise ConfigError("templates need the package Jinja2: pip install 'pymailer[jinja2]'") from error
    return Environment(
        loader=FileSystemLoader(directory),
        autoescape=select_autoescape(["html", "htm", "xhtml", "xml"]),
        undefined=StrictUndefined,
    )


def _rendered(environment: Environment, template: Template, shared: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError

    try:
        return environment.get_template(template.name).render({**shared, **template.context})
    except TemplateError as error:
        raise MessageError(f"the template {template.name!r}: {type(error).__name__}: {error.message}") from error
