"""The demo's messages: invoices, newsletters and reports, in several scripts, with real files attached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_HERE: Final = Path(__file__).resolve().parent
_ROOT: Final = _HERE.parent.parent
_CANDIDATES: Final = (*(_ROOT / name for name in ("README.md", "LICENSE", "pyproject.toml")), _HERE / "content.py")
FILES: Final = tuple(path for path in _CANDIDATES if path.is_file())
"""Files to attach: the repository's own, or this module where it is installed alone."""

PIXEL: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100"
    "c9fe92ef0000000049454e44ae426082"
)
"""A PNG of one red pixel, for an inline image."""

_READERS: Final = (
    ("Zoë Müller", "Ihre Rechnung über 1.234,50 €", "Guten Tag, anbei Ihre Rechnung. Mit freundlichen Grüßen"),
    ("山田太郎", "今月のお知らせ", "いつもご利用いただきありがとうございます。"),
    ("Анна Каренина", "Отчёт за ноябрь", "Во вложении — отчёт за прошедший месяц."),
    ("Ada Lovelace", "Notes on the Analytical Engine", "It can do whatever we know how to order it to perform."),
    ("محمد علي", "تأكيد الحجز", "تم تأكيد حجزك. نتمنى لك رحلة سعيدة."),
    ("O'Brien, Jr.", 'Re: "quotes" & <angles>, dots .', ".\n..\nA line that begins with a dot\n.hidden\n"),
)


def messages(count: int, sender: str, domain: str) -> Iterator[dict[str, Any]]:
    """`count` messages, each a little different: plain, html, both, an inline image, an attached file."""
    for number in range(count):
        name, subject, text = _READERS[number % len(_READERS)]
        message: dict[str, Any] = {
            "from": {"name": "Pymailer Demo", "address": sender},
            "to": {"name": name, "address": f"reader{number}@{domain}"},
            "subject": f"{subject} ({number})",
            "text": f"{text}\n\nMessage number {number}.\n",
        }
        yield message | _extras(number, text)


def _extras(number: int, text: str) -> dict[str, Any]:
    kind = number % 4
    if kind == 1:
        return {"html": f"<h1>{number}</h1><p>{text}</p>"}
    if kind == 2:
        return {
            "html": f'<p>{text}</p><img src="cid:pixel" alt="a red pixel">',
            "attachments": [{"content": PIXEL, "filename": "пиксель.png", "cid": "pixel"}],
        }
    if kind == 3:
        return {"attachments": [{"path": FILES[number % len(FILES)]}]}
    return {}
