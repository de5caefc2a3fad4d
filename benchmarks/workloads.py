"""The messages that everybody sends: the same text, html and attachment for every peer.

Knows what a message says. How it is composed is each peer's own business.
"""

from __future__ import annotations

import random
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.place import BUILD

SENDER: Final = "News from Example <news@example.com>"
RECIPIENT: Final = "Zoë Müller <zoe{}@example.org>"
SUBJECT: Final = "Your order {} is on its way – thank you"

_PARAGRAPH: Final = (
    "Dear Zoë, your order {number} left our warehouse this morning. It travels by rail and by\n"
    "bicycle, and should be with you within two days. If nobody is at home, the parcel waits for you\n"
    "at the café on the corner, where they will ask for the number above and a document with your\n"
    "name. Please keep the receipt for as long as the guarantee runs, which is twenty-four months.\n"
    "Should something be missing or broken, write to us within fourteen days: a photograph of what\n"
    "you found is enough, and we send a replacement at once, or your money back if you prefer that.\n"
)
_TEXT: Final = _PARAGRAPH + "\nThe total was €42.00, paid by card.\n\nKind regards,\nYour team at Example\n"
_HTML: Final = (
    '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Order {number}</title>\n'
    "<style>body { font-family: sans-serif; max-width: 40em; margin: 0 auto } td { padding: 4px }</style></head>\n"
    "<body>\n<h1>On its way</h1>\n<p>" + _PARAGRAPH + "</p>\n<table>\n"
    "<tr><td>Bread, brown, sliced</td><td>2</td><td>€7.00</td></tr>\n"
    "<tr><td>Coffee, roasted, 500 g</td><td>3</td><td>€27.00</td></tr>\n"
    "<tr><td>Postage and packing</td><td>1</td><td>€8.00</td></tr>\n</table>\n"
    '<p>Follow it <a href="https://shop.example.com/track?order={number}&amp;from=mail">on our page</a>, or reply\n'
    'to this message. <a href="https://shop.example.com/unsubscribe?id={number}">Unsubscribe</a> at any time.</p>\n'
    "<p>Kind regards,<br>Your team at Example</p>\n</body>\n</html>\n"
)


@attrs.frozen(slots=False)
class Workload:
    """One kind of message: `text` and `html` have ``{number}`` where each message differs.

    Attributes:
        text: The body.
        html: The same as HTML; empty for none.
        attachment_size: Octets attached; 0 for nothing.
        varied: Whether each message has other octets attached, rather than all of them the same.
    """

    text: str
    html: str
    attachment_size: int = 0
    varied: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For clients in other languages."""
        return {
            "sender": SENDER,
            "recipient": RECIPIENT,
            "subject": SUBJECT,
            "text": self.text,
            "html": self.html,
            "attachment": str(self.attachment_file()) if self.attachment_size else "",
        }

    def text_of(self, number: int) -> str:
        return self.text.replace("{number}", str(number))

    def html_of(self, number: int) -> str:
        return self.html.replace("{number}", str(number))

    def recipients(self, number: int, count: int = 1) -> list[str]:
        return [RECIPIENT.format(number + offset) for offset in range(count)]

    @cached_property
    def attachment(self) -> bytes:
        """What is attached: octets that nothing compresses or recognises."""
        return random.Random(self.attachment_size).randbytes(self.attachment_size)

    def attachment_of(self, number: int) -> bytes:
        """What is attached to one of the messages."""
        return number.to_bytes(8) + self.attachment[8:] if self.varied else self.attachment

    def attachment_file(self) -> Path:
        """The same in a file."""
        path = BUILD / f"attachment-{self.attachment_size}.bin"
        if not path.exists():
            BUILD.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.attachment)
        return path


_NAMED: Final = {
    "small": Workload(_TEXT, _HTML),
    "large": Workload(_TEXT, "", 100_000),
    "varied": Workload(_TEXT, "", 100_000, varied=True),
}
"""Small: about 2 KB of text and html. Large: text and 100 KB attached, the same for all. Varied: others for each."""


@cache
def workload(name: str) -> Workload:
    """The messages of that name: `small`, `large`, `varied`, or `attachment-<octets>`."""
    return _NAMED.get(name) or Workload(_TEXT, "", int(name.removeprefix("attachment-")), varied=True)
