"""Which transport a name, a URL, a mapping or an object means.

Knows the names; each transport is imported only when it is chosen. The pool is found like any plugin: by its entry
point.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from inspect import signature
from typing import Any, Final, cast

from pymailer import transports
from pymailer.errors import ConfigError
from pymailer.names import closest, snake_case, unknown
from pymailer.smtp.options import OPTIONS, SMTPOptions
from pymailer.transport import Transport
from pymailer.urls import parse_url, scheme_of

GROUP: Final = "pymailer.transports"
"""The entry-point group under which a distribution registers a factory."""

_SMTP_SCHEMES: Final = ("smtp", "smtps")
_KEYS: Final = {"pool": "pool", "sendmail": "sendmail", "stream_transport": "stream", "json_transport": "json"}
"""Nodemailer's keys, and the transport that each of them picks."""
_SCHEMES: Final = ("direct", "json", "memory", "sendmail", "stream")
"""Transports of the core that a URL may name; what writes files is not among them."""
_MISSPELT: Final = 0.85
"""So like another's option must a key be to be taken for a slip of the pen; no transport of ours has one like that."""

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
    if _is_transport(given):
        return cast("Transport", given), {}
    if isinstance(given, str):
        return _from_mapping({"url": given}, beside)
    if isinstance(given, Mapping):
        return _from_mapping(cast("Mapping[str, Any]", given), beside)
    if isinstance(given, SMTPOptions):
        return transports.smtp(given), {}
    raise ConfigError(
        "a transport is an object with a callable send, a URL such as smtp://host:587, a mapping of options, "
        f"or an options object, not {given if given is None else type(given).__name__}"
    )


def _is_transport(given: object) -> bool:
    return callable(getattr(given, "send", None)) and not isinstance(given, type)


def _from_mapping(given: Mapping[str, Any], beside: Collection[str]) -> tuple[Transport, dict[str, Any]]:
    """As Nodemailer picks: `pool`, `sendmail`, `stream_transport`, `json_transport`, a plugin's name, else SMTP."""
    options = {key: value for key, value in given.items() if value is not None}
    url = options.pop("url", "smtp:")
    named = _scheme(url) if isinstance(url, str) else None  # before the rest of it is read, which may mean nothing here
    options = _over(parse_url(url), options)
    name = named or _choose(options)
    own, others = _split(options, beside)
    selectors = {*_KEYS, name}
    return _make(name, {key: value for key, value in own.items() if snake_case(key) not in selectors}), others


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Both together; `above` wins, whichever spelling each of them uses.

    Raises:
        ConfigError: The name of an option is no text.
    """
    for key in above:
        if not isinstance(key, str):
            raise ConfigError(unknown("option", key, ()))
    won = {snake_case(key) for key in above}
    return {key: value for key, value in below.items() if snake_case(key) not in won} | above


def _scheme(url: str) -> str | None:
    """The transport that a URL names; ``None`` where the options say it, or where nothing can be read.

    Raises:
        ConfigError: There is no such transport.
    """
    scheme = scheme_of(url)
    if not scheme or scheme in _SMTP_SCHEMES:
        return None
    known = (*_SMTP_SCHEMES, *_SCHEMES, *_registered())
    if scheme not in known:
        raise ConfigError(f"{unknown('URL scheme', scheme, known)}; a URL begins with {':, '.join(known)}:")
    return scheme


def _choose(options: Mapping[str, Any]) -> str:
    """The name of the transport that the keys pick."""
    wanted = [snake_case(key) for key, value in options.items() if value]
    for key, name in _KEYS.items():
        if key in wanted:
            return name
    strange = [name for name in wanted if name not in OPTIONS]
    registered = _registered() if strange else {}
    return next((name for name in strange if name in registered), "smtp")


def _split(options: Mapping[str, Any], beside: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    own: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in options.items():
        name = snake_case(key)
        if name not in beside and name not in OPTIONS and closest(name, beside, _MISSPELT):
            raise ConfigError(unknown("option", key, beside))
        (others if name in beside else own)[key] = value
    return own, others


def _make(name: str, options: dict[str, Any]) -> Transport:
    factory = _factory(name)
    try:
        signature(factory).bind(**options)
    except TypeError as error:
        raise ConfigError(f"the transport {name!r} does not take these options: {error}") from None
    made = factory(**options)
    if not _is_transport(made):
        raise ConfigError(f"what is registered as the transport {name!r} gave {type(made).__name__}, which cannot send")
    return made


def _factory(name: str) -> Factory:
    """The factory of that name, the core's or an entry point's."""
    if name == "smtp" or name in _SCHEMES:
        return cast("Factory", getattr(transports, name))
    entry = _registered().get(name)
    if entry is None:
        raise ConfigError(f"no transport is registered as {name!r}: install the package that has it")
    try:
        return cast("Factory", entry.load())
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the transport {name!r} cannot be loaded from {entry.value}: {error}") from error


def _registered() -> dict[str, Any]:
    from importlib.metadata import entry_points  # costs more than the rest of this module together

    return {entry.name: entry for entry in entry_points(group=GROUP)}
