"""The name under which a server keeps a message, found in its final reply, which every kind of server words its way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pymailer.outcome import Reply

_LEAD: Final = re.compile("queued as |queued mail for delivery as |id=|message accepted for delivery: ", re.IGNORECASE)
"""Postfix and many others; Haraka `Message Queued (id)`; Exim `OK id=`; what comes after is the id."""
_LONGEST: Final = 200


def queue_id(reply: Reply) -> str | None:
    """The queue id, or ``None`` if the reply names none that is recognised."""
    text = reply.lines[-1] if reply.lines else ""
    if (lead := _LEAD.search(text)) is not None:
        return _word(text[lead.end() :])
    return _bracketed(text) or _bare(text, reply)


def _bracketed(text: str) -> str | None:
    """``Message Queued (A1B2…)``, ``Ok <…>``: the last word in brackets that holds a digit."""
    for opening, closing in ("()", "<>", "[]"):
        start = text.rfind(opening)
        end = text.rfind(closing, start + 1) if start >= 0 else -1
        inside = text[start + 1 : end]
        if end >= 0 and " " not in inside and any(map(str.isdigit, inside)):
            return _word(inside)
    return None


def _bare(text: str, reply: Reply) -> str | None:
    """Sendmail, OpenSMTPD, Amazon SES, Gmail: ``2.0.0 [OK] <id> …``; a word of letters and digits, not prose."""
    words = text.split()
    if words and words[0] == reply.enhanced:
        words = words[1:]
    if words and words[0].lower().rstrip(":") == "ok":
        words = words[1:]
    for word in words[:1]:
        if len(word) >= 8 and any(map(str.isdigit, word)):
            return _word(word)
    return None


def _word(text: str) -> str | None:
    words = text.split(maxsplit=1)
    return (words[0].strip("<>()[],;.\"'")[:_LONGEST] or None) if words else None
