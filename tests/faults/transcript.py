"""Whole conversations as text: what the server says, what the client has to say, and what happens in between.

    # Everything after a sharp is a comment.
    S: 220 mx.test ESMTP                 the server says
    C: MAIL FROM:<a@example.com>*        the client has to say, in any case; `*` is anything
    C: ...                               any lines, up to the one that comes next
    C: .
    ! commit                             an action without arguments, by its name in `tests.faults.actions`
    ! delay 0.1                          or one of these with an argument

Lines of the server that follow each other are one write. Knows the text and the order; a server follows it by `play`,
and `tests.faults.replay` follows it without any server.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import attrs

from tests.faults import actions
from tests.faults.conversation import Conversation

DIRECTORY = Path(__file__).with_name("transcripts")
ANYTHING = "..."


@attrs.frozen
class Says:
    """The server says this, in one write."""

    lines: tuple[str, ...]

    @property
    def octets(self) -> bytes:
        return "".join(f"{line}\r\n" for line in self.lines).encode()


@attrs.frozen
class Hears:
    """The client has to say a line like this; `anything` allows other lines before it."""

    pattern: str
    anything: bool = False

    def fits(self, line: str) -> bool:
        # fnmatch gives [ and ? a meaning too, which lines of SMTP have a right to contain
        pattern = self.pattern.replace("[", "[[]").replace("?", "[?]")
        return fnmatchcase(line.upper(), pattern.upper())


@attrs.frozen
class Does:
    """Something happens that is not said."""

    name: str
    argument: float | None = None

    def __call__(self, conversation: Conversation) -> None:
        action = getattr(actions, self.name)
        (action if self.argument is None else action(self.argument))(conversation)


Step = Says | Hears | Does


@attrs.frozen
class Transcript:
    """One conversation, from the greeting to its end."""

    name: str
    steps: tuple[Step, ...] = attrs.field(repr=False)

    def play(self, conversation: Conversation) -> None:
        """Be the server of this conversation; the dialogue of a `FaultServer`.

        Raises:
            AssertionError: The client said something else.
        """
        for step in self.steps:
            match step:
                case Says():
                    conversation.wire.send(step.octets)
                case Hears():
                    self._hear(conversation, step)
                case Does():
                    step(conversation)
        actions.drop(conversation)

    def _hear(self, conversation: Conversation, step: Hears) -> None:
        while not step.fits(line := conversation.line()):
            assert step.anything, f"{self.name}: the client said {line!r}, not {step.pattern!r}"
            conversation.content += line.removeprefix(".").encode() + b"\r\n"


def transcript(name: str) -> Transcript:
    """The transcript in `transcripts/<name>.txt`."""
    return parse((DIRECTORY / f"{name}.txt").read_text(encoding="utf-8"), name)


def parse(text: str, name: str = "a transcript") -> Transcript:
    """A transcript from its text."""
    return Transcript(name, tuple(_steps(text)))


def _steps(text: str) -> Iterator[Step]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    anything = False
    for who, group in itertools.groupby(lines, key=lambda line: line[:2]):
        said = [line[2:].strip() for line in group]
        if who == "S:":
            yield Says(tuple(said))
            continue
        for words in said:
            match who:
                case "C:" if words == ANYTHING:
                    anything = True
                case "C:":
                    yield Hears(words, anything)
                    anything = False
                case "! ":
                    yield _does(words)
                case _:
                    raise AssertionError(f"neither S:, C: nor ! begins {who + words!r}")


def _does(words: str) -> Does:
    name, _, argument = words.partition(" ")
    return Does(name, float(argument) if argument else None)
