"""HTTP CONNECT (RFC 9110 9.3.6): one request, one answer, and what follows belongs to the server.

Knows just enough HTTP for that; bounded, and with no password where a traceback shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pymailer.errors import ProxyError

if TYPE_CHECKING:
    from pymailer.net.channel import Channel
    from pymailer.runtime import Runtime
    from pymailer.secret import Secret

_HEAD_LIMIT: Final = 65_536
"""Octets of an answer's head."""
_TEMPORARY: Final = range(500, 600)
_REASON_LIMIT: Final = 200


async def http_connect(
    runtime: Runtime,
    channel: Channel,
    user: str,
    password: Secret[str],
    authority: str,
    deadline: float | None,
) -> None:
    """Ask the proxy to connect us to `authority` (``host:port``).

    Raises:
        ProxyError: Its answer is not a 2xx, or not HTTP.
        OSError: The connection is lost.
        TimeoutError: `deadline` passed first.
    """
    channel.queue(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n".encode("ascii"))
    if user or password.reveal():
        _queue_credentials(channel, user, password)
    channel.queue(b"\r\n")
    await channel.flush(runtime, deadline)
    _check(await _read_head(runtime, channel, deadline))


def _queue_credentials(channel: Channel, user: str, password: Secret[str]) -> None:
    """RFC 7617 2."""
    from base64 import b64encode

    channel.queue(b"Proxy-Authorization: Basic ")
    channel.queue(b64encode(f"{user}:{password.reveal()}".encode()))
    channel.queue(b"\r\n")


async def _read_head(runtime: Runtime, channel: Channel, deadline: float | None) -> bytes:
    """The answer up to the empty line; what came behind it is left in the channel."""
    head = bytearray()
    searched = 0
    while (end := head.find(b"\r\n\r\n", searched)) < 0:
        if len(head) > _HEAD_LIMIT:
            raise ProxyError("its answer has no end", temporary=False)
        data = await channel.read(runtime, deadline)
        if not data:
            raise ProxyError("it hung up without an answer")
        searched = max(len(head) - 3, 0)
        head += data
    channel.unread(bytes(head[end + 4 :]))
    return bytes(head[:end])


def _check(head: bytes) -> None:
    line = head.partition(b"\r\n")[0][:_REASON_LIMIT]
    version, _, rest = line.partition(b" ")
    status = rest.partition(b" ")[0]
    if not version.startswith(b"HTTP/1.") or not status.isdigit() or len(status) != 3:
        raise ProxyError(f"this is no HTTP proxy, it said {line!a}", temporary=False)
    code = int(status)
    if 200 <= code < 300:
        return
    text = rest.decode("ascii", "backslashreplace").strip()
    printable = "".join(char if char.isprintable() else "?" for char in text)
    hint = "; give the proxy's credentials in its URL" if code == 407 else ""
    raise ProxyError(f"it said {printable}{hint}", temporary=code in _TEMPORARY)
