"""What the demo prints, and its account of what was untrue."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")


class Show:
    """Prints to a terminal or a file, and counts failed checks."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._untrue: list[str] = []

    def title(self, text: str) -> None:
        """What follows."""
        self._console.print(f"[bold]{text}[/bold]")

    def fact(self, text: str) -> None:
        """Something that was checked."""
        self._console.print(f"  {text}", markup=False)

    def row(self, *cells: str) -> None:
        """Figures that belong together."""
        self._console.print("  " + " · ".join(cells), markup=False)

    def check(self, true: bool, otherwise: str) -> None:
        """Note `otherwise` if something is not `true`."""
        if not true:
            self._untrue.append(otherwise)
            self._console.print(f"  NOT TRUE: {otherwise}", style="red", markup=False)

    @contextmanager
    def bar(self, label: str, total: int) -> Generator[Callable[[], None]]:
        """A progress bar; what it gives is called for each step."""
        columns = (TextColumn("  {task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(label, total=total)
            yield lambda: progress.advance(task)

    def progress(self, label: str, items: Iterable[T], total: int) -> Iterator[T]:
        """The items, with a bar that follows them."""
        with self.bar(label, total) as advance:
            for item in items:
                yield item
                advance()

    def finish(self) -> bool:
        """Say how it went; whether everything was true."""
        if self._untrue:
            self._console.print(f"{len(self._untrue)} things were not true", style="bold red")
        else:
            self._console.print("everything shown above was checked", style="bold green")
        return not self._untrue
