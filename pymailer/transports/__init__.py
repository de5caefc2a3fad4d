"""Every transport of the core, as factories. Each is imported when it is first asked for.

The modules bear other names than the factories, so that neither can stand in the other's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymailer.on_demand import on_demand

if TYPE_CHECKING:
    from pymailer.transports.amazon import ses as ses
    from pymailer.transports.as_json import json as json
    from pymailer.transports.combine import failover as failover
    from pymailer.transports.combine import round_robin as round_robin
    from pymailer.transports.command import sendmail as sendmail
    from pymailer.transports.eml import file as file
    from pymailer.transports.in_memory import memory as memory
    from pymailer.transports.mx import direct as direct
    from pymailer.transports.single import smtp as smtp
    from pymailer.transports.streaming import stream as stream

_HOMES: Final = {
    "direct": "mx",
    "failover": "combine",
    "file": "eml",
    "json": "as_json",
    "memory": "in_memory",
    "round_robin": "combine",
    "sendmail": "command",
    "ses": "amazon",
    "smtp": "single",
    "stream": "streaming",
}

__all__ = [
    "direct",
    "failover",
    "file",
    "json",
    "memory",
    "round_robin",
    "sendmail",
    "ses",
    "smtp",
    "stream",
]


def __getattr__(name: str) -> Any:
    return on_demand(name, _HOMES, globals())


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
