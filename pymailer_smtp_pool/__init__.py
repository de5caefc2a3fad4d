"""An SMTP connection pool: a transport for `pymailer`.

with create_transport(smtp_pool(host="smtp.example.com", auth=("user", "password"))) as mailer:
    mailer.send_mail(...)
"""

from __future__ import annotations

import logging
from typing import Any

from pymailer.events import Emitter
from pymailer.front_door import discreet
from pymailer.smtp.connection import Connection
from pymailer.smtp.starttls import TLSSessions
from pymailer_smtp_pool.journal import LOGGER, Journal
from pymailer_smtp_pool.limiter import RateLimiter
from pymailer_smtp_pool.options import PoolOptions, pool_options
from pymailer_smtp_pool.pool import SMTPPool
from pymailer_smtp_pool.stats import PoolStats
from pymailer_smtp_pool.throttle import Throttle, ThrottleReply

__all__ = ["PoolOptions", "PoolStats", "RateLimiter", "SMTPPool", "Throttle", "ThrottleReply", "smtp_pool"]

LOGGER.addHandler(logging.NullHandler())  # as `pymailer` does


@discreet
def smtp_pool(options: object = None, /, **keywords: Any) -> SMTPPool:
    """A pool of connections to one SMTP server.

    Args:
        options: `SMTPOptions`, a mapping in either spelling, or a URL.
        keywords: The options of a connection and of the pool, one by one; they win. Times are in seconds.

    Raises:
        ConfigError: An option is unknown, of the wrong type, or at odds with another.
    """
    own, connection = pool_options(options, **keywords)
    events, sessions = Emitter(), TLSSessions()
    default = connection.logger is logging.getLogger("pymailer.smtp")
    journal = Journal(connection.peer, connection.debug, LOGGER if default else connection.logger, events)
    return SMTPPool(own, lambda: Connection(connection, events.emit, sessions), journal)
