"""Which transport a name, a URL, a mapping or an object means.

Knows the names; each transport is imported only when it is chosen. The pool is found like any plugin: by its entry
point.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast

from pymailer import transports
from pymailer.errors import ConfigError
from pymailer.names import snake_case, unknown
from pymailer.smtp.options import OPTIONS, SMTPOptions
from pymailer.transport import Transport
from pymailer.urls import parse_url, scheme_of

GROUP: Final = "pymailer.transports"
"""The entry-point group under which a distribution registers a factory."""

_SMTP_SCHEMES: Final = ("smtp", "smtps")
_KEYS: Final = {"sendmail": "sendmail", "stream_transport": "stream", "json_transport": "json"}
"""Nodemailer's keys that pick a transport of the core."""
_SCHEMES: Final = ("direct", "json", "memory", "sendmail", "stream")
"""Transports of the core that a URL may name; what writes files is not among them."""

Factory = Callable[..., Transport]


def find_transport(given: object, beside: Collection[str] = ()) -> tuple[Transport, dict[str, Any]]:
    """The transport that `given` means: an object with a callable `send`, a URL, a mapping, or options.

    Args:
        given: What the user gave.
        beside: Names of options that may stand among the transport's own and are somebody else's.

    Returns:
        The transport, and the options of `beside` that were found, as they were spelled.

    Raises:
        ConfigError: It means none; the message says what is accepted.
    """
    if callable(getattr(given, "send", None)) and not isinstance(given, type):
        return cast("Transport", given), {}
    if isinstance(given, str):
        return _from_url(given, beside)
    if isinstance(given, Mapping):
        return _from_mapping(cast("Mapping[str, Any]", given), beside)
    return _from_options(given), {}


def _from_options(given: object) -> Transport:
    if isinstance(given, SMTPOptions):
        return transports.smtp(given)
    make = getattr(given, "make_transport", None)
    if callable(make):
        return cast("Transport", make())
    raise ConfigError(
        "a transport is an object with a callable send, a URL such as smtp://host:587, a mapping of options, "
        f"or an options object, not {given if given is None else type(given).__name__}"
    )


def _from_url(url: str, beside: Collection[str]) -> tuple[Transport, dict[str, Any]]:
    scheme = scheme_of(url)
    if scheme in _SMTP_SCHEMES:
        return _from_mapping({"url": url}, beside)
    factory = _factory(scheme)
    if factory is None:
        raise ConfigError(unknown("URL scheme", scheme, (*_SMTP_SCHEMES, *_SCHEMES, *_registered())))
    options, others = _split(parse_url(url), beside)
    return factory(**options), others


def _factory(name: str) -> Factory | None:
    """The factory registered under `name`, by the core or by an entry point."""
    if name in _SCHEMES:
        return cast("Factory", getattr(transports, name))
    entry = _registered().get(name)
    return None if entry is None else cast("Factory", entry.load())


def _registered() -> dict[str, Any]:
    from importlib.metadata import entry_points  # costs more than the rest of this module together

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _from_mapping(given: Mapping[str, Any], beside: Collection[str]) -> tuple[Transport, dict[str, Any]]:
    """As Nodemailer picks: `pool`, `sendmail`, `stream_transport`, `json_transport`, a plugin's name, else SMTP."""
    options, others = _split(given, beside)
    url = options.pop("url", None)
    query: dict[str, Any] = {}
    if url is not None:
        if scheme_of(str(url)) not in _SMTP_SCHEMES:
            raise ConfigError("the url among other options starts with smtp: or smtps:")
        query, in_query = _split(parse_url(url), beside)
        others = {**in_query, **others}
    name = _choose({**query, **options})
    layers = {**_unselected(options), "url": _unselected(query)} if query else _unselected(options)
    if name is None:
        return transports.smtp(layers), others
    factory = _factory(name)
    if factory is None:
        raise ConfigError(f"no transport is registered as {name!r}: install the package that has it")
    if name not in _SCHEMES:
        layers.pop(name, None)
    return factory(layers), others


def _split(options: Mapping[str, Any], beside: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    own: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in options.items():
        (others if isinstance(key, str) and snake_case(key) in beside else own)[key] = value
    return own, others


def _choose(options: Mapping[str, Any]) -> str | None:
    """The name of the transport that a mapping picks, ``None`` for plain SMTP."""
    wanted = [snake_case(key) for key, value in options.items() if isinstance(key, str) and value]
    for name in ("pool", *_KEYS):
        if name in wanted:
            return _KEYS.get(name, name)
    strange = [name for name in wanted if name not in OPTIONS]
    return next(iter(_registered().keys() & strange), None) if strange else None


def _unselected(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without the keys that only chose the transport; `sendmail` may hold nodemailer's command path."""
    return {key: value for key, value in options.items() if snake_case(str(key)) not in ("pool", *_KEYS)}
