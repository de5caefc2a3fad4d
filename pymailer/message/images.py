"""Images that HTML carries in itself (``<img src="data:…">``) turned into attachments that it refers to.

Few mail programs show the first form, all show the second. One pass over the text; nothing is fetched or opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from html import unescape
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import MessageError
from pymailer.message.attachment import Attachment
from pymailer.message.content import encoded
from pymailer.message.data_uri import is_data_uri, parse_data_uri
from pymailer.message.leaves import body_leaf
from pymailer.message.media_types import extension_of, parse_media_type
from pymailer.message.origins import charset_given
from pymailer.message.randomness import random_name
from pymailer.message.settle import hold

if TYPE_CHECKING:
    from pymailer.message.model import Message
    from pymailer.message.node import Leaf
    from pymailer.message.policy import ComposePolicy
    from pymailer.runtime import Runtime

_IMG: Final = re.compile(r"<img(?=[\s/])", re.IGNORECASE | re.ASCII)
_ATTRIBUTE: Final = re.compile(r"""[\s/]*+([^\s"'>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"']++)))?+""")


async def attach_images(runtime: Runtime, data: Message, policy: ComposePolicy, deadline: float | None) -> Message:
    """A message whose HTML has no ``data:`` image any more; `data` itself, if there was none.

    Raises:
        MessageError: Such an image is malformed, or the HTML cannot be read.
    """
    if not data.html:
        return data
    part = Attachment.body(data.html)
    if part.raw is not None:
        return data
    leaf = body_leaf("html", data.html, data, policy.access(data))
    await hold(runtime, leaf, policy, deadline)
    charset = parse_media_type(part.content_type or "text/html").parameters.get("charset") or charset_given(part)
    html, attachments = attached_images(_decoded(leaf, charset))
    if not attachments:
        return data
    data = copy(data)
    data.html = attrs.evolve(part, content=encoded(html, charset), path=None, href=None, encoding=None)
    data.attachments = [*data.attachments, *attachments]
    return data


def _decoded(leaf: Leaf, charset: str) -> str:
    content = leaf.origin if isinstance(leaf.origin, bytes) else b""
    try:
        return content.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        raise MessageError(f"the html is not text in {charset}: {error}") from error


def attached_images(html: str) -> tuple[str, list[Attachment]]:
    """The HTML with references instead of ``data:`` images, and the attachments that they refer to.

    Raises:
        MessageError: A ``data:`` URI is malformed.
    """
    found: dict[str, Attachment] = {}
    pieces: list[str] = []
    done = 0
    for start, end in _sources(html):
        uri = unescape(html[start:end])
        if not is_data_uri(uri):
            continue
        attachment = found.get(uri) or _attachment(uri, len(found) + 1)
        if attachment is None:
            continue
        found[uri] = attachment
        pieces += [html[done:start], f"cid:{attachment.cid}"]
        done = end
    return "".join([*pieces, html[done:]]), list(found.values())


def _sources(html: str) -> Iterator[tuple[int, int]]:
    """Where the first ``src`` of each image begins and ends."""
    at = 0
    while image := _IMG.search(html, at):
        at = image.end()
        seen = False
        while attribute := _ATTRIBUTE.match(html, at):
            at = attribute.end()
            if not seen and attribute[1].lower() == "src":
                seen = True
                group = next((number for number in (2, 3, 4) if attribute[number] is not None), None)
                if group:
                    yield attribute.span(group)


def _attachment(uri: str, number: int) -> Attachment | None:
    media_type = parse_media_type(parse_data_uri(uri).content_type).name
    if not media_type.startswith("image/"):
        return None
    return Attachment(
        path=uri,
        cid=f"{random_name()[:20]}@localhost",
        filename=f"image-{number}.{extension_of(media_type)}",
    )
