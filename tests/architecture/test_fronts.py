"""The two fronts say the same: same names, same signatures, awaited where they wait."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from pymailer.mailer import AsyncMailer, Mailer, create_async_transport, create_transport

CONTRACT = {
    *("send_mail", "send_many", "compile", "send_compiled", "verify", "use", "on"),
    *("is_idle", "stats", "close", "transport", "defaults"),
}
WAITS = {"send_mail", "compile", "send_compiled", "verify", "close"}


def public(front: type) -> set[str]:
    return {name for name in dir(front) if not name.startswith("_")}


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """What it takes, but for an asynchronous iterable, of which only one colour has a use."""
    return [
        parameter.replace(annotation=str(parameter.annotation).replace(" | AsyncIterable[AnyMessage]", ""))
        for parameter in inspect.signature(function).parameters.values()
    ]


def returned(function: Callable[..., Any]) -> str:
    """The annotated result without its colour: `AsyncIterator[Delivery]` and `Iterator[Delivery]` promise the same."""
    return re.sub(r"\bAsync", "", str(inspect.signature(function).return_annotation))


COMMON = sorted(name for name in public(Mailer) & public(AsyncMailer) if callable(getattr(Mailer, name)))


def test_the_sync_front_has_all_that_the_contract_names() -> None:
    with create_transport(Nowhere()) as mailer:
        assert CONTRACT <= set(dir(mailer))


def test_the_async_front_has_all_that_the_contract_names() -> None:
    async def names() -> set[str]:
        async with create_async_transport(Nowhere()) as mailer:
            return set(dir(mailer))

    assert CONTRACT <= asyncio.run(names())


def test_both_have_the_same_names() -> None:
    assert public(Mailer) == public(AsyncMailer)


@pytest.mark.parametrize("name", COMMON)
def test_a_method_takes_the_same_in_both(name: str) -> None:
    assert parameters(getattr(Mailer, name)) == parameters(getattr(AsyncMailer, name))


@pytest.mark.parametrize("name", COMMON)
def test_a_method_gives_the_same_in_both(name: str) -> None:
    assert returned(getattr(Mailer, name)) == returned(getattr(AsyncMailer, name))


@pytest.mark.parametrize("name", COMMON)
def test_exactly_what_waits_is_awaited(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(AsyncMailer, name)) == (name in WAITS)
    assert not inspect.iscoroutinefunction(getattr(Mailer, name))


def test_the_two_doors_take_the_same() -> None:
    assert parameters(create_transport) == parameters(create_async_transport)


def test_each_is_a_context_manager_of_its_colour_only() -> None:
    assert hasattr(Mailer, "__enter__")
    assert not hasattr(Mailer, "__aenter__")
    assert hasattr(AsyncMailer, "__aenter__")
    assert not hasattr(AsyncMailer, "__enter__")


class Nowhere:
    """The smallest transport there is."""

    name = "nowhere"
    version = "0"

    def send(self, mail: object) -> Any:
        raise AssertionError("nothing is sent here")
