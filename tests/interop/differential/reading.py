"""Two messages read by the same parser, and where they differ: headers as decoded, the tree, each part's content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import attrs

from tests.unit.reading import decoded

_ADDRESSES = {"from", "sender", "to", "cc", "bcc", "reply-to"}
_OF_PARTS = {"mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id"}
_MADE_UP_ID = re.compile(r"[0-9a-f]{20}@localhost")


@attrs.frozen
class Discrepancy:
    """One thing that two messages say differently.

    Attributes:
        message: The name of the message in the corpus.
        what: Which thing.
        ours: What ours says.
        theirs: What Nodemailer's says.
    """

    message: str
    what: str
    ours: Any
    theirs: Any


def between(message: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Discrepancy]:
    """Where two sets of facts about a message differ."""
    for what in dict.fromkeys([*ours, *theirs]):
        if ours.get(what) != theirs.get(what):
            yield Discrepancy(message, what, ours.get(what), theirs.get(what))


def facts(content: bytes, made_up: set[str]) -> dict[str, Any]:
    """What the standard library's parser finds in a message.

    Args:
        content: The message.
        made_up: Names of headers that the composer made up, which are never the same twice.
    """
    message = message_from_bytes(content, policy=policy.default)
    found: dict[str, Any] = {}
    for name, value in message_from_bytes(content, policy=policy.compat32).items():
        lower = name.lower()
        if lower not in _OF_PARTS:
            shown = "made up" if lower in made_up else _header(lower, str(value))
            found.setdefault(f"header {lower}", []).append(shown)
    found["tree"] = _tree(message)
    for number, part in enumerate(_leaves(message)):
        aspects = _part(part)
        if part is message:  # whose own headers are those above
            del aspects["more headers"]
        found |= {f"part {number} {what}": fact for what, fact in aspects.items()}
    return found


def _header(name: str, value: str) -> Any:
    value = value.replace("\r\n", "").replace("\n", "")
    if name in _ADDRESSES:  # a group is its members here, and its name is in their number
        return [(decoded(display), address) for display, address in getaddresses([value])]
    return decoded(value).strip()


def _tree(part: EmailMessage) -> Any:
    if part.get_content_maintype() != "multipart":
        return part.get_content_type()
    return [part.get_content_type(), *(_tree(child) for child in part.iter_parts())]


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for child in part.iter_parts():
        yield from _leaves(child)


def _part(part: EmailMessage) -> dict[str, Any]:
    parameters = dict(part["Content-Type"].params) if part["Content-Type"] else {}
    name = parameters.pop("name", None)
    own = [(key.lower(), str(value)) for key, value in part.items() if key.lower().startswith(("x-", "content-d"))]
    return {
        "parameters": parameters,
        "name": name,
        "disposition": part.get_content_disposition(),
        "filename": part.get_filename(),
        "content id": _MADE_UP_ID.sub("made up", str(part["Content-ID"])),
        "more headers": [pair for pair in own if pair[0] != "content-disposition"],
        "encoding": part.get("Content-Transfer-Encoding"),
        "content": _MADE_UP_ID.sub("made up", _content(part).decode("latin-1")).encode("latin-1"),
    }


def _content(part: EmailMessage) -> bytes:
    if part.get_content_maintype() == "message":
        return b"".join(inner.as_bytes(policy=policy.SMTP) for inner in part.iter_parts())
    return part.get_payload(decode=True) or b""


def facts_of_postal_mime(parsed: dict[str, Any]) -> dict[str, Any]:
    """What postal-mime found in a message, with the attachments one by one."""
    found = {
        f"postal {what}": fact for what, fact in parsed.items() if what not in {"messageId", "date", "attachments"}
    }
    for number, attachment in enumerate(parsed["attachments"]):
        found |= {f"postal attachment {number} {what}": fact for what, fact in attachment.items()}
    return {what: _MADE_UP_ID.sub("made up", fact) if isinstance(fact, str) else fact for what, fact in found.items()}
