"""A message as its reader sees it: who it is from, what it says, where it links to, and what goes with it.

Read by the standard library's parser, which had no part in composing it; knows nothing of how it came here.
"""

from __future__ import annotations

from functools import cached_property
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from pymailer.results import Envelope

_TRAILING: Final = ".,;:!?)]}>\"'"
"""What ends a sentence rather than a URL."""


@attrs.frozen
class ReceivedAttachment:
    """A file that came with a message.

    Attributes:
        filename: Its name, or ``None``.
        content_type: Its media type, such as ``"application/pdf"``.
        content: Its octets.
        cid: The content id by which HTML refers to it, or ``None``.
    """

    filename: str | None
    content_type: str
    content: bytes = attrs.field(repr=False)
    cid: str | None = None


@attrs.frozen(slots=False)
class ReceivedMessage:
    """One message that was sent.

    Attributes:
        envelope: Whom the server was told.
        content: The whole message, CRLF line ends.
    """

    envelope: Envelope
    content: bytes = attrs.field(repr=False)

    def __str__(self) -> str:
        return f"{self.subject!r} to {', '.join(self.recipients)}"

    @cached_property
    def message(self) -> EmailMessage:
        """The message as the standard library reads it."""
        from email import message_from_bytes, policy

        return message_from_bytes(self.content, policy=policy.default)

    @property
    def sender(self) -> str:
        """The envelope's sender; ``""`` for the null sender."""
        return self.envelope.from_

    @property
    def recipients(self) -> tuple[str, ...]:
        """The envelope's recipients, hidden ones too."""
        return self.envelope.to

    @property
    def subject(self) -> str:
        """The subject, ``""`` if there is none."""
        return self.header("Subject") or ""

    @property
    def from_(self) -> str:
        """The From header."""
        return self.header("From") or ""

    @property
    def to(self) -> tuple[str, ...]:
        """The addresses in the To header."""
        return self._addresses("To")

    @property
    def cc(self) -> tuple[str, ...]:
        """The addresses in the Cc header."""
        return self._addresses("Cc")

    @property
    def reply_to(self) -> tuple[str, ...]:
        """The addresses in the Reply-To header."""
        return self._addresses("Reply-To")

    @property
    def message_id(self) -> str | None:
        """The Message-ID with angle brackets."""
        return self.header("Message-ID")

    def header(self, name: str) -> str | None:
        """A header, decoded; ``None`` if there is none of that name."""
        value = self.message[name]
        return None if value is None else str(value)

    def _addresses(self, name: str) -> tuple[str, ...]:
        header: Any = self.message[name]
        return () if header is None else tuple(address.addr_spec for address in header.addresses)

    @cached_property
    def text(self) -> str:
        """The body as plain text, with LF line ends; ``""`` if there is none."""
        return self._body("plain")

    @cached_property
    def html(self) -> str:
        """The body as HTML, with LF line ends; ``""`` if there is none."""
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        text: str = "" if part is None else part.get_content()
        return text.replace("\r\n", "\n")

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Where a reader can go from here: the links of the HTML, then the web addresses in the text, each once."""
        parser = _Links()
        parser.feed(self.html)
        parser.close()
        return tuple(dict.fromkeys([*parser.links, *_addresses_in(self.text)]))

    @cached_property
    def attachments(self) -> tuple[ReceivedAttachment, ...]:
        """What came with it, in its order; images that the HTML shows are among it."""
        return tuple(_attachment(part) for part in self.message.walk() if _is_attachment(part))

    def attachment(self, filename: str) -> ReceivedAttachment:
        """The attachment of that name.

        Raises:
            LookupError: There is none; says which there are.
        """
        for each in self.attachments:
            if each.filename == filename:
                return each
        raise LookupError(f"no attachment {filename!r} among {[each.filename for each in self.attachments]}")


def _is_attachment(part: Any) -> bool:
    return not part.is_multipart() and part.get_content_disposition() is not None


def _attachment(part: Any) -> ReceivedAttachment:
    cid = part["Content-ID"]
    return ReceivedAttachment(
        part.get_filename(),
        part.get_content_type(),
        part.get_payload(decode=True) or b"",
        None if cid is None else str(cid).strip("<>"),
    )


class _Links(HTMLParser):
    """The addresses that HTML links to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a link or an area leads to."""
        if tag in ("a", "area"):
            self.links += [value for name, value in attrs if name == "href" and value]


def _addresses_in(text: str) -> Iterator[str]:
    for word in text.split():
        begin = word.find("http")
        url = word[begin:].rstrip(_TRAILING) if begin >= 0 else ""
        if url.startswith(("http://", "https://")):
            yield url
