"""Reading so many octets and not one more, for protocols that announce their lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymailer.net.channel import Channel
    from pymailer.runtime import Runtime


async def read_exactly(runtime: Runtime, channel: Channel, size: int, deadline: float | None) -> bytes:
    """The next `size` octets; what came with them stays in the channel.

    Raises:
        ConnectionResetError: The peer hung up first.
        OSError: The connection is lost.
        TimeoutError: `deadline` passed first.
    """
    data = bytearray()
    while len(data) < size:
        piece = await channel.read(runtime, deadline)
        if not piece:
            raise ConnectionResetError("the peer hung up in the middle of an answer")
        data += piece
    channel.unread(bytes(data[size:]))
    return bytes(data[:size])
