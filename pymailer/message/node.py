"""The MIME tree of a message: which part stands beside or inside which (RFC 2046 5.1, RFC 2387).

Pure: parts in, a tree out, laid out as Nodemailer does. Knows no octet of any part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymailer.message.coding import Measure
    from pymailer.message.origins import Origin
    from pymailer.message.part_head import PartHead


@attrs.define(eq=False)
class Leaf:
    """A part with content of its own.

    Attributes:
        media_type: ``type/subtype``.
        head: Its header fields but the transfer encoding.
        origin: Its content, or where that comes from: octets or a `Source` once it was looked at.
        text: Whether its line ends are CRLF on the wire, whatever they are in its content.
        transfer: The transfer encoding that is asked for; ``None`` to choose by content.
        content_encoding: How its content stands for octets (``"base64"``), if it does not stand for itself.
        inline: Whether it has a content id, by which HTML may refer to it.
        sample: The beginning of text that is too long to be held.
        measure: What is known of content that goes as it is.
        whole: Whether its content is the whole part, header included.
    """

    media_type: str
    head: PartHead
    origin: Origin
    text: bool = False
    transfer: str | None = None
    content_encoding: str | None = None
    inline: bool = False
    sample: bytes | None = None
    measure: Measure | None = None
    whole: bool = False

    @property
    def settled(self) -> bool:
        """Whether its content is known not to need looking at."""
        return type(self.origin) is bytes


@attrs.frozen(eq=False)
class Multipart:
    """A part that consists of parts.

    Attributes:
        subtype: How they belong together: ``mixed``, ``alternative`` or ``related``.
        children: The parts.
    """

    subtype: str
    children: tuple[Leaf | Multipart, ...]


Node: TypeAlias = Leaf | Multipart


def layout(bodies: Sequence[Leaf], attached: Sequence[Leaf]) -> Node:
    """The tree of a message.

    Args:
        bodies: The forms of its body, least preferred first (RFC 2046 5.1.4).
        attached: The attachments. Those that are `inline` go with the HTML among `bodies`, if there is any.
    """
    forms, rest = _related(bodies, attached) if attached else (bodies, attached)
    top = forms if len(forms) < 2 else (Multipart("alternative", tuple(forms)),)
    children = (*top, *rest)
    return children[0] if len(children) == 1 else Multipart("mixed", children)


def _related(bodies: Sequence[Leaf], attached: Sequence[Leaf]) -> tuple[Sequence[Node], Sequence[Leaf]]:
    """The forms of the body, one of them with what its HTML refers to, and the attachments that are left."""
    html = next((body for body in reversed(bodies) if body.media_type == "text/html"), None)
    inline = [leaf for leaf in attached if leaf.inline]
    if html is None or not inline:
        return bodies, attached
    forms = [Multipart("related", (body, *inline)) if body is html else body for body in bodies]
    return forms, [leaf for leaf in attached if not leaf.inline]
