"""The text of a body, where it is at hand.

Knows the forms in which a body may be given; opens nothing: whether files and web addresses may be read is for the
composer to decide.
"""

from __future__ import annotations

from pymailer.errors import MessageError


def text_at_hand(body: object) -> str | None:
    """A body given as text, or as bytes of UTF-8; ``None`` for one that would have to be read.

    Raises:
        MessageError: The bytes are not UTF-8.
    """
    if isinstance(body, (bytes, bytearray)):
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise MessageError(f"a body given as bytes is UTF-8: {error}") from error
    return body if isinstance(body, str) else None
