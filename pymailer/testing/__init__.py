"""What tests of applications and of transports are made of.

`Outbox` is a transport that keeps messages for a test to look at, `SMTPServer` a real server in the same process that
records them, and `check_transport` says whether a transport keeps its contract. For pytest there are the fixtures
``outbox`` and ``smtp_server``, which need no import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymailer.on_demand import on_demand

if TYPE_CHECKING:
    from pymailer.testing.contract import BrokenContractError as BrokenContractError
    from pymailer.testing.contract import check_transport as check_transport
    from pymailer.testing.outbox import Outbox as Outbox
    from pymailer.testing.received import ReceivedAttachment as ReceivedAttachment
    from pymailer.testing.received import ReceivedMessage as ReceivedMessage
    from pymailer.testing.server import SMTPServer as SMTPServer

_HOMES: Final = {
    "BrokenContractError": "contract",
    "Outbox": "outbox",
    "ReceivedAttachment": "received",
    "ReceivedMessage": "received",
    "SMTPServer": "server",
    "check_transport": "contract",
}

__all__ = [
    "BrokenContractError",
    "Outbox",
    "ReceivedAttachment",
    "ReceivedMessage",
    "SMTPServer",
    "check_transport",
]


def __getattr__(name: str) -> Any:
    return on_demand(name, _HOMES, globals())


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
