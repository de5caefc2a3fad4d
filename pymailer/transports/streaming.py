"""A transport that gives the message back: as bytes, or as chunks to be read later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.__about__ import __version__
from pymailer.options import checked, gather
from pymailer.transports.in_memory import delivered
from pymailer.transports.newlines import WINDOWS, iter_message, line_end, message_chunks

if TYPE_CHECKING:
    from pymailer.message.composed import ComposedMessage
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail


@attrs.frozen(kw_only=True)
class StreamOptions:
    """How the message is given back.

    Attributes:
        buffer: Whether as `bytes`; otherwise as a `MessageStream`.
        newline: ``"windows"`` (CRLF, as on the wire) or ``"unix"`` (LF).

    Raises:
        ConfigError: A value is none of these.
    """

    buffer: bool = attrs.field(default=False, validator=checked(bool))
    newline: str = line_end(WINDOWS)


_NAMES: Final = frozenset(field.name for field in attrs.fields(StreamOptions))


@attrs.frozen(eq=False)
class MessageStream:
    """A composed message, to be read in chunks of bytes with ``for`` or ``async for``.

    It is read from its sources when it is iterated: a file that is gone by then raises `MessageError`, and a message
    with a source that can be read only once can be iterated only once.
    """

    _message: ComposedMessage = attrs.field(repr=False)
    _runtime: Runtime = attrs.field(repr=False)
    _newline: str

    def __iter__(self) -> Iterator[bytes]:
        return iter_message(self._message, self._newline)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return message_chunks(self._message, self._runtime, self._newline)


class StreamTransport:
    """Gives each message back as ``info.message``.

    Args:
        options: In which form.
    """

    name = "Stream"
    version: str = __version__

    def __init__(self, options: StreamOptions | None = None) -> None:
        self.options: StreamOptions = options or StreamOptions()

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Give one message back.

        Raises:
            MessageError: Its content cannot be read (with `buffer`; without it, iterating raises that).
        """
        if not self.options.buffer:
            stream = MessageStream(mail.message, mail.runtime, self.options.newline)
            return delivered(mail, mail.message.size or 0, stream)
        chunks = message_chunks(mail.message, mail.runtime, self.options.newline)
        content = b"".join([chunk async for chunk in chunks])
        return delivered(mail, len(content), content)


def stream(options: object = None, /, **keywords: Any) -> StreamTransport:
    """A transport that gives the message back as bytes (``buffer=True``) or as an iterable of chunks.

    Args:
        options: A mapping of options in either spelling, or a URL.
        keywords: The same options one by one: ``buffer``, ``newline``; they win.

    Raises:
        ConfigError: An option is unknown or wrong.
    """
    return StreamTransport(StreamOptions(**gather(options, keywords, _NAMES, (), "the stream transport", ["stream"])))
