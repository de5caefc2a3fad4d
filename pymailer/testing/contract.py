"""Whether a transport keeps its contract (`pymailer.transport`), in both colours.

Knows how promises are run and told of; what they are is in `promises`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from inspect import getdoc, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from pymailer.testing.colours import ASYNC, SYNC, Colour
from pymailer.testing.promises import FROM, PROMISES, TO, Promise

if TYPE_CHECKING:
    from pymailer.transport import Transport

Factory = Callable[[], "Transport"]


class BrokenContractError(AssertionError):
    """A transport does not keep its contract.

    Attributes:
        broken: What it does instead, each as a sentence.
        causes: The exceptions behind the sentences, in the same order; ``None`` where there is none.
    """

    def __init__(self, name: str, broken: list[tuple[str, BaseException | None]]) -> None:
        self.broken: tuple[str, ...] = tuple(text for text, _ in broken)
        self.causes: tuple[BaseException | None, ...] = tuple(cause for _, cause in broken)
        listing = "".join(f"\n- {text}" for text in self.broken)
        super().__init__(f"{name} breaks its contract in {len(broken)} ways:{listing}")


def check_transport(factory: Factory) -> None:
    """Check that the transports of `factory` do what every transport promises.

    Messages from and to addresses at example.com are sent, one by one and several at once, by a sync and by an async
    mailer. Point the transport at something that takes them all, such as `SMTPServer`.

    Args:
        factory: Makes a new transport that works; called several times.

    Raises:
        BrokenContractError: They do not; says in which ways.
    """
    transport = factory()
    broken = _form(transport)
    if not broken:
        for colour in (SYNC, ASYNC):
            broken += [found for promise in PROMISES if (found := _run(promise, colour, factory)) is not None]
        broken += _both_colours(factory())
    if broken:
        raise BrokenContractError(repr(transport), broken)


def _form(transport: Any) -> list[tuple[str, BaseException | None]]:
    """What can be seen without sending anything."""
    found: list[tuple[str, BaseException | None]] = []
    for name in ("name", "version"):
        value = getattr(transport, name, None)
        if not isinstance(value, str) or not value:
            found.append((f"{name} must be text, and is {value!r}", None))
    if not callable(getattr(transport, "send", None)):
        found.append(("send must be callable with the mail", None))
    return found


def _run(promise: Promise, colour: Colour, factory: Factory) -> tuple[str, BaseException | None] | None:
    async def check() -> None:
        client = colour.open(factory())
        try:
            await promise(client, colour)
        except Exception:
            with suppress(Exception):  # what is wrong was seen already
                await client.close()
            raise
        await client.close()

    try:
        colour.finish(check())
    except Exception as error:  # noqa: BLE001 - whatever a transport does wrong
        summary = (getdoc(promise) or "").partition("\n")[0]
        return f"[{colour.name}] {summary} But: {type(error).__name__}: {error}", error
    return None


def _both_colours(transport: Transport) -> list[tuple[str, BaseException | None]]:
    """One object serves a sync mailer, an async one, and a sync one again."""
    try:
        for colour in (SYNC, ASYNC, SYNC):
            colour.finish(_send_one(colour, transport))
    except Exception as error:  # noqa: BLE001 - whatever a transport does wrong
        kind = "coroutine" if iscoroutinefunction(transport.send) else "plain"
        text = (
            f"One transport (whose send is a {kind} function) serves both colours. But: {type(error).__name__}: {error}"
        )
        return [(text, error)]
    return []


async def _send_one(colour: Colour, transport: Transport) -> None:
    await colour.open(transport).send(**{"from": FROM, "to": TO, "text": "Hello"})
