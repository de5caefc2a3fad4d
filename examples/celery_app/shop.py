"""A shop whose mail is sent by Celery's workers: the web process compiles and enqueues, a worker sends.

SMTP_URL, REDIS_URL: where to send to, and where the queue is. RabbitMQ does as well for the queue (BROKER_URL); the
ledger needs Redis 7 or Valkey.

celery --workdir examples/celery_app --app shop worker --concurrency 4
python examples/celery_app/place_order.py anna@example.org
"""

import logging
import os

import redis
from celery import Celery

from pymailer import CompiledMail, DeliveryUnknownError, create_transport
from pymailer.integrations.celery import CeleryTransport, RedisLedger, divided, mail_task

REDIS = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
PROCESSES = 4  # --concurrency, times the number of machines

app = Celery("shop", broker=os.environ.get("BROKER_URL", REDIS), backend=REDIS)
app.conf.worker_prefetch_multiplier = 1  # a worker that dies holds no messages back that it had not begun
app.conf.broker_transport_options = {
    # A task of a whole machine that died is handed over again after this time. It must be longer than the longest
    # back-off between two attempts, which is ten minutes.
    "visibility_timeout": float(os.environ.get("VISIBILITY_TIMEOUT", "3600")),
}


def nobody_can_say(mail: CompiledMail, error: DeliveryUnknownError) -> None:
    """Where a shop would ask the customer, or look at the server's log."""
    logging.getLogger("shop").error("UNKNOWN %s to %s: %s", mail.message_id, mail.envelope.to, error)


send = mail_task(
    app,
    divided(
        {
            "pool": True,
            "url": os.environ.get("SMTP_URL", "smtp://localhost:1025"),
            "max_connections": 20,  # together
            "rate_limit": 100,  # a second, together
            "max_requeues": 1,  # the queue can wait better than a worker
        },
        PROCESSES,
    ),
    ledger=RedisLedger(redis.Redis.from_url(REDIS)),
    on_unknown=nobody_can_say,
)

mailer = create_transport(CeleryTransport(send), defaults={"from": "Shop <orders@example.com>"})
