"""What stands at every front door: an error about options goes out, and what the caller handed in does not.

A URL or a mapping of options holds a password, and so does every frame that was busy with it. Knows frames and
exceptions; nothing of options.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, whose failures show where they come from, and no local of any frame from here on."""

    @wraps(function)
    def door(*arguments: P.args, **keywords: P.kwargs) -> T:
        outside = sys.exception()
        try:
            return function(*arguments, **keywords)
        except BaseException as error:
            del arguments, keywords
            _forget_locals(error, outside)
            raise

    return door


def _forget_locals(error: BaseException, outside: BaseException | None) -> None:
    from traceback import clear_frames  # only a mistake pays for this import

    for link in _chain(error, outside):
        clear_frames(link.__traceback__)


def _chain(error: BaseException, outside: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, up to what the caller was handling when he came here: those frames are his."""
    seen = {id(outside), id(None)}
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if id(link) not in seen and link is not None:
            seen.add(id(link))
            yield link
            links += (link.__cause__, link.__context__)
