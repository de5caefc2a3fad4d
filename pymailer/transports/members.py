"""The transports of which another one consists: built from whatever the front door takes, resting after a failure.

Knows when an error says that somebody else may try, and keeps what each of them said; nothing of the order they are
tried in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Final, cast

import attrs

from pymailer.errors import ConfigError, EnvelopeError, MailError, MessageError
from pymailer.outcome import Outcome, Stage

if TYPE_CHECKING:
    from pymailer.message.composed import ComposedMessage
    from pymailer.transport import Transport

_BEFORE_THE_BODY: Final = frozenset(
    {Stage.QUEUE, Stage.DNS, Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.STARTTLS, Stage.AUTH}
)
"""Stages in which no octet of the message can have been read."""


@attrs.define(eq=False)
class Member:
    """One of several transports.

    Attributes:
        transport: Who delivers.
        resting_until: When it may be tried again, on the clock of the runtime.
    """

    transport: Transport
    resting_until: float = 0.0

    @property
    def name(self) -> str:
        """What it is called in an error."""
        return self.transport.name


def build_members(given: object) -> tuple[Member, ...]:
    """Members from a list of whatever the front door takes as a transport.

    Raises:
        ConfigError: One of them is none, or the list is empty.
    """
    # A transport may be made of transports in any form, so this one import looks back, when a list is given.
    from pymailer.registry import find_transport

    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigError(f"give a list of transports, not {type(given).__name__}")
    members = tuple(Member(find_transport(each)[0]) for each in cast("Iterable[object]", given))
    if not members:
        raise ConfigError("give at least one transport")
    return members


def somebody_else_may_try(error: MailError, message: ComposedMessage) -> bool:
    """Whether it is proved that nobody holds the message, and another transport could do better.

    A refusal for good is about the message; what is unknown may have been delivered; and a message whose source can be
    read only once is lost with the first octet.
    """
    if isinstance(error, MessageError) and error.stage is not Stage.MAIL:  # it cannot be read, whoever sends it
        return False
    if not message.replayable and error.stage not in _BEFORE_THE_BODY:
        return False
    return error.outcome is Outcome.NOT_SENT or (error.outcome is Outcome.REJECTED and error.temporary)


def lacks_an_extension(error: MailError) -> bool:
    """Whether this transport only cannot carry this message, and may well carry the next."""
    return isinstance(error, (EnvelopeError, MessageError)) and error.reply is None


def all_failed(members: Sequence[Member], errors: Sequence[MailError]) -> MailError:
    """The last error, saying what each one said; the errors themselves are its `errors`."""
    last = errors[-1]
    if len(errors) == 1:
        return last
    verdict = copy(last)
    said = "; ".join(f"{member.name}: {error}" for member, error in zip(members, errors, strict=False))
    verdict.args = (f"{len(errors)} transports were tried and none sent the message ({said})",)
    verdict.errors = tuple(errors)
    verdict.temporary = any(error.temporary for error in errors)
    verdict.__cause__ = last
    return verdict
