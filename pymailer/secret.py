"""A value that does not show itself: not in a `repr`, a log, a pickle, nor among the locals of a traceback.

Holding the value in an object is what keeps it out of tracebacks: whoever needs it calls `reveal` in the very
expression that uses it, and never gives it a name.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Generic, NoReturn, TypeVar

__all__ = ["Secret"]

T = TypeVar("T", str, bytes)


class Secret(Generic[T]):
    """A `str` or `bytes` in an envelope; equal to another with the same content."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value: T = value

    def reveal(self) -> T:
        """The value itself; use it where it is revealed."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._octets(), other._octets())

    def __hash__(self) -> int:
        return hash(self._value)

    def _octets(self) -> bytes:
        return self._value.encode("utf-8", "surrogatepass") if isinstance(self._value, str) else self._value

    def __copy__(self) -> Secret[T]:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret[T]:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not pickle: give the credentials to the process that uses them")
