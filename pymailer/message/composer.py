"""From a message as a user says it to one that is ready to go: addresses, header, tree and body put together.

Knows the order of the steps and of the header fields, which are Nodemailer's. A message whose content is in memory is
composed without waiting for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pymailer.dsn import DSN, parse_dsn
from pymailer.message.assembly import assemble
from pymailer.message.attachment import Attachment
from pymailer.message.composed import ComposedMessage
from pymailer.message.head import Head
from pymailer.message.headers import Encoded
from pymailer.message.leaves import alternative_leaf, attachment_leaf, body_leaves, event_attachment, event_leaf
from pymailer.message.message_header import header_fields, own_message_id, with_own_fields
from pymailer.message.model import Message
from pymailer.message.node import Node, layout
from pymailer.message.parties import Parties
from pymailer.message.policy import ComposePolicy
from pymailer.message.settle import hold, settle

if TYPE_CHECKING:
    from pymailer.results import Envelope
    from pymailer.runtime import Runtime

__all__ = ["ComposePolicy", "Composed", "compose"]

_MIME_VERSION: Final = ("MIME-Version", Encoded("1.0"))
_DEFAULT_POLICY: Final = ComposePolicy()


class Composed(NamedTuple):
    """A message and what the server is told about it.

    Attributes:
        message: The message.
        envelope: Sender and recipients.
        dsn: Which delivery status notifications are wanted.
        require_tls: Whether it may travel only over TLS (RFC 8689).
    """

    message: ComposedMessage
    envelope: Envelope
    dsn: DSN | None = None
    require_tls: bool = False


async def compose(
    runtime: Runtime, data: Message, policy: ComposePolicy = _DEFAULT_POLICY, deadline: float | None = None
) -> Composed:
    """Compose a message.

    Args:
        runtime: What content that is elsewhere is waited for through.
        data: The message; it is not changed.
        policy: What the mailer allows.
        deadline: When fetching content has to end, on the clock of `runtime`.

    Raises:
        MessageError: It cannot be composed as asked, or content cannot be read (``EFILEACCESS``, ``EURLACCESS``,
            ``ESTREAM``); an `AddressError` for an address.
        EnvelopeError: It has no sender, no recipient, or too many.
        MailTimeoutError: `deadline` passed while content was fetched.
    """
    if data.raw is not None:
        from pymailer.message.raw import compose_raw  # few messages come ready made

        message, envelope = await compose_raw(runtime, data, policy, deadline)
        return _composed(data, message, envelope)
    data = with_own_fields(data)
    parties = Parties.of(data)
    envelope = parties.envelope(data, policy.max_recipients)
    own_id = own_message_id(data, parties, envelope)
    fields = header_fields(data, parties, own_id, policy.x_mailer)
    if policy.attach_data_urls if data.attach_data_urls is None else data.attach_data_urls:
        from pymailer.message.images import attach_images  # only who asks for it pays for this import

        data = await attach_images(runtime, data, policy, deadline)
    part_fields, body = assemble(await _tree(runtime, data, policy, deadline))
    head = Head([*fields, _MIME_VERSION, *part_fields], data.normalize_header_key)
    return _composed(data, ComposedMessage(head, body, own_id), envelope)


def _composed(data: Message, message: ComposedMessage, envelope: Envelope) -> Composed:
    return Composed(message, envelope, parse_dsn(data.dsn), bool(data.require_tls))


async def _tree(runtime: Runtime, data: Message, policy: ComposePolicy, deadline: float | None) -> Node:
    """The parts of a message, each looked at."""
    access = policy.access(data)
    bodies = body_leaves(data, access)
    attached = [attachment_leaf(Attachment.of(part), number, access) for number, part in enumerate(data.attachments, 1)]
    if data.ical_event is not None:
        event = event_leaf(data.ical_event, access)
        await hold(runtime, event, policy, deadline)  # it is sent twice
        bodies.append(event)
        attached.append(event_attachment(data.ical_event, event))
    bodies += [alternative_leaf(Attachment.of(part), access) for part in data.alternatives]
    if not bodies and not attached:
        bodies = body_leaves(Message(text=""), access)
    for leaf in (*bodies, *attached):
        if not leaf.settled:
            await settle(runtime, leaf, policy, deadline)
    return layout(bodies, attached)
