"""A page of plain text that is being written: lines with margins, gaps between paragraphs, white space as in HTML.

Knows layout; nothing of the tags that ask for it.
"""

from __future__ import annotations

import attrs


@attrs.define(eq=False)
class Page:
    """Text is added to a line, which ends when something asks for it.

    Attributes:
        verbatim: Whether white space is kept as it comes.
    """

    verbatim: bool = False
    _lines: list[str] = attrs.field(factory=list[str])
    _line: str = ""
    _margins: list[str] = attrs.field(factory=list[str])
    _bullet: str = ""
    _gap: int | None = None  # how far in the empty line is that is due before the next one
    _ended: int = 0

    @property
    def position(self) -> int:
        """Where the next text will be."""
        return self._ended + len(self._line)

    def since(self, position: int) -> str:
        """What was added to the present line since `position`."""
        return self._line[max(position - self._ended, 0) :]

    def add(self, text: str) -> None:
        """Go on with the present line."""
        if self.verbatim:
            first, *others = text.split("\n")
            self._line += first
            for line in others:
                self.next_line()
                self._line = line
            return
        if text[:1].isspace() and self._line and not self._line.endswith(" "):
            self._line += " "
        words = text.split()
        self._line += " ".join(words)
        if words and text[-1:].isspace():
            self._line += " "

    def cell(self) -> None:
        """Set what follows off from what is on the present line."""
        if self._line.strip():
            self._line = f"{self._line.rstrip()}  "

    def end_line(self) -> None:
        """What follows begins a new line; an empty one does not count."""
        line = self._line.rstrip() if self.verbatim else self._line.strip()
        self._ended += len(self._line)
        self._line = ""
        if not line:
            return
        if self._gap is not None and self._lines:
            self._lines.append("".join(self._margins[: self._gap]).rstrip())
        margins = [*self._margins[:-1], self._bullet] if self._bullet else self._margins
        self._lines.append(("".join(margins) + line).rstrip())
        self._bullet, self._gap = "", None

    def next_line(self) -> None:
        """As `end_line`, but an empty line counts."""
        if self._line.strip():
            self.end_line()
        else:
            self._line = ""
            self._gap = len(self._margins)

    def paragraph(self) -> None:
        """What follows begins after an empty line."""
        self.end_line()
        if self._gap is None:
            self._gap = len(self._margins)

    def indent(self, margin: str) -> None:
        """Let each line from here on begin with `margin`."""
        self._margins.append(margin)

    def bullet(self, bullet: str) -> None:
        """Let the next line begin with `bullet`, and those after it as far in."""
        self.end_line()
        self._bullet = bullet
        self._margins.append(" " * len(bullet))

    def outdent(self, margin: str) -> None:
        """Take the innermost margin away, if it is `margin`."""
        if self._margins and self._margins[-1] == margin:
            self._margins.pop()
            self._bullet = ""
            if self._gap is not None:
                self._gap = min(self._gap, len(self._margins))

    def text(self) -> str:
        """The whole page, with a line end at its end unless it is empty."""
        self.end_line()
        return "".join(f"{line}\n" for line in self._lines)
