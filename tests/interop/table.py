"""The table in docs/interop.md: server and capability, as the run found them."""

from __future__ import annotations

from pathlib import Path

from tests.interop.peers import PEERS
from tests.interop.server import Server

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"
HEAD = """\
# Servers that nobody here wrote

`make interop` starts a private instance of each of these servers on loopback and talks to it in both colours, sync and
async; this page is what its last complete run found. "yes": the server offers it, it was used, and what arrived is
octet for octet what was sent. "-": the server does not offer it, or not in the configuration used here. The servers,
their configuration and the tests are in `tests/interop/`.

"""
TAIL = """
The same run has messages judged by programs that nobody here wrote, and fails where they disagree: OpenDKIM (RSA and
Ed25519) and Mail::DKIM (RSA) verify what the library signs, and notice a change; no message of the corpus in
[differences](differences.md) meets a rule of SpamAssassin, but where it was given what the rule is about; postal-mime
reads back what was put into them.
"""


class Table:
    """What was seen of each capability at each server; `whole` while no test was left out."""

    def __init__(self) -> None:
        self.whole = True
        self._results: dict[tuple[str, str], bool] = {}
        self._headings: dict[str, str] = {}

    def add(self, capability: str, server: Server, *, passed: bool) -> None:
        self._headings[server.peer.name] = f"{server.peer.name} {server.instance.version()}"
        cell = capability, server.peer.name
        self._results[cell] = passed and self._results.get(cell, True)

    def write(self) -> None:
        """Write the page, if this was a whole run with every server."""
        cells = {(capability, peer.name) for peer in PEERS for capability in peer.capabilities}
        if self.whole and cells == set(self._results):
            PAGE.write_text(HEAD + self._text() + TAIL, encoding="utf-8")

    def _text(self) -> str:
        rows = list(dict.fromkeys(capability for capability, _ in self._results))
        columns = [peer.name for peer in PEERS]
        head = ["", *(self._headings[name] for name in columns)]
        body = [[row, *(self._cell(row, name) for name in columns)] for row in rows]
        lines = [head, ["---"] * len(head), *body]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def _cell(self, capability: str, peer: str) -> str:
        return {True: "yes", False: "**no**", None: "-"}[self._results.get((capability, peer))]
