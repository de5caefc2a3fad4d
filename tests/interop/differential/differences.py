"""The deliberate differences from Nodemailer, each with what it explains; the reasons are in docs/differences.md."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tests.interop.differential.reading import Discrepancy


@attrs.frozen
class Difference:
    """A difference that is meant.

    Attributes:
        name: What it is called in the documentation.
        explains: Whether a discrepancy is one of its kind.
    """

    name: str
    explains: Callable[[Discrepancy], bool]


def _says(what: str) -> Callable[[Discrepancy], bool]:
    return lambda found: found.what == what


def _of_a_part(aspect: str) -> Callable[[Discrepancy], bool]:
    return lambda found: found.what.startswith("part ") and found.what.endswith(f" {aspect}")


def _text(value: object) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _lines(value: object) -> str:
    return _text(value).replace("\r\n", "\n").replace("\r", "\n")


def _is_content(found: Discrepancy) -> bool:
    return found.what.endswith((" content", "postal text", "postal html"))


def _line_ends(found: Discrepancy) -> bool:
    return _is_content(found) and _lines(found.ours) == _lines(found.theirs)


def _last_line(found: Discrepancy) -> bool:
    return _is_content(found) and _lines(found.ours).rstrip("\n") == _lines(found.theirs).rstrip("\n")


def _without(value: object, what: str) -> str:
    return _text(value).replace(what, "")


DIFFERENCES = [
    Difference("encoding", _of_a_part("encoding")),
    Difference("line-ends", _line_ends),
    Difference("last-line", lambda found: _last_line(found) and not _line_ends(found)),
    Difference(
        "charset", lambda found: _of_a_part("parameters")(found) and found.ours == {**found.theirs, "charset": "utf-8"}
    ),
    Difference(
        "encoded-word-look-alikes",
        lambda found: found.what in {"header subject", "postal subject"} and "=?" in _text(found.ours),
    ),
    Difference("blanks-kept", lambda found: found.what == "postal subject" and found.ours.strip() == found.theirs),
    Difference("bcc", lambda found: found.what in {"header bcc", "postal bcc"} and found.ours is None),
    Difference("empty-header", lambda found: "x-empty" in f"{found.what}{found.ours}" and not found.theirs),
    Difference(
        "generated-name",
        lambda found: (
            _text(found.ours) == "attachment-1.bin" and _text(found.theirs) in {"attachment-1.", "attachment-1.*"}
        ),
    ),
    Difference("name-fallback", lambda found: _of_a_part("name")(found) and (found.ours is None or "*" in found.ours)),
    Difference("asterisk-in-name", lambda found: _of_a_part("filename")(found) and "*" in found.ours),
    Difference("gzip", lambda found: _without(found.theirs, "x-") == _text(found.ours)),
    Difference(
        "alternative-disposition",
        lambda found: found.what.endswith("disposition") and (found.ours, found.theirs) == (None, "attachment"),
    ),
    Difference(
        "quotes", lambda found: found.what == "header list-id" and _without(found.theirs, '"') == _text(found.ours)
    ),
    Difference("raw-content", lambda found: found.what == "refused by Nodemailer" and found.message == "ready_made-05"),
    Difference("raw-envelope", lambda found: found.what == "envelope" and found.message == "ready_made-08"),
    Difference("refused", lambda found: found.what == "refused by us" and found.message.startswith("refused-")),
]
