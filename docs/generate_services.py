"""Writes `docs/services.md`, the page of all well-known services, from the table that the package itself reads.

Run it after a change to `pymailer_wellknown/services.json`: `python docs/generate_services.py`.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import pymailer_wellknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymailer_wellknown import Service

PAGE = pathlib.Path(__file__).with_name("services.md")

OPENING = """\
# Well-known services

`service="gmail"` fills in host, port, TLS and the limits below; whatever you give yourself wins. A service is found by
its name, an alias, a domain or an address in one of its domains. Case, spaces and punctuation of a name do not matter:

```python
from pymailer_wellknown import resolve

resolve("gmail") == resolve("Google Mail") == resolve("me@gmail.com")
```

TLS is required for every service on the Internet: "TLS" means from the first byte, "STARTTLS" means the upgrade or an
error. Only tools for tests on your own machine are spoken to in plain text.

This page is generated from the table that the library reads ({count} services); do not edit it by hand.
"""


def page() -> str:
    """The whole page, ending with a newline."""
    services = pymailer_wellknown.services()
    sections = (OPENING.format(count=len(services)), _connections(services), _limits(services), _notes(services))
    return "\n".join(sections)


def _connections(services: Iterable[Service]) -> str:
    heads = ("Service", "What it is", "Server", "Encryption", "Login", "Also found by")
    rows = [
        (f"`{s.name}`", s.description, f"{s.host}:{s.port}", _encryption(s), s.auth_method or "", _also(s))
        for s in services
    ]
    return "## Where they listen\n\n" + _table(heads, rows)


def _encryption(service: Service) -> str:
    if service.secure:
        return "TLS"
    return "STARTTLS" if service.require_tls else "none"


def _also(service: Service) -> str:
    return ", ".join(f"`{name}`" for name in (*service.aliases, *service.domains))


def _limits(services: Iterable[Service]) -> str:
    heads = ("Service", "Connections", "Messages a connection", "Rate", "Closed when idle for")
    rows = [(f"`{s.name}`", _number(s.max_connections), _number(s.max_messages), _rate(s), _idle(s)) for s in services]
    return "## What they take\n\nOnly what is published or was measured.\n\n" + _table(
        heads, [row for row in rows if any(row[1:])]
    )


def _number(limit: int | None) -> str:
    return "" if limit is None else f"{limit:,}"


def _rate(service: Service) -> str:
    return "" if service.rate_limit is None else f"{service.rate_limit} in {service.rate_delta:g} s"


def _idle(service: Service) -> str:
    return "" if service.idle_timeout is None else f"{service.idle_timeout:g} s"


def _notes(services: Iterable[Service]) -> str:
    heads = ("Service", "What to know", "Known from")
    rows = [(f"`{s.name}`", s.notes, s.source) for s in services]
    return "## What to know\n\n" + _table(heads, rows)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
