"""From what a person types to the service that is meant, or to the closest names.

Knows how names and addresses are told apart and what is said when nothing fits. Must not know how the list is kept.
"""

from __future__ import annotations

import difflib
import functools
from typing import TYPE_CHECKING

from pymailer_wellknown.keys import address_key, domain_key, name_key
from pymailer_wellknown.table import services

if TYPE_CHECKING:
    from pymailer_wellknown.service import Service

_MOST_SUGGESTIONS = 3
_LONGEST_GUESS = 64  # characters; a longer name is no misspelling, and comparing costs the square of its length


class UnknownServiceError(LookupError):
    """No service has this name, alias or domain.

    Attributes:
        suggestions: Names of the services that come closest, the closest first; may be empty.
    """

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


def resolve(name: str) -> Service:
    """Find a service by its name, an alias, one of its domains, or an e-mail address in one of its domains.

    Case, spaces and punctuation of a name do not matter. The domain of an address has to be the service's own, label
    for label: `me@mail.gmail.com` and `me@evilgmail.com` are not at Gmail.

    Args:
        name: What to look for, such as `"gmail"`, `"Office 365"`, `"outlook.com"` or `"me@gmail.com"`.

    Raises:
        UnknownServiceError: Nothing fits, `name` is empty, or an address has more than one `@`.
        TypeError: `name` is not a string.
    """
    text = _text(name).strip()
    index, key = (_by_domain(), address_key(text)) if "@" in text else (_by_name(), name_key(text))
    if key not in index:
        raise _unknown(key, index)
    return index[key]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a service is named by a str such as 'gmail', not by {type(value).__name__}")
    return value


def _unknown(key: str, index: dict[str, Service]) -> UnknownServiceError:
    # The key is shown, not what was given: before the "@" of a misplaced URL there may be a password.
    if not key:
        return UnknownServiceError("a service is named by a name such as 'gmail' or an address with exactly one '@'")
    names = _closest(key, index)
    hint = f"did you mean {' or '.join(names)}?" if names else "pymailer_wellknown.services() lists them all"
    return UnknownServiceError(f"no well-known service matches {key[:_LONGEST_GUESS]!r}; {hint}", names)


def _closest(key: str, index: dict[str, Service]) -> tuple[str, ...]:
    if len(key) > _LONGEST_GUESS:
        return ()
    keys = difflib.get_close_matches(key, index, n=2 * _MOST_SUGGESTIONS)  # several may belong to one service
    return tuple(dict.fromkeys(index[key].name for key in keys))[:_MOST_SUGGESTIONS]


@functools.cache
def _by_name() -> dict[str, Service]:
    return {name_key(name): service for service in services() for name in _names(service)}


@functools.cache
def _by_domain() -> dict[str, Service]:
    # Some services are called by their domain ("Mail.ru", "hot.ee"): a name with a dot serves as one.
    return {domain_key(name): service for service in services() for name in _names(service) if "." in name}


def _names(service: Service) -> tuple[str, ...]:
    return (service.name, *service.aliases, *service.domains)
