"""Everything that an error would show to whoever prints it with the locals of every frame."""

from __future__ import annotations

import traceback
from collections.abc import Iterator


def shown(error: BaseException) -> str:
    """The error, its causes, and all their frames but those of the tests, which may know the secret."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join(
        part
        for link in _chain(trace)
        for part in (
            *link.format_exception_only(),
            *(f"{frame}: {frame.locals}" for frame in link.stack if "/tests/" not in frame.filename),
        )
    )


def _chain(trace: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    yield trace
    for link in (trace.__cause__, trace.__context__):
        if link is not None:
            yield from _chain(link)
