"""A pool's limits, divided among the processes that each have a pool of their own.

Pure arithmetic over options. For a limit that holds in every moment whatever the number of processes, let them share
one: the pool's option ``rate_limiter``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pymailer.errors import ConfigError


def divided(options: Mapping[str, Any], processes: int) -> dict[str, Any]:
    """The options of one of several processes that together keep to the given limits.

    ``max_connections`` is divided, and at least 1; so is ``rate_limit``. Where there are more processes than messages
    in ``rate_delta``, each gets one message in a longer window: then the rate holds on average, but several processes
    may begin at once.

    Args:
        options: Of a pool, in snake_case; what is not a limit stays.
        processes: How many processes send, on all machines together.

    Raises:
        ConfigError: `processes` is not 1 or more.
    """
    if isinstance(processes, bool) or not isinstance(processes, int) or processes < 1:
        raise ConfigError(f"processes must be a whole number, 1 or more, not {processes!r}")
    share = dict(options)
    if (connections := share.get("max_connections")) is not None:
        share["max_connections"] = max(connections // processes, 1)
    if (total := share.get("rate_limit")) is not None:
        share["rate_limit"] = max(total // processes, 1)
        share["rate_delta"] = _seconds(share.get("rate_delta", 1.0)) * max(processes / total, 1.0)
    return share


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value
