"""Telling whoever asked to be told. A listener that fails is logged and changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

Callback = Callable[..., object]

EVENTS: Final = ("idle", "clear", "error", "log", "token", "sent", "failed")
"""What can be listened for (API: `Mailer.on`)."""

_logger = logging.getLogger("pymailer.events")


class Emitter:
    """Listeners by event; safe to use from any thread."""

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[Callback, ...]] = {}

    def on(self, event: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` with the arguments of each `event`.

        Returns:
            A function that ends the subscription; a second call of it is harmless.

        Raises:
            ValueError: There is no such event.
        """
        if event not in EVENTS:
            raise ValueError(f"unknown event {event!r}: expected one of {', '.join(EVENTS)}")
        # Replaced, never changed: `emit` walks a tuple that nobody alters under it.
        self._listeners[event] = (*self._listeners.get(event, ()), callback)

        def unsubscribe() -> None:
            left = list(self._listeners.get(event, ()))
            if callback in left:
                left.remove(callback)
                self._listeners[event] = tuple(left)

        return unsubscribe

    def heard(self, event: str) -> bool:
        """Whether anybody listens for `event`."""
        return bool(self._listeners.get(event))

    def emit(self, event: str, *arguments: Any) -> None:
        """Call the listeners of `event`, each whatever the others do."""
        for callback in self._listeners.get(event, ()):
            try:
                callback(*arguments)
            except Exception:
                _logger.exception("a listener for %r failed", event, extra={"event": event})
