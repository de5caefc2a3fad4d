"""What every task queue needs to carry mail: plain data for the way, and one delivery however often it is handed over.

Knows mail and outcomes; must not know any queue. `pymailer.integrations.celery` and `pymailer.integrations.taskiq` do.
"""

from __future__ import annotations

from pymailer.integrations.queues.ledger import Ledger, RedisLedger
from pymailer.integrations.queues.payload import from_payload, to_payload
from pymailer.integrations.queues.share import divided

__all__ = ["Ledger", "RedisLedger", "divided", "from_payload", "to_payload"]
