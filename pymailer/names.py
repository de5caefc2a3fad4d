"""Spelling: camelCase to snake_case, and the name that somebody probably meant.

Pure functions over strings; knows no option and no field.
"""

from __future__ import annotations

from collections.abc import Iterable


def snake_case(name: str) -> str:
    """``replyTo`` → ``reply_to``; an acronym counts as one word (``ignoreTLS`` → ``ignore_tls``)."""
    words: list[str] = []
    previous = "_"
    for index, char in enumerate(name):
        following = name[index + 1 : index + 2]
        starts_word = char.isupper() and previous != "_" and (not previous.isupper() or following.islower())
        words.append(f"_{char.lower()}" if starts_word else char.lower())
        previous = char
    return "".join(words)


def closest(name: str, known: Iterable[str], similarity: float = 0.6) -> str | None:
    """The known name that `name` is probably a misspelling of, or ``None``.

    Args:
        name: In either spelling.
        known: In snake_case.
        similarity: How like it that one must be, from 0 to 1.
    """
    from difflib import get_close_matches  # only a mistake pays for this import

    matches = get_close_matches(snake_case(name), list(known), n=1, cutoff=similarity)
    return matches[0] if matches else None


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """The sentence for an unknown name: ``unknown option 'prot': did you mean 'port'?``."""
    guess = closest(name, known) if isinstance(name, str) else None
    return f"unknown {what} {name!r}" + (f": did you mean {guess!r}?" if guess else "")
