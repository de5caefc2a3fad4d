"""Telling whoever asked to be told. A listener that fails is logged and changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from pymailer.errors import ConfigError
from pymailer.names import unknown

Callback = Callable[..., object]

EVENTS: Final = ("idle", "clear", "error", "log", "token", "sent", "failed")
"""What can be listened for (API: `Mailer.on`)."""

_logger = logging.getLogger("pymailer.events")


class Emitter:
    """Listeners by event; safe to use from any thread."""

    def __init__(self) -> None:
        # Each subscription has a key of its own. One step of a dict is never half done, so no lock is needed.
        self._listeners: dict[str, dict[object, Callback]] = {event: {} for event in EVENTS}

    def on(self, event: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` with the arguments of each `event`.

        Returns:
            A function that ends the subscription; a second call of it is harmless.

        Raises:
            ConfigError: There is no such event, or `callback` cannot be called.
        """
        if event not in EVENTS:
            raise ConfigError(f"{unknown('event', event, EVENTS)}; the events are {', '.join(EVENTS)}")
        if not callable(callback):
            raise ConfigError(f"an event is told to what can be called, not to {type(callback).__name__}")
        listeners, key = self._listeners[event], object()
        listeners[key] = callback

        def unsubscribe() -> None:
            listeners.pop(key, None)

        return unsubscribe

    def heard(self, event: str) -> bool:
        """Whether anybody listens for `event`."""
        return bool(self._listeners[event])

    def emit(self, event: str, *arguments: Any) -> None:
        """Call the listeners of `event`, each whatever the others do."""
        for callback in tuple(self._listeners[event].values()):
            try:
                callback(*arguments)
            except Exception:
                _logger.exception("a listener for %r failed", event, extra={"event": event})
