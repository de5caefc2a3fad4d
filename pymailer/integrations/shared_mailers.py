"""Mailers that outlive whoever asked for them: one a process for each set of options, closed at its exit.

Frameworks make an object for every message or every request; the pool behind it must last. Knows options as plain
data; must not know any framework.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, cast

import attrs

from pymailer.mailer import Mailer, create_transport

if TYPE_CHECKING:
    from pymailer.mailer import AnyTransport
    from pymailer.results import CloseReport

EXIT_SECONDS: Final = 10.0
"""How long the exit of the process waits for messages on their way; a supervisor's patience is rarely longer."""

_logger = logging.getLogger("pymailer.integrations")
_mailers: dict[_Key, Mailer] = {}


def shared_mailer(transport: AnyTransport) -> Mailer:
    """The process's mailer for these options, made when it is first asked for.

    Safe from any thread, and after a fork: no lock is held that a child could inherit, and a pool starts anew there.

    Args:
        transport: What `create_transport` takes; of two mappings with the same content, the second gets the mailer of
            the first.

    Raises:
        ConfigError: An option is unknown or wrong.
    """
    key = _Key(_frozen(transport))
    mailer = _mailers.get(key)
    if mailer is None:
        # Whoever comes second takes what the first one put there; what he made has no connection yet and is dropped.
        mailer = _mailers.setdefault(key, create_transport(transport))
        _close_at_exit()
    return mailer


def _close_at_exit() -> None:
    """Before the pools' own clean-up, which closes what is still open: what is registered last runs first."""
    atexit.unregister(close_shared_mailers)
    atexit.register(close_shared_mailers)


def close_shared_mailers(timeout: float | None = EXIT_SECONDS) -> list[CloseReport]:
    """Finish what is on its way, and close all; the next message begins with a new mailer.

    Runs by itself when the process exits. What was not sent, or of which nobody can say, is logged.

    Args:
        timeout: Seconds for each mailer.
    """
    reports: list[CloseReport] = []
    while _mailers:
        _, mailer = _mailers.popitem()
        reports.append(mailer.close(timeout=timeout))
        tell_of_leftovers(mailer, reports[-1])
    return reports


def tell_of_leftovers(mailer: object, report: CloseReport) -> None:
    """Log what was not sent, or of which nobody can say, by the time a mailer was closed."""
    if report.not_sent or report.unknown:
        _logger.error(
            "%r was closed: %d messages were not sent, and of %d nobody can say",
            mailer,
            len(report.not_sent),
            len(report.unknown),
            extra={"not_sent": len(report.not_sent), "unknown": len(report.unknown)},
        )


@attrs.frozen(repr=False)
class _Key:
    """Equal for equal options; shows none of them."""

    options: Hashable


def _frozen(value: object) -> Hashable:
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return ("mapping", *sorted(((str(name), _frozen(item)) for name, item in items), key=lambda pair: pair[0]))
    if isinstance(value, (list, tuple, set)):
        return ("several", *map(_frozen, cast("Iterable[object]", value)))
    try:
        hash(value)
    except TypeError:
        return id(value)  # it lives as long as the mailer that was given it
    return value
