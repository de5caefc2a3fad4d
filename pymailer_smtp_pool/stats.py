"""What a pool counts; what can be seen of it from outside is plain data of the core, as a mailer passes it on."""

from __future__ import annotations

import attrs

from pymailer.results import PoolStats

__all__ = ["Counters", "PoolStats"]


@attrs.define
class Counters:
    """What a pool counts over its life."""

    sent: int = 0
    failed: int = 0
    retried: int = 0
    opened: int = 0
    closed: int = 0
    throttled: int = 0
