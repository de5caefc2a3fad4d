"""Line ends as the receiving program wants them: a composed message has CRLF, files and local programs often want LF.

Knows only octets. What comes in ends its lines in CRLF and holds no CR or LF otherwise, so nothing is guessed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.errors import ConfigError, MailError, MessageError
from pymailer.outcome import Stage

if TYPE_CHECKING:
    from pymailer.message.composed import ComposedMessage
    from pymailer.runtime import Runtime

UNIX: Final = "unix"
WINDOWS: Final = "windows"
_SPELLINGS: Final = {UNIX: UNIX, "\n": UNIX, WINDOWS: WINDOWS, "\r\n": WINDOWS}


def _newline(value: object, field: attrs.Attribute[str]) -> str:
    name = _SPELLINGS.get(value.lower()) if isinstance(value, str) else None
    if name is None:
        raise ConfigError(f"{field.name} must be 'unix' (LF) or 'windows' (CRLF), not {value!r}")
    return name


def line_end(default: str) -> Any:
    """An attrs field: ``unix`` or ``windows``, or the line end itself."""
    return attrs.field(default=default, converter=attrs.Converter(_newline, takes_field=True))


class ToUnix:
    """CRLF becomes LF, in chunks cut anywhere."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What of `chunk` is certain."""
        data = self._held + chunk
        self._held = b"\r" if data.endswith(b"\r") else b""
        return data.removesuffix(self._held).replace(b"\r\n", b"\n")

    def end(self) -> bytes:
        """What was held back."""
        return self._held


def iter_message(message: ComposedMessage, ending: str) -> Iterator[bytes]:
    """The message's chunks with that line end, read at once.

    Raises:
        MessageError: Its content cannot be read, or only by waiting.
    """
    lines = ToUnix() if ending == UNIX else None
    try:
        for chunk in message.iter_bytes():
            yield chunk if lines is None else lines.feed(chunk)
    except MailError:
        raise
    except Exception as error:
        raise _unreadable(error) from error
    if lines is not None:
        yield lines.end()


async def message_chunks(message: ComposedMessage, runtime: Runtime, ending: str) -> AsyncGenerator[bytes]:
    """The message's chunks with that line end.

    Raises:
        MessageError: Its content cannot be read.
    """
    lines = ToUnix() if ending == UNIX else None
    try:
        async for chunk in message.chunks(runtime):
            yield chunk if lines is None else lines.feed(chunk)
    except MailError:
        raise
    except Exception as error:
        raise _unreadable(error) from error
    if lines is not None:
        yield lines.end()


def _unreadable(error: Exception) -> MessageError:
    """What a message's own source raises says nothing of the transport: the message could not be read."""
    return MessageError(
        f"the message's content could not be read to its end: {error}", code="ESTREAM", stage=Stage.BODY
    )
