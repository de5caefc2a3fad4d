"""The envelope: whom the server is told, from the message's addresses or given apart from them (RFC 5321 2.3.1).

Knows parsed addresses; nothing of headers or of the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from pymailer.errors import EnvelopeError
from pymailer.message.addresses import Address, Group, envelope_path, mailboxes, parse_addresses
from pymailer.message.keys import Keys
from pymailer.message.model import several
from pymailer.results import Envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = Keys.of("field of envelope", ("to", "cc", "bcc"), {"from": "from_", "from_": "from_"})


def envelope_of(
    senders: Sequence[Address | Group],
    sender: Sequence[Address | Group],
    recipients: Iterable[Address | Group],
    max_recipients: int | None = None,
) -> Envelope:
    """The envelope that follows from parsed addresses.

    Args:
        senders: Those of From.
        sender: Those of Sender, who sends on behalf of them.
        recipients: Those of To, Cc and Bcc.
        max_recipients: How many different recipients there may be.

    Raises:
        EnvelopeError: No sender, no recipient, or more than `max_recipients`.
    """
    candidates = (mailboxes(senders) or mailboxes(sender)) if senders else []
    if not candidates:
        raise EnvelopeError(
            "the message has no sender: give it from_, or an envelope; the null sender is envelope={'from': '', ...}"
        )
    to = dict.fromkeys([mailbox.address for mailbox in mailboxes(recipients)])
    return checked(Envelope(candidates[0].address, tuple(to)), max_recipients)


def given_envelope(value: Any) -> Envelope:
    """The envelope that a user gave: an `Envelope`, or a mapping with ``from``, ``to``, ``cc`` and ``bcc``.

    Raises:
        EnvelopeError: It is neither, or says nothing of the sender.
        AddressError: An address cannot be sent to.
        MessageError: An unknown key.
    """
    if isinstance(value, Envelope):
        return Envelope(_sender(value.from_), _recipients(value.to))
    if not isinstance(value, Mapping):
        raise EnvelopeError(f"an envelope is a mapping with 'from' and 'to', not {type(value).__name__}")
    fields = _KEYS.read(cast("Mapping[str, Any]", value))
    if fields.get("from_") is None:
        raise EnvelopeError("the envelope has no 'from'; the null sender is ''")
    paths = [item for name in ("to", "cc", "bcc") if fields.get(name) for item in several(fields[name])]
    return Envelope(_sender(fields["from_"]), _recipients(paths))


def _sender(value: object) -> str:
    if value == "" or (isinstance(value, str) and value.strip() == "<>"):
        return ""
    found = mailboxes(parse_addresses(value))
    if len(found) != 1:
        raise EnvelopeError(f"an envelope has one sender, not {len(found)}")
    return found[0].address


def _recipients(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = (value,)
    paths = [path for item in cast("Iterable[object]", value) for path in _paths(item)]
    return tuple(dict.fromkeys(paths))


def _paths(value: object) -> list[str]:
    if isinstance(value, str) and value.lower() == "postmaster":  # RFC 5321 4.1.1.3: the one without a domain
        return [envelope_path(value, recipient=True)]
    return [mailbox.address for mailbox in mailboxes(parse_addresses(value))]


def checked(envelope: Envelope, max_recipients: int | None) -> Envelope:
    """`envelope`, if it can be sent.

    Raises:
        EnvelopeError: It has no recipient, or more than `max_recipients`.
    """
    if not envelope.to:
        raise EnvelopeError("the message has no recipient: give it to, cc or bcc, or an envelope")
    if max_recipients is not None and len(envelope.to) > max_recipients:
        raise EnvelopeError(f"the message has {len(envelope.to)} recipients, and max_recipients is {max_recipients}")
    return envelope
