"""What stands at every front door: an error goes out, and what the caller handed in does not.

A URL, a mapping of options or a message may hold a password or a private key, and so does every frame that was busy
with it. Knows frames and exceptions; nothing of options or messages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import iscoroutinefunction
from types import FrameType
from typing import Any, Final, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

_OURS: Final = frozenset(("pymailer", "pymailer_smtp_pool"))


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, whose failures say where they come from, and show no local of our frames from here on."""
    if iscoroutinefunction(function):
        return cast("Callable[P, T]", _discreet_later(function))

    @wraps(function)
    def door(*arguments: P.args, **keywords: P.kwargs) -> T:
        outside = sys.exception()
        try:
            return function(*arguments, **keywords)
        except BaseException as error:
            del arguments, keywords
            forget_locals(error, outside)
            raise

    return door


def _discreet_later(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    async def door(*arguments: Any, **keywords: Any) -> Any:
        outside = sys.exception()
        try:
            return await function(*arguments, **keywords)
        except BaseException as error:
            del arguments, keywords
            forget_locals(error, outside)
            raise

    return door


def forget_locals(error: BaseException, outside: BaseException | None = None) -> None:
    """Empty each of our frames that `error` passed through and that has ended.

    Args:
        error: What went wrong.
        outside: What the caller was handling when he came here: the frames of that are his.
    """
    for link in _chain(error, outside):
        traceback = link.__traceback__
        while traceback is not None:
            if _is_ours(traceback.tb_frame):
                try:
                    traceback.tb_frame.clear()
                except RuntimeError:  # it has not ended: a door, or who stands before one
                    pass
            traceback = traceback.tb_next


def _is_ours(frame: FrameType) -> bool:
    """Code that attrs writes for our classes bears no name."""
    name: str = frame.f_globals.get("__name__", "pymailer")
    return name.partition(".")[0] in _OURS


def _chain(error: BaseException, outside: BaseException | None) -> Iterator[BaseException]:
    seen = {id(outside), id(None)}
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if id(link) not in seen and link is not None:
            seen.add(id(link))
            yield link
            links += (link.__cause__, link.__context__)
