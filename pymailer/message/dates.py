"""Dates as a header holds them (RFC 5322 3.3).

Knows calendars and offsets; takes the time of day from the caller or from the system's clock, nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from time import time

from pymailer.errors import MessageError
from pymailer.message.characters import shown
from pymailer.message.encoded_words import Encoded

# Not by strftime: its names follow the locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date_value(value: object = None) -> Encoded:
    """A date for the header; now, in UTC, if none is given.

    Args:
        value: An aware `datetime`, or text as RFC 5322 or ISO 8601 write it, with an offset.

    Raises:
        MessageError: It is no date, or one that does not say its offset from UTC.
    """
    if value is None:
        return _at(int(time()))
    return _written(value if isinstance(value, datetime) else _parsed(value))


@lru_cache(1)  # many messages are written in one second
def _at(second: int) -> Encoded:
    return _written(datetime.fromtimestamp(second, UTC))


def _written(moment: datetime) -> Encoded:
    offset = moment.utcoffset()
    if offset is None:
        raise MessageError(f"the date {moment} does not say its time zone; use for example datetime.now(UTC)")
    minutes, odd = divmod(int(offset.total_seconds()), 60)
    if odd or offset.microseconds:  # some local times of long ago; a header has whole minutes
        moment, minutes = _in_utc(moment), 0
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    day = f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month - 1]} {moment.year:04d}"
    return Encoded(f"{day} {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} {zone}")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise MessageError(f"the date {moment} is beyond the calendar in UTC") from None


def _parsed(value: object) -> datetime:
    if not isinstance(value, str):
        raise MessageError(f"a date is a datetime or text, not {type(value).__name__}")
    from email.utils import parsedate_to_datetime  # rare: a date given as text

    try:
        if value[:4].isdigit():
            return datetime.fromisoformat(value)
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise MessageError(f"{shown(value)} is not a date") from None
    # RFC 5322 3.3: "-0000" is UTC by a clock that does not know its own zone; the parser gives it without one.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None and value.rstrip().endswith("-0000") else moment
