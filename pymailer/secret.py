"""A value that does not show itself: not in a `repr`, a log, a pickle, nor among the locals of a traceback.

Holding the value in an object is what keeps it out of tracebacks: whoever needs it calls `reveal` in the very
expression that uses it, and never gives it a name.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Generic, NoReturn, TypeVar, cast

__all__ = ["Secret", "sealed"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Secret(Generic[T_co]):
    """A value in an envelope; equal to another one with the same content."""

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value: T_co = value

    def reveal(self) -> T_co:
        """The value itself, to be used on the spot."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(_octets(self), _octets(cast("Secret[object]", other)))

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret[T_co]:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret[T_co]:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not pickle: make the credentials in the process that uses them")


def _octets(secret: Secret[object]) -> bytes:
    value = secret.reveal()
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def sealed(value: T | Secret[T] | None) -> Secret[T] | None:
    """The value as a secret, whether it is one yet or not; ``None`` stays."""
    if value is None:
        return None
    return cast("Secret[T]", value) if isinstance(value, Secret) else Secret(value)
