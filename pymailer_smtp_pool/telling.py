"""One error for many messages: each raises its own.

Knows how errors are copied; nothing of who is told.
"""

from __future__ import annotations

from typing import TypeVar

from pymailer.errors import MailError

E = TypeVar("E", bound=MailError)


def copy_of(error: E, cause: BaseException | None = None) -> E:
    """The same error without its traceback, which would keep alive all that the first message's frames hold."""
    kind = type(error)
    copied = kind.__new__(kind, *error.args)
    copied.__dict__.update(error.__dict__)
    copied.__cause__ = cause
    return copied
