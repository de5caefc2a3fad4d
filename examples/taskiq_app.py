"""A shop whose mail is sent by taskiq's workers, on asyncio: one worker has many messages on their way.

taskiq worker --app-dir examples taskiq_app:broker
python examples/taskiq_app.py anna@example.org
"""

import asyncio
import logging
import os
import sys

import redis.asyncio
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from pymailer import CompiledMail, DeliveryUnknownError, create_async_transport
from pymailer.integrations.taskiq import RedisLedger, TaskiqTransport, mail_task

REDIS = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
IDLE = int(os.environ.get("IDLE_TIMEOUT", "600000"))  # milliseconds until a task of a worker that died is taken over

# A stream, and not a list or pub/sub: it hands a task over again if a worker dies with it.
broker = RedisStreamBroker(REDIS, idle_timeout=IDLE).with_result_backend(RedisAsyncResultBackend(REDIS))


def nobody_can_say(mail: CompiledMail, error: DeliveryUnknownError) -> None:
    """Where a shop would ask the customer, or look at the server's log."""
    logging.getLogger("shop").error("UNKNOWN %s to %s: %s", mail.message_id, mail.envelope.to, error)


send = mail_task(
    broker,
    {"pool": True, "url": os.environ.get("SMTP_URL", "smtp://localhost:1025"), "max_connections": 5, "max_requeues": 1},
    ledger=RedisLedger(redis.asyncio.Redis.from_url(REDIS)),
    on_unknown=nobody_can_say,
)


async def main(customers: list[str]) -> None:
    await broker.startup()
    async with create_async_transport(TaskiqTransport(send), defaults={"from": "orders@example.com"}) as mailer:
        for customer in customers:
            info = await mailer.send_mail(to=customer, subject="Your order", text="Thank you!")
            print(info.server_message_id)  # the task; its result says what became of the message
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
