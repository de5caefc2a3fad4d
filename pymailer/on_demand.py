"""Public names that are imported when they are first used (PEP 562), so that importing a package costs next to nothing.

Knows where a name lives; nothing of what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def on_demand(name: str, homes: Mapping[str, str], namespace: dict[str, Any]) -> Any:
    """What a package's ``__getattr__`` returns: the name, from its home, and from now on in the namespace itself.

    Args:
        name: What is asked for.
        homes: The module of each public name, within the package.
        namespace: The package's ``globals()``.

    Raises:
        AttributeError: The package has no such name.
    """
    package = namespace["__name__"]
    home = homes.get(name)
    if home is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    namespace[name] = getattr(import_module(f"{package}.{home}"), name)
    return namespace[name]
