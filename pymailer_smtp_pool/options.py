"""The pool's own options, beside those of its connections.

Knows what each limit means and what a sensible value is; nothing of how it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import attrs

from pymailer.errors import ConfigError
from pymailer.options import checked, gather, normalize, number, positive_int, seconds
from pymailer.services import fill_service
from pymailer.smtp.options import DURATIONS as CONNECTION_DURATIONS
from pymailer.smtp.options import OPTIONS as CONNECTION_OPTIONS
from pymailer.smtp.options import SMTPOptions
from pymailer_smtp_pool.limiter import RateLimiter
from pymailer_smtp_pool.throttle import REPLIES, ThrottleReply, replies_of


def _count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """A validator: ``None``, or a whole number from 0 on."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise ConfigError(f"{attribute.name} must be a whole number, 0 or more, not {value!r}")


def _window(value: Any) -> float:
    """`rate_delta` is no timeout: a quota for a whole day is a sensible window."""
    window = number("rate_delta", value.total_seconds() if hasattr(value, "total_seconds") else value)
    if window == 0:
        raise ConfigError("rate_delta must be more than 0 seconds")
    return window


def _limiter(_: object, __: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not isinstance(value, RateLimiter):
        raise ConfigError(f"rate_limiter must have a method reserve(now), which {type(value).__name__} has not")


def _replies(value: Any) -> tuple[ThrottleReply, ...]:
    replies = tuple(cast("Iterable[object]", value)) if isinstance(value, Iterable) else (value,)
    if not all(isinstance(reply, ThrottleReply) for reply in replies):
        raise ConfigError("throttle_replies must be ThrottleReply objects")
    return cast("tuple[ThrottleReply, ...]", replies)


@attrs.frozen(kw_only=True)
class PoolOptions:
    """The limits of a pool. Times are in seconds.

    Attributes:
        max_connections: A hard limit on open connections, at every moment.
        max_messages: Messages over one connection, which is then replaced.
        max_age: A connection older than that is not used again; a tenth less for some, so that they do not all go
            at once.
        idle_timeout: An idle connection older than that is closed.
        rate_limit: At most so many messages begin in any window of `rate_delta`.
        rate_delta: The length of that window.
        max_requeues: How often a message that is proved ``not_sent`` is tried again.
        retry_temporary: Try again what the server refused with a 4xx after MAIL.
        retry_unknown: Try again what may have been delivered; duplicates are then possible.
        rate_limiter: An object with ``reserve(now)``, in place of `rate_limit`.
        breaker_timeout: How long the pool fails fast after refused credentials, before one probe.
        max_queue: How many messages may wait; ``None`` for any number.
        queue_timeout: How long one may wait for a connection; ``None`` for as long as its own deadline lets it.
        throttle_replies: Replies that mean "too many" or "too fast" at this server, beside those that do everywhere.

    Raises:
        ConfigError: A value is of the wrong type or out of range.
    """

    max_connections: int = attrs.field(default=5, validator=positive_int)
    max_messages: int = attrs.field(default=100, validator=positive_int)
    max_age: float = seconds(300.0)
    idle_timeout: float = seconds(60.0)
    rate_limit: int | None = attrs.field(default=None, validator=positive_int)
    rate_delta: float = attrs.field(default=1.0, converter=_window)
    max_requeues: int = attrs.field(default=5, validator=_count)
    retry_temporary: bool = attrs.field(default=False, validator=checked(bool))
    retry_unknown: bool = attrs.field(default=False, validator=checked(bool))
    rate_limiter: RateLimiter | None = attrs.field(default=None, validator=_limiter)
    breaker_timeout: float = seconds(30.0)
    max_queue: int | None = attrs.field(default=None, validator=_count)
    queue_timeout: float | None = seconds(None)
    throttle_replies: tuple[ThrottleReply, ...] = attrs.field(default=(), converter=_replies)

    @property
    def replies(self) -> tuple[ThrottleReply, ...]:
        """The whole table: what is said of this server, then what is known of all."""
        return (*self.throttle_replies, *REPLIES)


_NAMES: Final = frozenset(field.name for field in attrs.fields(PoolOptions))
_SWITCH: Final = "pool"
"""``?pool=true`` selects this transport; here it has done its work."""

_SCHEMES: Final = ("smtp", "smtps", "pool")

OPTIONS: Final = CONNECTION_OPTIONS | _NAMES | {_SWITCH}
"""The names of all options that a pool takes."""
DURATIONS: Final = CONNECTION_DURATIONS | {
    "max_age",
    "idle_timeout",
    "rate_delta",
    "breaker_timeout",
    "queue_timeout",
}


def pool_options(given: object = None, /, **keywords: Any) -> tuple[PoolOptions, SMTPOptions]:
    """The pool's options and its connections', from an instance, a mapping, a URL, or keywords; keywords win.

    Raises:
        ConfigError: An option is unknown, of the wrong type, or at odds with another.
    """
    if isinstance(given, SMTPOptions):
        own, rest = _divide(fill_service(normalize(keywords, OPTIONS, DURATIONS, "option"), OPTIONS))
        connection = SMTPOptions(given, **rest)
    else:
        own, rest = _divide(fill_service(gather(given, keywords, OPTIONS, DURATIONS, "a pool", _SCHEMES), OPTIONS))
        connection = SMTPOptions(**rest)
    options = PoolOptions(**own)
    replies = (*options.throttle_replies, *replies_of(connection.host))
    return attrs.evolve(options, throttle_replies=replies), connection


def _divide(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    options.pop(_SWITCH, None)
    own = {name: value for name, value in options.items() if name in _NAMES}
    return own, {name: value for name, value in options.items() if name not in _NAMES}
