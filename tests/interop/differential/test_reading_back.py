"""What was put into a message comes back from a second parser, postal-mime, as it went in.

The standard library's reading is compared with what went in by the unit tests.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.cache import NotToBeHad
from tests.interop.differential import composers
from tests.interop.differential.corpus import Data, corpus, for_python

UNLIKE = {
    "subjects-23": "an empty subject is none to it",
    "trees-25": "`attachDataUrls` changes the html",
    "attachments-49": "it shows an enclosed message in the text",
    "attachments-50": "it shows an enclosed message in the text",
}
"""Messages that come back otherwise, and why."""

CORPUS = {name: data for name, data in corpus() if not name.startswith("refused-") and "raw" not in data}

Fact = tuple[str, Any]


def put_in(data: Data) -> Iterator[Fact]:
    """What a message was given, as far as it is plain to see."""
    if "subject" in data:
        yield "subject", data["subject"]
    if isinstance(data["from"], dict):
        yield "from", data["from"]
    for form in ("text", "html"):
        if isinstance(data.get(form), str):
            yield form, _lines(data[form])
    attachments = for_python(data).get("attachments", [])
    for attachment in attachments if isinstance(attachments, list) else [attachments]:
        if attachment.get("filename"):
            yield "filename", attachment["filename"]
        if isinstance(attachment.get("content"), bytes):
            yield "content", attachment["content"]


def came_back(reading: Data) -> Iterator[Fact]:
    """The same of what the parser found."""
    yield "subject", reading.get("subject")
    yield "from", reading["from"]
    for form in ("text", "html"):
        yield form, _lines(reading.get(form) or "")
    for attachment in reading["attachments"]:
        yield "filename", attachment["filename"]
        yield "content", b64decode(attachment["content"])


def _lines(text: str) -> str:
    """The last line end may be that of the message (docs/differences.md: `last-line`)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


@pytest.fixture(scope="module")
def readings() -> dict[str, Data]:
    contents = [composers.ours(data).content for data in CORPUS.values()]
    try:
        return dict(zip(CORPUS, composers.read_by_postal_mime(contents), strict=True))
    except NotToBeHad as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in UNLIKE])
def test_what_was_put_in_comes_back(readings: dict[str, Data], name: str) -> None:
    found = list(came_back(readings[name]))
    assert [fact for fact in put_in(CORPUS[name]) if fact not in found] == []


@pytest.mark.parametrize("name", UNLIKE)
def test_what_comes_back_otherwise_still_does(readings: dict[str, Data], name: str) -> None:
    found = list(came_back(readings[name]))
    assert [fact for fact in put_in(CORPUS[name]) if fact not in found] != []
