"""The list of services as it lies in `services.json`, read when it is first asked for.

Knows the file's layout: services, and families that hold what their members have in common. Must not know what a
caller looks for. JSON, because reading it costs a tenth of what TOML does.
"""

from __future__ import annotations

import functools
import json
import pkgutil
from typing import Any, TypeAlias

from pymailer_wellknown.service import Service

_Row: TypeAlias = dict[str, Any]  # the attributes of a Service as JSON has them, and perhaps its family


def services() -> tuple[Service, ...]:
    """All services, in alphabetical order.

    Returns:
        The same tuple at every call.
    """
    return _read()


@functools.cache
def _read() -> tuple[Service, ...]:
    # Through the package's loader, not a path: the package may lie in a zip file.
    content: dict[str, Any] = json.loads(pkgutil.get_data("pymailer_wellknown", "services.json") or b"{}")
    families: dict[str, _Row] = content["families"]
    rows: list[_Row] = content["services"]
    return tuple(Service(**families.get(row.pop("family", ""), {}) | row) for row in rows)
