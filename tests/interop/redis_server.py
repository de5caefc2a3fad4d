"""Redis, the broker of task queues, from Debian's packages.

Knows how to start it and to hear whether it is there; must not know any queue.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from tests.interop.instance import START_SECONDS
from tests.interop.rooted import RootedInstance


class RedisServer(RootedInstance):
    """Keeps everything in memory."""

    name = "Redis"
    packages = ("redis-server",)
    users = {"redis": 100}  # noqa: RUF012 -- declared as a class variable by its parent
    program = ("/usr/bin/redis-server",)

    def configure(self) -> None:
        self.write("etc/redis.conf", f'bind 127.0.0.1\nport {self.port}\ndir /tmp\nsave ""\nappendonly no\n')

    def command(self) -> Sequence[str | Path]:
        return [*super().command(), "/etc/redis.conf"]

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    def _wait_until_it_greets(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=2) as sock:
                sock.sendall(b"PING\r\n")
                if sock.recv(100).startswith(b"+PONG"):
                    return
            time.sleep(0.05)  # nobody tells us when it listens
        raise AssertionError(f"Redis does not answer on its port. It said: {self.log()[-3000:]}")
