"""The messages that are composed twice: one after the other through every feature that both composers have.

Plain JSON in Nodemailer's spelling. What JSON cannot say is ``{"$bytes": …}``, ``{"$stream": …}`` and ``{"$date": …}``.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

Data = dict[str, Any]

PARTIES = {"from": "a@example.com", "to": "b@example.com"}


def octets(data: bytes) -> Data:
    return {"$bytes": b64encode(data).decode("ascii")}


def stream(data: bytes) -> Data:
    return {"$stream": b64encode(data).decode("ascii")}


def for_python(data: Data) -> Data:
    """A message with what JSON cannot say as Python says it."""

    def revive(value: Data) -> Any:
        match value:
            case {"$bytes": data}:
                return b64decode(data)
            case {"$stream": data}:
                return iter([b64decode(data)])
            case {"$date": moment}:
                return datetime.fromisoformat(moment)
        return value

    return json.loads(json.dumps(data), object_hook=revive)


SUBJECTS = [
    *("Hello", "Größe", "Привет мир", "日本語の件名", "emoji 🎉 party 🎉", "éàü" * 30, "Привет мир " * 8, "x" * 90),
    *(
        "a lot of plain words " * 12,
        'say "hello" now',
        "it's 100% = ok?",
        "tab\there",
        "a  b   c",
        "Re: [list] Größe (neu)",
    ),
    *("=?", "?=", "a_b c_d ü", "e\u0301 combining", "العربية", "ends with ü", "ü begins", "mixed слово and word" * 4),
    *("", "👨‍👩‍👧‍👦" * 12, "=?utf-8?q?x?= as text", "a b\u00a0c"),
]
NAMES = [
    *("Ann", "Ann Lee", "O'Brien", "Lee, Ann", 'Ann "A" Lee', "back\\slash", "J. Doe", "Größe", "Привет", "日本"),
    *("a@b", "(x)", "semi;colon", 'Jöe, (the "boss")', "x" * 90, "ü" * 40, "ann_lee-1", "1 2 3", "=?x?=", "e.g. [x]"),
]
ADDRESSES: list[Any] = [
    "b@example.com",
    "<b@example.com>",
    "Bob <b@example.com>",
    '"Lee, Bob" <b@example.com>',
    "b@example.com, c@example.com",
    "Bob <b@example.com>, Carl <c@example.com>",
    ["b@example.com", "Carl <c@example.com>"],
    {"name": "Bob", "address": "b@example.com"},
    [{"name": "Bob", "address": "b@example.com"}, "c@example.com"],
    [["b@example.com"], ["c@example.com", ["d@example.com"]]],
    "Friends: b@example.com, Carl <c@example.com>;",
    "Friends: b@example.com;, d@example.com",
    "B@EXAMPLE.COM",
    "b@example.com, B@example.com, b@EXAMPLE.com",
    "Böb <b@bücher.example>",
    "b+tag@sub.example.co.uk",
    '"b b"@example.com',
    "b@[192.0.2.1]",
    "jõ@example.com",
    "<b@example.com> (Bob)",
]
TEXTS = [
    *(
        "Hello",
        "two\nlines",
        "ends with newline\n",
        "two at the end\n\n",
        "\nstarts with newline",
        "Größe",
        "Привет мир",
    ),
    *(
        "日本語" * 40,
        "emoji 🎉" * 20,
        "x" * 76,
        "x" * 77,
        "x" * 500,
        "word " * 100,
        "ü" * 200,
        "tabs\tand  spaces  \nend",
    ),
    *(
        ".",
        "..\n.\n.end",
        "From here\nFrom there",
        "=3D = =20",
        "CR\rLF\nCRLF\r\nend",
        "ü" + "a" * 300,
        "\u2028 separators \u2029",
    ),
    *("blank at end \nof line\t\n", "a\x0bb\x0cc", "x\n" * 300, " leading", "--boundary--", "ü\n" * 50),
]
HTMLS = [
    "<p>Hello</p>",
    "<p>Größe</p>\n",
    "<p>" + "long " * 200 + "</p>",
    '<a href="https://x.example/?a=b&amp;c=d">x</a>',
]
FILENAMES = [
    *("a.txt", "report.pdf", "a b.pdf", "Größe.pdf", "Привет.docx", "日本語" * 10 + ".png", "x" * 120 + ".txt"),
    *('a"b.txt', "a;b.txt", "a=b.txt", "-dash.txt", "100%.txt", "it's.txt", "a'b'c.txt", "(x).txt", "no-extension"),
    *(".hidden", "a.tar.gz", "UPPER.PDF", "=?x?=.txt", "a,b.txt", "e\u0301.txt", "🎉.png", "a*b.txt", "x.unknown"),
]
TYPES = [
    *("text/plain", "text/plain; charset=iso-8859-1", "application/json", "image/png", "Application/PDF"),
    *("application/x-thing; a=b", 'application/x-thing; a="b c"', "text/csv; header=present", "audio/mpeg"),
]
OCTETS = bytes(range(256))
FILE = {"filename": "a.bin", "content": octets(OCTETS)}
IMAGE = {"filename": "i.png", "content": octets(b"\x89PNG"), "cid": "i@example.com"}
EVENT = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
RAW = "From: r@example.com\r\nTo: s@example.com\r\nSubject: raw\r\n\r\nbody\r\n"


def corpus() -> list[tuple[str, Data]]:
    """Every message with a name of its own."""
    found: dict[str, Data] = {}
    for area in (_subjects, _people, _texts, _trees, _attachments, _headers, _envelopes, _ready_made, _refused):
        for number, data in enumerate(area(), 1):
            found[f"{area.__name__.strip('_')}-{number:02}"] = data if "raw" in data else {**PARTIES, **data}
    return list(found.items())


def _subjects() -> Iterator[Data]:
    for subject in SUBJECTS:
        yield {"subject": subject, "text": "t"}


def _people() -> Iterator[Data]:
    for name in NAMES:
        yield {"from": {"name": name, "address": "a@example.com"}, "text": "t"}
    for addresses in ADDRESSES:
        yield {"to": addresses, "text": "t"}
    yield {
        "cc": ADDRESSES[5],
        "bcc": "secret@example.com, b@example.com",
        "replyTo": "Böb <r@example.com>",
        "text": "t",
    }
    yield {"to": [], "bcc": "secret@example.com", "text": "t"}
    yield {"from": "a@example.com, c@example.com", "sender": "s@example.com", "text": "t"}
    yield {"sender": "S <s@example.com>", "text": "t"}
    yield {"to": [f"Person {number} <p{number}@example.com>" for number in range(60)], "text": "t"}


def _texts() -> Iterator[Data]:
    for text in TEXTS:
        yield {"text": text}
        yield {"text": text, "html": "<p>h</p>"}
    for html in HTMLS:
        yield {"html": html}
    yield {"text": octets("Größe".encode())}
    yield {"text": stream("Größe".encode())}
    yield {"text": {"content": "R3LDtsOfZQ==", "encoding": "base64"}}
    yield {"html": {"content": "4772c3b6c39f65", "encoding": "hex"}}
    yield {"html": {"href": "data:text/html,%3Cp%3Eh"}}
    for encoding in ("base64", "quoted-printable"):
        yield {"text": "plain", "html": "<p>größe", "textEncoding": encoding}


def _trees() -> Iterator[Data]:
    both = {"text": "t", "html": "<p>h"}
    yield {}
    yield both
    yield {**both, "watchHtml": "w", "amp": "<html amp4email>"}
    yield {"text": "t", "attachments": [FILE]}
    yield {"html": "<p>h", "attachments": [FILE]}
    yield {"attachments": [FILE]}
    yield {"attachments": FILE}
    yield {"attachments": [FILE, FILE]}
    yield {**both, "attachments": [FILE, FILE]}
    yield {**both, "attachments": [IMAGE]}
    yield {"html": "<p>h", "attachments": [IMAGE]}
    yield {"text": "t", "attachments": [IMAGE]}
    yield {"html": "<p>h", "attachments": [FILE, IMAGE]}
    yield {**both, "attachments": [IMAGE, FILE, {**IMAGE, "cid": "<j@example.com>"}]}
    yield {"attachments": [IMAGE, FILE]}
    yield {"icalEvent": EVENT}
    yield {**both, "icalEvent": EVENT}
    yield {**both, "icalEvent": {"method": "request", "content": EVENT, "filename": "meeting.ics"}}
    yield {**both, "icalEvent": {"method": "CANCEL", "content": octets(EVENT.encode())}, "attachments": [FILE, IMAGE]}
    yield {"text": "t", "alternatives": [{"contentType": "text/x-web-markdown", "content": "**t**"}]}
    yield {**both, "alternatives": [{"contentType": "application/json", "content": "{}"}], "attachments": [IMAGE]}
    yield {
        "text": "t",
        "alternatives": [{"contentType": "text/html; charset=utf-8", "content": "<p>h"}],
        "attachments": [IMAGE],
    }
    yield {"text": "", "html": "<p>h"}
    yield {"text": "t", "html": ""}
    yield {"html": f'<img src="data:image/png;base64,{b64encode(OCTETS).decode()}">', "attachDataUrls": True}


def _attachments() -> Iterator[Data]:
    for filename in FILENAMES:
        yield {"text": "t", "attachments": [{"filename": filename, "content": octets(b"x")}]}
    for content_type in TYPES:
        yield {
            "text": "t",
            "attachments": [{"filename": "a.txt", "contentType": content_type, "content": octets(b"x")}],
        }
    for more in (
        {"content": "text", "filename": "a.txt"},
        {"content": "größe\n", "filename": "a.txt"},
        {"content": octets(OCTETS * 1000)},
        {"content": octets(b""), "filename": "empty.bin"},
        {"content": stream(OCTETS), "filename": "s.bin"},
        {"content": "aGVsbG8=", "encoding": "base64"},
        {"content": "68656c6c6f", "encoding": "hex", "filename": False},
        {"path": "data:text/plain;base64,SGVsbG8="},
        {"href": "data:image/gif;base64,R0lGODlh", "filename": "x.gif"},
        {"content": octets(b"x"), "contentType": "image/png"},
        {"content": octets(b"x"), "contentDisposition": "inline", "filename": "a.png"},
        {"content": octets(b"x"), "headers": {"X-Part": "größe", "Content-Description": "what"}},
        {"content": "größe\n", "filename": "a.txt", "contentTransferEncoding": "quoted-printable"},
        {"content": "plain", "filename": "a.txt", "contentTransferEncoding": "7bit"},
        {"content": RAW, "contentType": "message/rfc822"},
        {"content": "Subject: größe\r\n\r\ngröße\r\n", "filename": "m.eml"},
        {"raw": "Content-Type: text/x-own\r\nX-Own: 1\r\n\r\nown\r\n"},
    ):
        yield {"text": "t", "attachments": [more]}


def _headers() -> Iterator[Data]:
    yield {"headers": {"X-A": "1"}}
    yield {"headers": {"x-b": ["1", "2"], "X-C": "größe"}}
    yield {"headers": [{"key": "X-A", "value": "1"}, {"key": "X-A", "value": "2"}]}
    yield {"headers": {"X-Long": "word " * 60, "X-Unbroken": "x" * 200}}
    yield {"headers": {"List-Id": "<x.example>", "Precedence": "bulk", "Auto-Submitted": "auto-generated"}}
    yield {"headers": {"X-Empty": "", "X-None": None}}
    yield {"headers": {"Reply-To": "Böb <r@example.com>", "Subject": "by header"}}
    yield {"headers": {"subject": "header", "X-Number": 5}, "subject": "field"}
    yield {
        "messageId": "<mine@example.com>",
        "inReplyTo": "<1@example.com>",
        "references": ["<0@example.com>", "1@example.com"],
    }
    yield {"messageId": "mine@example.com", "references": "<0@example.com> <1@example.com>"}
    yield {"date": {"$date": "2024-01-02T03:04:05+00:00"}}
    yield {"priority": "high"}
    yield {"priority": "low"}
    yield {"priority": "normal"}
    yield {"xMailer": "mine 1.0"}
    yield {"list": {"unsubscribe": "https://x.example/u", "help": "help@x.example"}}
    yield {
        "list": {
            "unsubscribe": {"url": "https://x.example/u", "comment": "größe"},
            "id": {"url": "x.example", "comment": "List"},
        }
    }
    yield {"list": {"unsubscribe": [["https://x.example/u", "u@x.example"]], "archive": "http://x.example/"}}


def _envelopes() -> Iterator[Data]:
    yield {"envelope": {"from": "bounce@example.com", "to": "c@example.com"}}
    yield {
        "envelope": {"from": "B <bounce@example.com>", "to": ["c@example.com", "D <d@example.com>", "c@EXAMPLE.com"]}
    }
    yield {"envelope": {"from": "", "to": "c@example.com"}}
    yield {
        "envelope": {"from": "x@example.com", "to": "c@example.com", "cc": "d@example.com", "bcc": ["e@example.com"]}
    }
    yield {"envelope": {"from": "x@bücher.example", "to": "c@bücher.example"}}


def _ready_made() -> Iterator[Data]:
    envelope = {"from": "x@example.com", "to": "y@example.com"}
    yield {"raw": RAW, "envelope": envelope}
    yield {"raw": octets(RAW.encode()), "envelope": envelope}
    yield {"raw": RAW.replace("\r\n", "\n"), "envelope": envelope}
    yield {"raw": RAW.removesuffix("\r\n"), "envelope": envelope}
    yield {"raw": {"content": octets(RAW.encode() + OCTETS[128:])}, "envelope": envelope}
    yield {"raw": stream(RAW.encode()), "envelope": envelope, "from": "f@example.com", "to": "g@example.com"}
    yield {"raw": RAW, "from": "f@example.com", "to": "g@example.com"}
    yield {"raw": RAW}
    yield {"raw": f"Bcc: secret@example.com\r\n{RAW}", "envelope": envelope}


def _refused() -> Iterator[Data]:
    yield {"subject": "a\r\nBcc: x@example.com"}
    yield {"subject": "a\0b"}
    yield {"from": ""}
    yield {"from": "a@example.com, c@example.com"}
    yield {"to": "no address"}
    yield {"to": {"name": "x\r\nBcc: e@x.example", "address": "b@example.com>\r\nRCPT TO:<evil@x.example"}}
    yield {"to": "a@evil.example@good.example"}
    yield {"headers": {"x h: y": "1"}}
    yield {"headers": {"Bcc": "x@example.com"}}
    yield {"headers": {"Content-Type": "text/html"}}
    yield {"messageId": "two words"}
    yield {"date": "not a date"}
    yield {"priority": "urgent"}
    yield {"subjct": "x"}
    yield {"attachments": [{"filename": "a.txt", "contentType": "te\r\nxt/plain", "content": "x"}]}
    yield {"attachments": [{"filename": "a\r\nb.txt", "content": "x"}]}
    yield {"attachments": [{"cid": "a> <b", "content": "x"}]}
    yield {"attachments": [{"contentType": "multipart/mixed", "content": "x"}]}
    yield {"attachments": [{"path": "data:;base64,!!!"}]}
    yield {"attachments": [{"headers": {"Content-Disposition": "inline"}, "content": "x"}]}
    yield {"attachments": [{"filename": "a.txt"}]}
    yield {"list": {"unsubscribe": "javascript:alert(1)"}}
    yield {"list": {"unsubscribe": "x.example"}}
    yield {"envelope": {"to": "b@example.com"}}
    yield {"raw": RAW, "subject": "x", "text": "t", "envelope": {"from": "x@example.com", "to": "y@example.com"}}
