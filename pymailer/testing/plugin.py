"""The pytest plugin: the fixtures ``outbox`` and ``smtp_server``. It is loaded by its entry point, and imports late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pymailer.testing.outbox import Outbox
    from pymailer.testing.server import SMTPServer


@pytest.fixture
def outbox() -> Outbox:
    """A transport that keeps what would have been sent: ``create_transport(outbox)``, then ``outbox.only.subject``."""
    from pymailer.testing.outbox import Outbox

    return Outbox()


@pytest.fixture
def smtp_server() -> Iterator[SMTPServer]:
    """A real SMTP server on loopback that keeps what it takes: ``create_transport(smtp_server.url)``."""
    from pymailer.testing.server import SMTPServer

    with SMTPServer() as server:
        yield server
