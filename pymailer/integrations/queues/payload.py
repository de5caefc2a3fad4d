"""A compiled mail as JSON-ready data and back, so that no queue has to trust pickles.

Knows the shape; nothing of who carries it.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.dsn import parse_dsn
from pymailer.errors import MessageError
from pymailer.outcome import Outcome
from pymailer.results import CompiledMail, Envelope, SentMessageInfo

if TYPE_CHECKING:
    from pymailer.transport import Mail

VERSION: Final = 1
"""Of the shape: a worker that is older than the sender refuses what it cannot know."""


def to_payload(mail: CompiledMail) -> dict[str, Any]:
    """Text, numbers, lists and mappings only; the content is in base64."""
    return {
        "version": VERSION,
        "from": mail.envelope.from_,
        "to": list(mail.envelope.to),
        "message_id": mail.message_id,
        "content": binascii.b2a_base64(mail.content, newline=False).decode("ascii"),
        "dsn": None if mail.dsn is None else attrs.asdict(mail.dsn),
        "require_tls": mail.require_tls,
    }


def from_payload(payload: Mapping[str, Any]) -> CompiledMail:
    """What `to_payload` was given.

    Raises:
        MessageError: It is no such payload, or one of a later version.
    """
    try:
        if payload["version"] != VERSION:
            raise MessageError(f"a mail of version {payload['version']!r} cannot be read: update this worker")
        return CompiledMail(
            Envelope(payload["from"], payload["to"]),
            payload["message_id"],
            binascii.a2b_base64(payload["content"], strict_mode=True),
            parse_dsn(payload["dsn"]),
            payload["require_tls"],
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, MessageError):
            raise
        raise MessageError(f"a queue carried something that is no compiled mail: {error!r}") from error


def compiled(mail: Mail) -> CompiledMail:
    """A mail on its way, stopped there: what a transport that enqueues puts into the queue."""
    return CompiledMail(mail.envelope, mail.message_id, mail.message.as_bytes(), mail.dsn, mail.require_tls)


def queued(mail: CompiledMail, task_id: str, queue: str) -> SentMessageInfo:
    """The result of enqueueing: the queue has it, whole; what becomes of it is the task's result."""
    return SentMessageInfo(
        envelope=mail.envelope,
        message_id=mail.message_id,
        outcome=Outcome.ACCEPTED,
        accepted=mail.envelope.to,
        response=f"queued by {queue} as {task_id}",
        server_message_id=task_id,
        message_size=len(mail.content),
    )
