"""What SpamAssassin, with all its rules and without network, finds in the messages of the differential test.

Whoever sends malformed messages is taken for a spammer. Every rule that a message of ours meets is listed here with the
reason; any other one is a failure, whatever it is about.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime

import attrs
import pytest

from tests.interop.differential.composers import Made, ours
from tests.interop.differential.corpus import corpus
from tests.interop.rooted_program import root_with

PACKAGES = ["spamassassin", "dash"]

CORPUS = {name: data for name, data in corpus() if not name.startswith("refused-")}

Fits = Callable[[EmailMessage], bool]


@attrs.frozen
class Expected:
    """A rule that may be met.

    Attributes:
        rule: Its name.
        why: What the message was given that meets it.
        fits: Whether a message is one of those; any, if it is about what is said and not about the form.
    """

    rule: str
    why: str
    fits: Fits = lambda _: True


def _lacks(header: str) -> Fits:
    return lambda message: message[header] is None


def _has(header: str) -> Fits:
    return lambda message: message[header] is not None


def _types(message: EmailMessage) -> set[str]:
    return {part.get_content_type() for part in message.walk()}


OF_FORM = (
    Expected("MISSING_SUBJECT", "most messages of the corpus are given none", lambda message: not message["Subject"]),
    Expected("MISSING_DATE", "a `raw` message is sent as it is", _lacks("Date")),
    Expected("MISSING_MID", "a `raw` message is sent as it is", _lacks("Message-ID")),
    Expected("MISSING_HEADERS", "only `bcc` is given; RFC 5322 3.6 asks for no To", _lacks("To")),
    Expected(
        "MISSING_MIMEOLE",
        "`priority` writes X-MSMail-Priority, as Nodemailer does, without saying that we are Outlook; "
        "a signed message does not meet it",
        _has("X-MSMail-Priority"),
    ),
    Expected(
        "MSGID_SHORT", "that is the `message_id` given", lambda message: message["Message-ID"] == "<mine@example.com>"
    ),
    Expected("DATE_IN_PAST_96_XX", "that is the `date` given", lambda message: "2024" in message["Date"]),
    Expected(
        "FROM_EXCESS_BASE64",
        "a name that looks like an encoded word must be encoded, ASCII or not",
        lambda message: "=?x?=" in message["From"],
    ),
    Expected(
        "MIME_HTML_ONLY",
        "no `text` is given",
        lambda message: not {"text/plain", "multipart/alternative"} & _types(message),
    ),
    Expected(
        "MIME_NO_TEXT",
        "only attachments are given",
        lambda message: not any(kind.startswith("text/") for kind in _types(message)),
    ),
    Expected(
        "PP_MIME_FAKE_ASCII_TEXT",
        "octets in a `raw` or in a message/rfc822 part are given without a character set, and not changed",
        lambda message: any(_lacks_charset(part) for part in message.walk()),
    ),
)


def _lacks_charset(part: EmailMessage) -> bool:
    return part.get_content_type() == "text/plain" and part.get_content_charset() is None


OF_WHAT_IS_SAID = (
    Expected("EMPTY_MESSAGE", "neither text nor html, or empty ones"),
    Expected("GAPPY_SUBJECT", "a subject of single letters"),
    Expected("HTML_IMAGE_ONLY_04", "an image in little html"),
    Expected("HTML_MESSAGE", "there is html"),
    Expected("HTML_MIME_NO_HTML_TAG", "the html is a fragment"),
    Expected("MPART_ALT_DIFF", "the html is not the text"),
    Expected("SB_GIF_AND_NO_URIS", "an image and no link"),
    Expected("TO_NO_BRKTS_HTML_IMG", "html, an image, and a recipient without a name"),
    Expected("TRACKER_ID", "a text that is one long word"),
    Expected("TVD_SPACE_RATIO", "long words, or lines of one letter"),
)

EXPECTED = {expected.rule: expected for expected in (*OF_FORM, *OF_WHAT_IS_SAID)}

MALFORMED = (
    b"From: a@example.com\r\nTo: b@example.com\r\nSubject: \xc4\xd6\xdc \xe4\xf6\xfc\r\n"
    b"Date: yesterday\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"a" * 99 + b"\r\n--b--\r\n"
)


def received(content: bytes) -> bytes:
    """A message as it arrives from a server elsewhere; without a trace of one, many rules do not look at it."""
    trace = (
        "Received: from mail.example.com (mail.example.com [IPv6:2001:db8::25])\r\n"
        "\tby mx.example.org (Postfix) with ESMTPS id 4ZQ1ab2Cd3\r\n"
        f"\tfor <b@example.com>; {format_datetime(datetime.now(UTC))}\r\n"
    )
    return trace.encode("ascii") + content


@pytest.fixture(scope="module")
def messages() -> dict[str, Made]:
    return {name: ours(data) for name, data in CORPUS.items()}


@pytest.fixture(scope="module")
def met(messages: Mapping[str, Made]) -> dict[str, list[str]]:
    """The rules that each message meets."""
    asked = [*(made.content for made in messages.values()), MALFORMED]
    with root_with(PACKAGES) as root:
        answers = root.ask("spamassassin.pl", [b64encode(received(content)).decode("ascii") for content in asked])
    return dict(zip([*messages, "malformed"], answers, strict=True))


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 200


def test_a_malformed_message_is_recognised(met: Mapping[str, list[str]]) -> None:
    assert {"INVALID_DATE", "SUBJ_ILLEGAL_CHARS", "MISSING_MID"} <= set(met["malformed"])


@pytest.mark.parametrize("name", CORPUS)
def test_a_message_meets_no_rule_but_what_it_was_given(
    messages: Mapping[str, Made], met: Mapping[str, list[str]], name: str
) -> None:
    message = message_from_bytes(messages[name].content, policy=policy.default)
    assert [rule for rule in met[name] if rule not in EXPECTED or not EXPECTED[rule].fits(message)] == []


def test_every_rule_that_is_expected_is_met(met: Mapping[str, list[str]]) -> None:
    seen = {rule for name in CORPUS for rule in met[name]}
    assert sorted(EXPECTED.keys() - seen) == []
