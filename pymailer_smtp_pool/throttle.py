"""Which replies mean "too many connections" or "too fast": a table, and how it is read.

Data and a pure look-up; what follows from a verdict is decided elsewhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.outcome import Reply, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymailer.errors import MailError


class Throttle(StrEnum):
    """What a server that refuses for now wants of us."""

    TOO_MANY = "too many connections"
    """Fewer connections."""
    TOO_FAST = "too fast"
    """Fewer messages in the same time."""


BEFORE_MAIL: Final = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.STARTTLS, Stage.AUTH})
SENDING: Final = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.FINAL})
_ANYWHERE: Final = frozenset(Stage)


def _codes(value: Iterable[int]) -> frozenset[int]:
    return frozenset(value)


def _stages(value: Iterable[Stage]) -> frozenset[Stage]:
    return frozenset(value)


@attrs.frozen(kw_only=True)
class ThrottleReply:
    """A reply that fits all that is given here means `meaning`; ``None`` as `meaning` says that it is none after all.

    Attributes:
        meaning: What the server wants of us.
        codes: The reply codes it comes with; all if empty.
        enhanced: The enhanced status codes (RFC 3463) it comes with, by their beginning; all if empty.
        text: What stands in its text, in lower case; anything if empty.
        stages: Where it is said.
    """

    meaning: Throttle | None
    codes: frozenset[int] = attrs.field(default=frozenset(), converter=_codes)
    enhanced: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    stages: frozenset[Stage] = attrs.field(default=_ANYWHERE, converter=_stages)

    def fits(self, reply: Reply, stage: Stage | None, text: str) -> bool:
        """Whether this entry speaks of that reply; `text` is the reply's, in lower case."""
        return (
            (not self.codes or reply.code in self.codes)
            and (not self.enhanced or (reply.enhanced or "").startswith(self.enhanced))
            and (not self.text or any(phrase in text for phrase in self.text))
            and stage in self.stages
        )


def _row(
    meaning: Throttle | None,
    codes: Iterable[int] = (),
    *,
    enhanced: tuple[str, ...] = (),
    text: tuple[str, ...] = (),
    stages: Iterable[Stage] = _ANYWHERE,
) -> ThrottleReply:
    return ThrottleReply(meaning=meaning, codes=codes, enhanced=enhanced, text=text, stages=stages)


_BUSY: Final = (421, 450, 451, 452, 454)

REPLIES: Final = (
    # No throttle, whatever else the words suggest. The first entry that fits decides.
    _row(None, text=("too many recipients", "too many rcpts")),  # RFC 5321 4.5.3.1.10: the connection splits them
    _row(None, text=("this connection", "per connection", "this session", "per session")),  # the next one is welcome
    _row(None, text=("too many errors",)),
    _row(None, text=("daily", "per day", "24 hours", "quota")),  # not over in any time that a message may wait
    _row(None, text=("greylist", "graylist")),  # retry_temporary decides
    _row(None, (450, 451), enhanced=("4.2.",)),  # about the recipient's mailbox, not about us
    # Too many connections. Microsoft 365 takes three at once for a mailbox and says 432.
    _row(Throttle.TOO_MANY, {432}),
    _row(Throttle.TOO_MANY, text=("concurrent", "too many connections", "thread limit exceeded")),
    _row(Throttle.TOO_MANY, {421}, enhanced=("4.4.5",)),  # RFC 3463 3.5: congestion
    _row(Throttle.TOO_MANY, _BUSY, text=("too many",), stages=BEFORE_MAIL),
    # Too fast. Amazon SES: "Throttling failure: Maximum sending rate exceeded"; the codes are Gmail's and Outlook's.
    _row(Throttle.TOO_FAST, _BUSY, text=("throttl", "sending rate", "too fast", "too quickly", "slow down")),
    _row(Throttle.TOO_FAST, _BUSY, text=("rate limit", "rate-limit", "rate exceeded", "too many")),
    _row(Throttle.TOO_FAST, _BUSY, enhanced=("4.7.28", "4.7.650")),
    _row(Throttle.TOO_FAST, {550}, text=("too many emails per second",)),  # Mailtrap: a code that elsewhere is final
    # A server that turns us away at the door, or cannot check a password just now, is busy, whatever it says.
    _row(Throttle.TOO_MANY, {421}, stages=BEFORE_MAIL),
    _row(Throttle.TOO_MANY, _BUSY, stages={Stage.AUTH}),
)
"""What is known of servers in general. A provider's own, and the user's, come before these."""

PROVIDERS: Final[dict[str, tuple[ThrottleReply, ...]]] = {
    "gmail.com": (_row(Throttle.TOO_FAST, {421, 450, 454}, enhanced=("4.7.0",), stages=SENDING),),
    "yahoo.com": (_row(Throttle.TOO_FAST, {421, 451}, text=("[ts", "[tss")),),
}
"""What is known of one provider, by the end of its servers' names."""


def replies_of(host: str) -> tuple[ThrottleReply, ...]:
    """What is known of the provider whose server this is."""
    name = f".{host.lower().rstrip('.')}"
    return tuple(reply for domain, replies in PROVIDERS.items() if name.endswith(f".{domain}") for reply in replies)


def throttle_of(error: MailError, replies: Iterable[ThrottleReply] = REPLIES) -> Throttle | None:
    """What the reply behind `error` wants of us, ``None`` if it is no throttle."""
    reply = error.reply
    if reply is None or reply.positive:
        return None
    text = str(reply).lower()
    fitting = (entry.meaning for entry in replies if entry.fits(reply, error.stage, text))
    return next(fitting, None)
