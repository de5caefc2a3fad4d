"""Mail through taskiq, for asyncio: a transport that enqueues, and the task that sends, once.

Knows taskiq; what a worker does with a message is in `pymailer.integrations.queues`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from anyio import Semaphore
from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask, Context, TaskiqDepends, TaskiqEvents
from taskiq.exceptions import SendTaskError

from pymailer.__about__ import __version__
from pymailer.errors import DeliveryUnknownError
from pymailer.integrations.queues import Ledger, RedisLedger, divided
from pymailer.integrations.queues.once import Once, OnUnknown, TryAgainError
from pymailer.integrations.queues.payload import compiled, from_payload, queued, to_payload
from pymailer.integrations.queues.retries import QueuePolicy
from pymailer.integrations.shared_mailers import EXIT_SECONDS, tell_of_leftovers
from pymailer.mailer import create_async_transport
from pymailer.runtime.aio import AsyncioRuntime

if TYPE_CHECKING:
    from pymailer.mailer import AnyTransport
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail

__all__ = ["Ledger", "RedisLedger", "TaskiqTransport", "divided", "mail_task"]

AT_ONCE: Final = 100
"""How many messages a worker begins at once over a transport without a limit of its own."""

MailTask = AsyncTaskiqDecoratedTask[..., Any]
_REQUEUED = "X-Taskiq-requeue"
"""The label in which taskiq counts how often a task went back to the queue."""


def mail_task(
    broker: AsyncBroker,
    transport: AnyTransport,
    *,
    ledger: Ledger,
    name: str = "pymailer.send",
    max_retries: int = 10,
    retry_temporary: bool = False,
    retry_unknown: bool = False,
    on_unknown: OnUnknown | None = None,
    **labels: Any,
) -> MailTask:
    """The task that sends what a `TaskiqTransport` enqueues.

    As `pymailer.integrations.celery.mail_task`, for asyncio: many messages are on their way in one process, over one
    pool. A broker that hands unfinished tasks over again (such as ``RedisStreamBroker``) loses none with a worker.

    Args:
        broker: The broker.
        transport: What `create_async_transport` takes.
        ledger: Where all workers see what was begun.
        name: Of the task.
        max_retries: How often a message that is proved ``not_sent`` is tried again, after longer and longer breaks.
        retry_temporary: Try again what the server refused with a 4xx.
        retry_unknown: Try again what may have been delivered, unless a worker was lost with it; duplicates are then
            possible.
        on_unknown: Called with the `CompiledMail` and the error for each message of which nobody can say.
        labels: Of the task.

    Raises:
        ConfigError: `transport` is none.
    """
    mailer = create_async_transport(transport)
    once = Once(ledger, QueuePolicy(max_retries, retry_temporary, retry_unknown), on_unknown)
    # A message that waits for a connection has not begun: if the worker dies, it is not unknown.
    room = Semaphore(getattr(mailer.transport, "max_connections", AT_ONCE))

    async def send(payload: dict[str, Any], context: Annotated[Context, TaskiqDepends()]) -> dict[str, Any]:
        """Send one message that was compiled before."""
        message = context.message
        retries = int(message.labels.get(_REQUEUED, 0))
        try:
            async with room:
                return await once.deliver(message.task_id, from_payload(payload), mailer.send_compiled, retries)
        except TryAgainError as again:
            await AsyncioRuntime().sleep(again.delay)  # taskiq has no queue that waits
        await context.requeue()
        raise AssertionError("requeue() does not return")

    async def close(_: object) -> None:
        tell_of_leftovers(mailer, await mailer.close(timeout=EXIT_SECONDS))

    broker.add_event_handler(TaskiqEvents.WORKER_SHUTDOWN, close)
    return broker.register_task(send, name, **{"ack_type": "when_saved", **labels})


class TaskiqTransport:
    """Puts messages into a queue instead of sending them; for an `AsyncMailer`.

    Its result is ``accepted`` once the broker has the message; `server_message_id` is the id of the task, whose own
    result says what became of the message.

    Args:
        task: What `mail_task` gave.
        labels: Of each task, beside those of `task`.
    """

    name = "taskiq"
    version: str = __version__

    def __init__(self, task: MailTask, **labels: Any) -> None:
        self._task = task
        self._labels = labels

    def __repr__(self) -> str:
        return f"<TaskiqTransport {self._task.task_name}>"

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Enqueue one message.

        Raises:
            DeliveryUnknownError: The broker did not confirm; the task may be in the queue.
            MessageError: Its content cannot be read.
        """
        await mail.message.materialize(mail.runtime)
        content = compiled(mail)
        try:
            queued_task = await self._task.kicker().with_labels(**self._labels).kiq(to_payload(content))
        except SendTaskError as error:
            raise DeliveryUnknownError(
                f"the broker did not confirm the message ({error.__cause__}); it may or may not be in the queue"
            ) from error
        return queued(content, queued_task.task_id, self.name)
