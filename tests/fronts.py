"""One test for both fronts: a sync mailer whose calls are awaited, beside the async one that is so by nature.

Knows the names that wait; nothing of what they do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from typing import Any

import attrs

from pymailer import AsyncMailer, Delivery, Mailer, create_async_transport, create_transport
from pymailer.runtime import run

WAITS = frozenset({"send_mail", "compile", "send_compiled", "verify", "close"})

Scenario = Callable[[Any], Coroutine[Any, Any, Any]]


@attrs.frozen
class Front:
    """Runs scenarios in one colour: `front(scenario, transport, **options)` gives it an open mailer."""

    colour: str

    def create(self, *arguments: Any, **options: Any) -> Mailer | AsyncMailer:
        """The mailer itself."""
        create = create_transport if self.colour == "sync" else create_async_transport
        return create(*arguments, **options)

    def __call__(self, scenario: Scenario, *arguments: Any, **options: Any) -> Any:
        """What `scenario` returns, once the mailer is closed."""
        return self.run(self._within(scenario, arguments, options))

    async def _within(self, scenario: Scenario, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        mailer = self.create(*arguments, **options)
        if isinstance(mailer, Mailer):
            with mailer:
                return await scenario(Awaited(mailer))
        async with mailer:
            return await scenario(mailer)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine returns."""
        return run(coroutine) if self.colour == "sync" else asyncio.run(coroutine)


class Awaited:
    """A sync mailer in the clothes of an async one."""

    def __init__(self, mailer: Mailer) -> None:
        self.mailer = mailer

    def __getattr__(self, name: str) -> Any:
        member = getattr(self.mailer, name)
        if name not in WAITS:
            return member

        async def call(*arguments: Any, **keywords: Any) -> Any:
            return member(*arguments, **keywords)

        return call

    async def send_many(self, *arguments: Any, **keywords: Any) -> AsyncIterator[Delivery]:
        """As the async mailer's."""
        with closing(self.mailer.send_many(*arguments, **keywords)) as deliveries:
            for delivery in deliveries:
                yield delivery
