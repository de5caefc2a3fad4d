"""A transport that writes each message into a directory: as .eml files, or as a maildir that a mail program can open.

A message is written under a name that nobody looks for, and appears under its own name once the disk has it: whoever
watches the directory sees whole messages or none.
"""

from __future__ import annotations

import os
import socket
from itertools import count
from pathlib import Path
from time import time_ns
from typing import IO, TYPE_CHECKING, Final

import attrs

from pymailer.__about__ import __version__
from pymailer.errors import ConfigError, MailError
from pymailer.outcome import Outcome, Stage
from pymailer.transports.in_memory import delivered
from pymailer.transports.newlines import UNIX, WINDOWS, message_chunks

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail

_numbers: Final = count(1)


@attrs.frozen
class Format:
    """How a directory of messages is laid out.

    Attributes:
        newline: The line end of its files.
        begun: Where a message is while it is written, below the directory.
        done: Where it appears.
        other: What else belongs to such a directory.
        suffix: How a file's name ends.
    """

    newline: str
    begun: str = ""
    done: str = ""
    other: tuple[str, ...] = ()
    suffix: str = ""


FORMATS: Final = {
    "eml": Format(WINDOWS, suffix=".eml"),
    "maildir": Format(UNIX, begun="tmp", done="new", other=("cur",)),
}


class FileTransport:
    """Writes each message to a file of its own; ``info.response`` is its path.

    Args:
        directory: Where to; made if it is not there.
        form: ``"eml"`` or ``"maildir"``.

    Raises:
        ConfigError: The directory cannot be made, or there is no such format.
    """

    name = "File"
    version: str = __version__

    def __init__(self, directory: str | os.PathLike[str], form: str = "eml") -> None:
        if form not in FORMATS:
            raise ConfigError(f"format must be one of {', '.join(FORMATS)}, not {form!r}")
        if not directory or not isinstance(directory, (str, os.PathLike)):
            raise ConfigError(f"directory must be a path, not {directory!r}")
        self.directory: Path = Path(directory)
        self._format = FORMATS[form]
        try:
            for name in (self._format.begun, self._format.done, *self._format.other):
                (self.directory / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make the directory {self.directory}: {error}") from error

    def __repr__(self) -> str:
        return f"<FileTransport {self.directory}>"

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Write one message.

        Raises:
            MessageError: The message's content cannot be read.
            MailError: The disk does not take it (``EFILE``); nothing is left of it.
        """
        name = unique_name()
        begun = self.directory / self._format.begun / f".{name}"
        done = self.directory / self._format.done / f"{name}{self._format.suffix}"
        try:
            size = await self._write(mail, begun)
            mail.outcome = Outcome.UNKNOWN  # a thread that is renaming it is not stopped by a cancelled task
            await mail.runtime.offload(_publish, begun, done)
        except OSError as error:
            raise self._cannot_write(error) from error
        finally:
            begun.unlink(missing_ok=True)
        mail.outcome = Outcome.ACCEPTED
        return attrs.evolve(delivered(mail, size), response=str(done))

    async def verify(self, runtime: Runtime) -> bool:
        """Write a file where messages are begun, and remove it.

        Raises:
            MailError: The disk does not take it (``EFILE``).
        """
        trial = self.directory / self._format.begun / f".{unique_name()}"
        try:
            await runtime.offload(trial.touch)
        except OSError as error:
            raise self._cannot_write(error) from error
        finally:
            trial.unlink(missing_ok=True)
        return True

    def _cannot_write(self, error: OSError) -> MailError:
        return MailError(
            f"cannot write a message to {self.directory}: {error}", code="EFILE", stage=Stage.BODY, temporary=True
        )

    async def _write(self, mail: Mail, path: Path) -> int:
        size = 0
        # Opened here and not in a thread: an open file that a cancelled task no longer knows of would stay open.
        # Closing a buffered file waits for a thread that still writes to it.
        with path.open("xb") as target:
            async for chunk in message_chunks(mail.message, mail.runtime, self._format.newline):
                size += len(chunk)
                await mail.runtime.offload(target.write, chunk)
            await mail.runtime.offload(_settle, target)
        return size


def _settle(target: IO[bytes]) -> None:
    target.flush()
    os.fsync(target.fileno())


def _publish(begun: Path, done: Path) -> None:
    begun.rename(done)
    folder = os.open(done.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else the name may be lost with the power, though the content is not
    except OSError:  # not every file system can
        pass
    finally:
        os.close(folder)


def unique_name() -> str:
    """A file name that sorts by time and that no other process, thread or machine chooses (maildir(5))."""
    seconds, nanoseconds = divmod(time_ns(), 10**9)
    host = socket.gethostname().replace("/", "\\057").replace(":", "\\072") or "localhost"
    return f"{seconds}.M{nanoseconds // 1000:06}P{os.getpid()}Q{next(_numbers)}.{host}"


def file(directory: str | os.PathLike[str], *, format: str = "eml") -> FileTransport:  # noqa: A002 - what users type
    """A transport that writes each message into a directory.

    Args:
        directory: Where to; made if it is not there.
        format: ``"eml"`` (one file a message, CRLF) or ``"maildir"`` (LF, as mail programs keep it).

    Raises:
        ConfigError: The directory cannot be made, or there is no such format.
    """
    return FileTransport(directory, format)
