"""A ledger that the tests can look into."""

from __future__ import annotations

from threading import Lock

from pymailer.integrations.queues.ledger import BEGUN


class DictLedger:
    """As a shared store would, in the memory of one process; it fails while `down`."""

    def __init__(self) -> None:
        self.noted: dict[str, str] = {}
        self.down = False
        self._lock = Lock()

    def begin(self, key: str) -> str | None:
        self._check()
        with self._lock:
            found = self.noted.get(key)
            if found is None:
                self.noted[key] = BEGUN
            return found

    def settle(self, key: str, result: str) -> None:
        self._check()
        self.noted[key] = result

    def forget(self, key: str) -> None:
        self._check()
        del self.noted[key]

    def _check(self) -> None:
        if self.down:
            raise ConnectionError("no ledger")
