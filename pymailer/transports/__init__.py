"""Every transport of the core, as factories. Each is imported when it is first asked for.

The modules bear other names than the factories, so that neither can stand in the other's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pymailer.transports.in_memory import memory as memory
    from pymailer.transports.single import smtp as smtp

_HOMES: Final = {
    "memory": "in_memory",
    "smtp": "single",
}

__all__ = ["memory", "smtp"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    factory = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = factory
    return factory
