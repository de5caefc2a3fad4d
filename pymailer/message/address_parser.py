"""Address lists as people write them: ``"Doe, Jane" <jane@example.org>, Team: a@example.org, b@example.org;``.

Knows the grammar of RFC 5322 3.4, read strictly: what another program might read differently is refused, with the
place where. Every character is looked at a bounded number of times and nothing recurses. Knows nothing of headers:
encoded words stay the literal text that they are.
"""

from __future__ import annotations

import re
from typing import NoReturn

import attrs

from pymailer.errors import AddressError
from pymailer.message.characters import BLANKS, described, unfit_for_names
from pymailer.message.mailbox import Address, Group

MAX_COMMENT_DEPTH = 20

_STRUCTURE = re.compile(r'["():;\[\]\\]')
_TOKEN = re.compile(
    r"""(?P<blank>[ \t]++)
      | (?P<word>[^ \t"(),:;<>@\[\]\\]++)
      | (?P<quoted>"(?:[^"\\]++|\\.)*+")
      | (?P<literal>\[[^\[\]\\,;<>"]*+\])
      | (?P<sign>[(),:;<>@])""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"[^()\\]++|\\.|[()]")
_PAIR = re.compile(r"\\(.)")
_CONTEXT = 60  # characters shown on each side of a flaw


def parse_text(text: str) -> list[Address | Group]:
    """The mailboxes and groups in a comma-separated list.

    Empty places in the list (``a@b.c, , d@e.f,``) are passed over. A comment is a mailbox's name if it has no other.

    Raises:
        AddressError: A control character, or anything that is not, or not only, such a list.
    """
    if unfit := unfit_for_names(text):
        raise AddressError(f"an address contains {described(unfit[0])}{_around(text, unfit.start())}")
    if _STRUCTURE.search(text) is None:
        return [_plain(entry, text) for part in text.split(",") if (entry := part.strip(BLANKS))]
    return _Parser(text).parse()


def _plain(entry: str, text: str) -> Address:
    """One mailbox without quotes, comments, literals or group: ``a@b.c`` or ``Name <a@b.c>``."""
    if entry[-1] != ">":
        return Address("", entry)
    name, _, address = entry[:-1].partition("<")
    if "@" in name or ">" in name:
        raise AddressError(f"a name that holds '@' or '>' must be quoted{_around(text, text.index(entry))}")
    return Address(_words(name), address)


def _words(name: str) -> str:
    """Blanks between words count as one (RFC 5322 3.2.2)."""
    name = name.replace("\t", " ").strip(" ")
    return " ".join([word for word in name.split(" ") if word]) if "  " in name else name


def _around(text: str, at: int) -> str:
    start, end = max(at - _CONTEXT, 0), at + _CONTEXT
    window = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
    return f": at character {at + 1} of {window!a}"


def _unquoted(text: str) -> str:
    """The content of a quoted string or comment, its quoted pairs resolved."""
    return _PAIR.sub(r"\1", text) if "\\" in text else text


@attrs.define
class _Entry:
    """What was read since the last comma: the phrase, then perhaps an address in angle brackets."""

    start: int
    words: list[str] = attrs.Factory(list[str])  # as they read, for the name
    bare: list[str] = attrs.Factory(list[str])  # as they were written, for an address without angle brackets
    comments: list[str] = attrs.Factory(list[str])
    angle: str | None = None
    has_at: bool = False
    cut: bool = False  # a comment followed something: nothing of a bare address may follow

    @property
    def blank(self) -> bool:
        return not self.bare and self.angle is None


@attrs.define
class _Parser:
    text: str
    at: int = 0
    found: list[Address | Group] = attrs.Factory(list["Address | Group"])
    group: str | None = None
    members: list[Address] = attrs.Factory(list[Address])
    closed: bool = False  # a group has just ended: only a comma may follow
    entry: _Entry = attrs.field(factory=lambda: _Entry(0))

    def parse(self) -> list[Address | Group]:
        signs = {
            ",": self._end_mailbox,
            ":": self._begin_group,
            ";": self._end_group,
            "(": self._comment,
            "<": self._angle,
            "@": self._at_sign,
        }
        while self.at < len(self.text):
            kind, token = self._next()
            if kind != "sign":
                self._add(kind, token)
            elif token in signs:
                signs[token]()
            else:
                self._fail(f"there is a stray '{token}'", self.at - 1)
        if self.group is not None:
            self._fail("a group must end with ';'", self.entry.start)
        self._end_mailbox()
        return self.found

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            self._fail(f"there is a stray or unbalanced '{self.text[self.at]}'", self.at)
        self.at = match.end()
        return str(match.lastgroup), match[0]

    def _fail(self, flaw: str, at: int) -> NoReturn:
        raise AddressError(f"{flaw}{_around(self.text, at)}")

    # --- what stands between commas ---

    def _add(self, kind: str, token: str) -> None:
        entry = self.entry
        if kind == "literal" and not entry.has_at:
            self._fail("a name that holds brackets must be quoted", entry.start)
        if kind != "blank":
            self._check_open()
            entry.words.append(_unquoted(token[1:-1]) if kind == "quoted" else token)
        if entry.bare or kind != "blank":
            entry.bare.append(token)

    def _check_open(self) -> None:
        if self.closed:
            self._fail("a ',' is missing after a group", self.entry.start)
        if self.entry.angle is not None:
            self._fail("something follows an address in angle brackets", self.entry.start)
        if self.entry.cut and self.entry.has_at:
            self._fail("a comment stands inside an address", self.entry.start)

    def _at_sign(self) -> None:
        if self.entry.cut:
            self._fail("a comment stands inside an address", self.entry.start)
        self._add("sign", "@")
        self.entry.has_at = True

    def _comment(self) -> None:
        start, depth = self.at, 1
        while depth:
            match = _COMMENT.match(self.text, self.at)
            if match is None:
                self._fail("a comment has no end", start - 1)
            self.at = match.end()
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth > MAX_COMMENT_DEPTH:
                self._fail(f"comments are nested deeper than {MAX_COMMENT_DEPTH}", start - 1)
        self.entry.comments.append(_unquoted(self.text[start : self.at - 1]))
        self.entry.cut = bool(self.entry.bare)

    def _angle(self) -> None:
        self._check_open()
        if self.entry.has_at:
            self._fail("a name that holds '@' must be quoted", self.entry.start)
        start = self.at
        while True:
            if self.at == len(self.text):
                self._fail("a '<' has no '>'", start - 1)
            kind, found = self._next()
            if found == ">":
                break
            if kind == "sign" and found != "@":
                self._fail(f"there is a '{found}' inside angle brackets", self.at - 1)
        self.entry.angle = self.text[start : self.at - 1]

    # --- where it ends ---

    def _end_mailbox(self) -> None:
        entry = self.entry
        self.entry, self.closed = _Entry(self.at), False
        if entry.blank:
            return
        mailbox = self._mailbox(entry)
        if self.group is None:
            self.found.append(mailbox)
        else:
            self.members.append(mailbox)

    def _mailbox(self, entry: _Entry) -> Address:
        if entry.angle is not None:
            return Address(" ".join(entry.words) or " ".join(entry.comments), entry.angle)
        if not entry.has_at:
            self._fail("this has no '@', so it is no address (quote a name that holds a comma)", entry.start)
        return Address(" ".join(entry.comments), "".join(entry.bare).rstrip(BLANKS))

    def _begin_group(self) -> None:
        entry = self.entry
        self._check_open()
        if self.group is not None:
            self._fail("groups do not nest", entry.start)
        if entry.has_at or not entry.words:
            self._fail("a group needs a name before its ':', without '@' unless quoted", entry.start)
        self.group, self.entry = " ".join(entry.words), _Entry(self.at)

    def _end_group(self) -> None:
        if self.group is None:
            self._fail("addresses are separated by ',', a ';' only ends a group", self.at - 1)
        self._end_mailbox()
        self.found.append(Group(self.group, self.members))
        self.group, self.members, self.closed = None, [], True
