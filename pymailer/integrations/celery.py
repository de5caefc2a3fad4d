"""Mail through Celery: a transport that enqueues, and the task that sends, once.

Knows Celery; what a worker does with a message is in `pymailer.integrations.queues`.
"""

# Celery comes without types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from celery.signals import worker_process_shutdown, worker_shutdown
from kombu.exceptions import OperationalError

from pymailer.__about__ import __version__
from pymailer.errors import ConnectError, DeliveryUnknownError, MailError
from pymailer.integrations.queues import Ledger, RedisLedger, divided
from pymailer.integrations.queues.once import Once, OnUnknown, TryAgainError
from pymailer.integrations.queues.payload import compiled, from_payload, queued, to_payload
from pymailer.integrations.queues.retries import QueuePolicy
from pymailer.integrations.shared_mailers import close_shared_mailers, shared_mailer
from pymailer.runtime import run

if TYPE_CHECKING:
    from pymailer.mailer import AnyTransport
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail

__all__ = ["CeleryTransport", "Ledger", "RedisLedger", "divided", "mail_task"]

AT_ONCE: Final = 100
"""How many messages a worker process begins at once over a transport without a limit of its own."""


def mail_task(
    app: Any,
    transport: AnyTransport,
    *,
    ledger: Ledger,
    name: str = "pymailer.send",
    max_retries: int = 10,
    retry_temporary: bool = False,
    retry_unknown: bool = False,
    on_unknown: OnUnknown | None = None,
    **options: Any,
) -> Any:
    """The task that sends what a `CeleryTransport` enqueues.

    It sends through a mailer that lives as long as the worker process. It is acknowledged when the message is settled,
    so a worker that dies loses none: the task is handed over again, and the message is sent if it had not begun. If it
    had, the task fails with `DeliveryUnknownError`, and `on_unknown` is told.

    Args:
        app: The Celery application.
        transport: What `create_transport` takes.
        ledger: Where all workers see what was begun.
        name: Of the task.
        max_retries: How often a message that is proved ``not_sent`` is tried again, after longer and longer breaks.
        retry_temporary: Try again what the server refused with a 4xx.
        retry_unknown: Try again what may have been delivered, unless a worker was lost with it; duplicates are then
            possible.
        on_unknown: Called with the `CompiledMail` and the error for each message of which nobody can say.
        options: More options of the task, such as ``queue`` or ``rate_limit``.

    Raises:
        ConfigError: `transport` is none.
    """
    mailer = shared_mailer(transport)
    # A message that waits for a connection has not begun: if the worker dies, it is not unknown.
    room = BoundedSemaphore(getattr(mailer.transport, "max_connections", AT_ONCE))
    once = Once(ledger, QueuePolicy(max_retries, retry_temporary, retry_unknown), on_unknown)

    def send(task: Any, payload: dict[str, Any]) -> dict[str, Any]:
        """Send one message that was compiled before."""
        request, mail = task.request, from_payload(payload)
        key = request.id or uuid4().hex  # without an id it is a plain call, and nobody else's
        try:
            with room:
                return run(once.deliver(key, mail, mailer.send_compiled, request.retries))
        except TryAgainError as again:
            raise task.retry(exc=again.error, countdown=again.delay, max_retries=None) from again.error

    late = {"acks_late": True, "reject_on_worker_lost": True, "serializer": "json", "throws": (MailError,)}
    return app.task(bind=True, name=name, shared=False, **{**late, **options})(send)


class CeleryTransport:
    """Puts messages into a queue instead of sending them.

    Its result is ``accepted`` once the broker has the message; `server_message_id` is the id of the task, whose own
    result says what became of the message.

    Args:
        task: What `mail_task` gave.
        options: Of `Task.apply_async`, such as ``queue``, ``priority`` or ``countdown``.
    """

    name = "Celery"
    version: str = __version__

    def __init__(self, task: Any, **options: Any) -> None:
        self._task = task
        self._options = options

    def __repr__(self) -> str:
        return f"<CeleryTransport {self._task.name}>"

    def send(self, mail: Mail) -> SentMessageInfo:
        """Enqueue one message.

        Raises:
            ConnectError: The broker cannot be reached.
            DeliveryUnknownError: The broker was lost in the middle; the task may be in the queue.
            MessageError: Its content cannot be read.
        """
        content = compiled(mail)
        with self._task.app.producer_or_acquire() as producer:
            _connect(producer)
            try:
                queued_task = self._task.apply_async((to_payload(content),), producer=producer, **self._options)
            except OperationalError as error:
                raise DeliveryUnknownError(
                    f"the broker was lost while it was given the message ({error}); it may or may not be in the queue"
                ) from error
        return queued(content, queued_task.id, self.name)


def _connect(producer: Any) -> None:
    try:
        producer.connection.ensure_connection(max_retries=1, timeout=5)
    except OperationalError as error:
        raise ConnectError(f"the broker of Celery cannot be reached: {error}") from error


def _close(**_: object) -> None:
    close_shared_mailers()


# A child of the prefork pool ends without the interpreter's exit; other pools end with the worker.
worker_process_shutdown.connect(_close, dispatch_uid="pymailer.close")
worker_shutdown.connect(_close, dispatch_uid="pymailer.close")
