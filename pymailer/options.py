"""Options as users write them: keywords, a mapping in either spelling, or a URL; and the checks all options share.

Knows spelling, units and types; no option by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, cast

import attrs

from pymailer.errors import ConfigError
from pymailer.names import snake_case, unknown
from pymailer.urls import parse_url, scheme_of

LONGEST_SECONDS: Final = 3600
"""A snake_case timeout above this looks like milliseconds."""


def normalize(given: Mapping[str, Any], known: Iterable[str], durations: Iterable[str], what: str) -> dict[str, Any]:
    """The same options in snake_case; what is ``None`` counts as not given.

    A camelCase key is Nodemailer's spelling: a duration under it is in milliseconds, and becomes a `timedelta`.

    Raises:
        ConfigError: An unknown option (with the closest known one), or one option in both spellings.
    """
    names, lengths = frozenset(known), frozenset(durations)
    result: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in given.items():
        name = snake_case(key) if isinstance(key, str) else ""
        if name not in names:
            raise ConfigError(unknown(what, key, sorted(names)))
        if name in spelled:
            raise ConfigError(f"{spelled[name]!r} and {key!r} are the same {what}: give one of them")
        spelled[name] = key
        if value is not None:
            result[name] = _milliseconds(key, value) if name in lengths and key != name else value
    return result


def _milliseconds(name: str, value: object) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(milliseconds=number(name, value))


def duration(name: str, value: object) -> float:
    """Seconds from a number or a `timedelta`.

    Raises:
        ConfigError: Not a positive length of time, or over an hour, which looks like milliseconds.
    """
    if isinstance(value, timedelta):
        return number(name, value.total_seconds())
    seconds = number(name, value)
    if seconds > LONGEST_SECONDS:
        raise ConfigError(
            f"{name}={value!r} is over an hour and looks like milliseconds: {name} is in seconds; "
            f"give a timedelta if it is meant"
        )
    return seconds


def number(name: str, value: object) -> float:
    """A number that is not negative.

    Raises:
        ConfigError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ConfigError(f"{name} must be a number, 0 or more, not {value!r}")
    return float(value)


def checked(*kinds: type) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """An attrs validator: the value is ``None`` or one of `kinds` (a `bool` is not an `int`)."""
    wanted = " or ".join(kind.__name__ for kind in kinds)

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None:
            return
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ConfigError(f"{attribute.name} must be {wanted}, not {type(value).__name__}")

    return check


def positive_int(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """An attrs validator: ``None``, or a whole number from 1 on."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"{attribute.name} must be a whole number, 1 or more, not {value!r}")


def _seconds(value: object, field: attrs.Attribute[Any]) -> float | None:
    return None if value is None else duration(field.name, value)


def seconds(default: float | None) -> Any:
    """An attrs field: a length of time, given as a number or a `timedelta`, kept in seconds."""
    return attrs.field(default=default, converter=attrs.Converter(_seconds, takes_field=True))


def gather(
    given: object,
    keywords: Mapping[str, Any],
    known: Iterable[str],
    durations: Iterable[str],
    what: str,
    schemes: Collection[str] = ("smtp", "smtps"),
) -> dict[str, Any]:
    """One normalized mapping from what a factory was given: the URL's options, the mapping's over them, then keywords.

    Args:
        given: A mapping, in which ``url`` may be one more layer, a URL, or ``None``.
        keywords: What was given one by one.
        known: The names of all options.
        durations: Those of them that are lengths of time.
        what: What takes these options, for an error.
        schemes: What a URL may begin with.

    Raises:
        ConfigError: `given` is neither a mapping nor a URL, or an option is unknown or given twice.
    """
    layers: list[Mapping[str, Any]] = [keywords]
    if isinstance(given, str):
        layers.append(_read(given, schemes, what))
    elif isinstance(given, Mapping):
        mapping = dict(cast("Mapping[str, Any]", given))
        url = mapping.pop("url", None)
        layers.append(mapping)
        if url is not None:
            layers.append(_read(url, schemes, what))
    elif given is not None:
        raise ConfigError(f"{what} takes options as keywords, a mapping or a URL, not {type(given).__name__}")
    options: dict[str, Any] = {}
    for layer in reversed(layers):
        options |= normalize(layer, known, durations, "option")
    return options


def _read(url: object, schemes: Collection[str], what: str) -> dict[str, Any]:
    if isinstance(url, str) and scheme_of(url) not in schemes:
        raise ConfigError(f"a URL for {what} begins with {' or '.join(f'{scheme}:' for scheme in schemes)}")
    return parse_url(url)
