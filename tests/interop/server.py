"""A running server with the eyes of a test: how to reach it, and what arrived there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import attrs

from tests.interop.instance import Instance
from tests.interop.peers import Peer

DELIVERY_SECONDS = 20.0
"""A server delivers when it likes; this is what the slowest of them may take."""


@attrs.frozen
class Server:
    """One peer and the instance behind it."""

    peer: Peer
    instance: Instance

    @property
    def options(self) -> Mapping[str, Any]:
        """Where it is and what every client has to say to it."""
        return {"host": self.instance.host, "port": getattr(self.instance, self.peer.port), **self.peer.options}

    def stored(self, token: str) -> bytes:
        """The message that contains `token`, with CRLF line ends, once it has been delivered.

        Raises:
            AssertionError: It did not arrive.
        """
        deadline = time.monotonic() + DELIVERY_SECONDS
        while not (found := self._find(token.encode())):
            assert time.monotonic() < deadline, f"{self.peer} did not deliver {token}: {self.instance.log()[-2000:]}"
            time.sleep(0.02)  # nobody tells us when it is delivered
        return found

    def _find(self, token: bytes) -> bytes | None:
        found = next((message for message in self.instance.mailbox() if token in message), None)
        return found and b"\r\n".join(found.replace(b"\r\n", b"\n").split(b"\n"))
