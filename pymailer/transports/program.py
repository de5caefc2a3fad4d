"""A local program that is given a message on its standard input, without a shell, and never outlives the call.

Knows processes and pipes; nothing of mail. Waits only through the runtime: a pipe has a descriptor like any socket.
"""

from __future__ import annotations

import os
import subprocess
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self, cast

from pymailer.runtime import WRITE

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from pymailer.runtime import Runtime

SAID: Final = 1000
"""Octets of a program's last words that are kept."""


class Program:
    """A running program; a context manager, which kills it if it is still running at the end.

    Args:
        arguments: The program's path and its arguments.

    Raises:
        OSError: It cannot be run.
    """

    def __init__(self, arguments: Sequence[bytes]) -> None:
        # A file and not a pipe: nobody has to read along, and a child of the program may keep it open.
        self._output = TemporaryFile(buffering=0)  # noqa: SIM115 - closed at the end of the program
        try:
            # Not offloaded, though it takes a moment: a cancelled task would leave a program that nobody knows of.
            self._process = subprocess.Popen(  # noqa: S603 - no shell, and whoever gives arguments has checked them
                arguments, bufsize=0, stdin=subprocess.PIPE, stdout=self._output, stderr=subprocess.STDOUT
            )
        except BaseException:
            self._output.close()
            raise
        self._input = cast("IO[bytes]", self._process.stdin)
        os.set_blocking(self._input.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Killed before its input ends: otherwise it would take what it has for a whole message.
        if self._process.poll() is None:
            self._process.kill()
        self._input.close()
        self._process.wait()
        self._output.close()

    async def write(self, runtime: Runtime, data: bytes, deadline: float | None) -> bool:
        """Give it `data`; ``False`` if it does not read any more.

        Raises:
            TimeoutError: `deadline` passed.
        """
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._input.fileno(), rest) :]
            except BlockingIOError:
                await runtime.wait([(cast("socket.socket", self._input), WRITE)], deadline)
            except BrokenPipeError:
                return False
        return True

    def end_input(self) -> None:
        """Tell it that it has everything."""
        self._input.close()

    async def wait(self, runtime: Runtime, deadline: float | None) -> int:
        """Its exit status; negative for the signal that killed it.

        Raises:
            TimeoutError: `deadline` passed.
        """
        patience = None if deadline is None else max(deadline - runtime.now(), 0)
        try:
            return await runtime.offload(self._process.wait, patience)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error

    def said(self) -> str:
        """The end of what it wrote to its output and error output, printable."""
        length = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(length - SAID, 0))
        text = self._output.read().decode("utf-8", "replace").strip()
        return "".join(char if char.isprintable() else " " for char in text)
