"""A transcript without a server, a thread or a real second: the far end is played whenever the client waits.

`ScriptedRuntime` is a `Runtime` whose clock is a number. Give its `socket` to the client under test, as a `Channel` or
as the option `socket=`, and `run` the client with it. The server's octets come whole, line by line or octet by octet;
waiting for what the transcript does not contain jumps the clock to the deadline. Cannot play TLS or RST: those need a
`FaultServer`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from pymailer.runtime import WRITE, Waiter
from pymailer.runtime.blocking import BlockingWaiter
from tests.faults.transcript import Does, Hears, Says, Step, Transcript

Split = Literal["whole", "lines", "octets"]
SPLITS: tuple[Split, ...] = ("whole", "lines", "octets")


class ScriptedRuntime:
    """Plays one transcript to one client; a context manager that closes both ends and checks that all was said.

    Attributes:
        socket: The client's end.
        clock: What `now` says, in seconds.
        heard: The lines that the client said, in order.
    """

    def __init__(self, transcript: Transcript, split: Split = "whole") -> None:
        self.socket, self._far = socket.socketpair()
        self._far.setblocking(False)
        self.clock = 1_000.0
        self.heard: list[str] = []
        self._name = transcript.name
        self._steps = list(transcript.steps)
        self._pieces: list[bytes] = []
        self._split = split
        self._buffer = b""

    # --- the runtime ---

    def now(self) -> float:
        return self.clock

    async def sleep(self, seconds: float) -> None:
        self.clock += max(seconds, 0)

    async def wait(self, interests: Sequence[tuple[socket.socket, int]], deadline: float | None) -> list[socket.socket]:
        ((sock, mask),) = interests
        assert sock.fileno() == self.socket.fileno(), f"{self._name}: the client waits for another socket"
        self._listen()
        if mask & WRITE or self._speak(deadline):
            return [sock]
        assert deadline is not None, f"{self._name}: the client waits for ever"
        self.clock = max(self.clock, deadline)
        raise TimeoutError

    async def offload(self, function: Callable[..., Any], /, *args: Any) -> Any:
        return function(*args)

    def waiter(self) -> Waiter:
        return BlockingWaiter()

    # --- the far end ---

    def _listen(self) -> None:
        """Take what the client has written."""
        try:
            while piece := self._far.recv(65536):
                self._buffer += piece
        except (BlockingIOError, ConnectionError):
            return

    def _speak(self, deadline: float | None) -> bool:
        """Go on in the transcript until the client has something to read; whether it has."""
        while not self._pieces:
            if not self._steps:
                return False
            step = self._steps[0]
            if isinstance(step, Does) and step.name == "drop":
                self._far.shutdown(socket.SHUT_WR)
                return True
            if not self._take(step, deadline):
                return False
            del self._steps[0]
        self._far.send(self._pieces.pop(0))
        return True

    def _take(self, step: Step, deadline: float | None) -> bool:
        """Do one step that sends nothing yet; whether the next may follow."""
        match step:
            case Says():
                self._pieces = _pieces(step.octets, self._split)
            case Hears():
                self._hear(step)
            case Does("delay", float(seconds)):
                if deadline is not None and self.clock + seconds > deadline:
                    return False
                self.clock += seconds
            case Does("stall"):
                return False
            case Does(name):
                assert name in {"commit", "silence"}, f"{self._name}: {name} needs a FaultServer"
        return True

    def _hear(self, step: Hears) -> None:
        while not step.fits(line := self._line(step)):
            assert step.anything, f"{self._name}: the client said {line!r}, not {step.pattern!r}"

    def _line(self, step: Hears) -> str:
        line, end, self._buffer = self._buffer.partition(b"\r\n")
        assert end, f"{self._name}: the client waits, but has not said {step.pattern!r}; it said {self.heard}, {line!r}"
        self.heard.append(line.decode("utf-8", "backslashreplace"))
        return self.heard[-1]

    # --- the end ---

    def finish(self) -> None:
        """Check that the client said all that the transcript has.

        Raises:
            AssertionError: Something of the transcript was left, or the client said more.
        """
        self._listen()
        while self._steps and isinstance(self._steps[0], Hears):
            self._hear(self._steps.pop(0))
        left = [step for step in self._steps if not isinstance(step, Does)]
        assert not left, f"{self._name}: this was left: {left}"
        assert not self._buffer, f"{self._name}: the client said more: {self._buffer!r}"

    def close(self) -> None:
        self.socket.close()
        self._far.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()


def _pieces(octets: bytes, split: Split) -> list[bytes]:
    if split == "whole":
        return [octets]
    return octets.splitlines(keepends=True) if split == "lines" else [octets[n : n + 1] for n in range(len(octets))]
