"""A rate that several processes keep together: ten messages a second over all, counted in Redis.

The pool asks its `rate_limiter` before each message. Any object with `reserve(now)` will do; this one lets the `limits`
library count. The number it returns is how long the pool has to wait: none here, because the waiting is done already.

RATE_STORE=redis://localhost:6379/0 SMTP_URL=smtp://localhost:1025 python examples/shared_rate.py 100
"""

import os
import sys
import time

from limits import RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from pymailer import create_transport
from pymailer_smtp_pool import smtp_pool


class SharedRate:
    """So many messages a second, over all processes that use the same store and name.

    For asyncio: `limits.aio`, and `async def reserve` with `await asyncio.sleep(…)`.
    """

    def __init__(self, store: str, name: str, messages: int) -> None:
        self._limit = RateLimitItemPerSecond(messages)
        self._limiter = MovingWindowRateLimiter(storage_from_string(store))
        self._name = name

    def reserve(self, now: float) -> float:  # noqa: ARG002 -- the store has its own clock
        while not self._limiter.hit(self._limit, self._name):
            free = self._limiter.get_window_stats(self._limit, self._name).reset_time
            time.sleep(min(max(free - time.time(), 0.005), 1.0))
        return 0.0


def main(total: int) -> None:
    rate = SharedRate(os.environ.get("RATE_STORE", "memory://"), "smtp.example.com", messages=10)
    pool = smtp_pool(os.environ.get("SMTP_URL", "smtp://localhost:1025"), max_connections=2, rate_limiter=rate)
    with create_transport(pool, defaults={"from": "news@example.com"}) as mailer:
        messages = ({"to": f"{number}@example.org", "subject": "News", "text": "Hello!"} for number in range(total))
        sent = sum(delivery.ok for delivery in mailer.send_many(messages, concurrency=1))
    print(f"{sent} sent")


if __name__ == "__main__":
    main(int(sys.argv[1]))
