"""Looking at content before a message is put together: files are found, addresses fetched, async iterables read.

After this a message has no colour: whatever only an event loop can give has been waited for, and what is left can be
read by anybody, in any thread. What is known to be short is in memory; the rest is still where it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import MailTimeoutError, MessageError
from pymailer.message.coding import IDENTITY, Measure
from pymailer.message.content import AsyncPieces, File, Memory, Source
from pymailer.message.encoding import decode_content
from pymailer.message.origins import Remote
from pymailer.message.spool import Spool

if TYPE_CHECKING:
    from pymailer.message.node import Leaf
    from pymailer.message.policy import ComposePolicy
    from pymailer.runtime import Runtime

_AS_IT_IS: Final = frozenset({IDENTITY, "7bit", "8bit"})

GLANCE: Final = 256 * 1024
"""Octets of a text that are looked at to choose its encoding; a shorter one is read whole."""

MAX_HELD: Final = 64 * 1024 * 1024
"""Octets of content that may be held, where all of it is needed at once."""


async def settle(runtime: Runtime, leaf: Leaf, policy: ComposePolicy, deadline: float | None = None) -> None:
    """Look at the content of a part, so that nothing of it has to be awaited any more."""
    if isinstance(leaf.origin, bytes):
        return
    source = await located(runtime, leaf.origin, policy, deadline)
    content = source.data if isinstance(source, Memory) else source
    if leaf.content_encoding is not None:
        content = decode_content(await runtime.offload(held, source), leaf.content_encoding)
        leaf.content_encoding = None
    if leaf.text and isinstance(content, Source):
        content, leaf.sample = await runtime.offload(glance, content)
        if leaf.transfer in _AS_IT_IS and isinstance(content, Source) and content.replayable:
            leaf.measure = await runtime.offload(Measure.of, content)
    leaf.origin = content


async def hold(runtime: Runtime, leaf: Leaf, policy: ComposePolicy, deadline: float | None = None) -> None:
    """The same, and all of it in memory."""
    await settle(runtime, leaf, policy, deadline)
    if isinstance(leaf.origin, Source):
        leaf.origin = await runtime.offload(held, leaf.origin)


async def located(
    runtime: Runtime, origin: Path | Remote | Source, policy: ComposePolicy, deadline: float | None
) -> Source:
    """A source that anybody can read, from wherever content comes from.

    Raises:
        MessageError: It cannot be read, or must not be.
        MailTimeoutError: `deadline` passed while it was fetched.
    """
    if isinstance(origin, Path):
        return await runtime.offload(File.found, origin)
    if isinstance(origin, Remote):
        return await _fetched(runtime, origin, policy, deadline)
    if isinstance(origin, AsyncPieces):
        return await _collected(runtime, origin)
    return origin


async def _fetched(runtime: Runtime, remote: Remote, policy: ComposePolicy, deadline: float | None) -> Source:
    from pymailer.message.fetch import FetchLimits, fetch  # only content from the web pays for this import

    seconds = policy.fetch_timeout if deadline is None else min(policy.fetch_timeout, deadline - runtime.now())
    limits = FetchLimits(policy.max_fetch_size, seconds, private=policy.allow_private_urls)
    try:
        return await runtime.offload(fetch, remote, limits)
    except MessageError as error:
        if deadline is None or runtime.now() < deadline:
            raise
        raise MailTimeoutError("the time for this message was over while its content was fetched") from error


async def _collected(runtime: Runtime, pieces: AsyncPieces) -> Source:
    spool = Spool()
    iterator = aiter(pieces.pieces)
    try:
        while (piece := await pieces.read(iterator)) is not None:
            if spool.stays_in_memory(piece):
                spool.write(piece)
            else:
                await runtime.offload(spool.write, piece)
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()  # or its event loop would, in a task that outlives this call
    return spool.source()


def held(source: Source) -> bytes:
    """All of `source` at once.

    Raises:
        MessageError: It cannot be read, or is larger than `MAX_HELD`.
    """
    pieces: list[bytes] = []
    size = 0
    for chunk in source.chunks():
        pieces.append(chunk)
        size += len(chunk)
        if size > MAX_HELD:
            raise MessageError(f"content that is needed at once has more than {MAX_HELD} octets")
    return b"".join(pieces)


def glance(source: Source) -> tuple[bytes | Source, bytes | None]:
    """All octets if they are few; else a source that still gives all of it, and its beginning."""
    chunks = source.chunks()
    pieces: list[bytes] = []
    size = 0
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size > GLANCE:
            beginning = b"".join(pieces)
            return (source if source.replayable else _Begun(None, False, beginning, chunks)), beginning
    return b"".join(pieces), None


@attrs.frozen
class _Begun(Source):
    """What can be read once, of which the beginning was read."""

    beginning: bytes = attrs.field(repr=False)
    rest: Iterator[bytes] = attrs.field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The beginning, and what follows."""
        parts: Iterable[bytes] = chain((self.beginning,), self.rest)
        return iter(parts)
