"""The keys of a mapping that stands for a value: both spellings of each, and a refusal of all others.

Knows how names are spelled; no field by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from pymailer.errors import MessageError
from pymailer.names import unknown


def camel_case(name: str) -> str:
    """``reply_to`` → ``replyTo``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@attrs.frozen
class Keys:
    """What a closed mapping may hold.

    Attributes:
        what: What such a key is called in an error, such as ``"message field"``.
        spellings: Every accepted spelling, and the name it stands for.
    """

    what: str
    spellings: Mapping[str, str]

    @classmethod
    def of(cls, what: str, names: Iterable[str], aliases: Mapping[str, str] | None = None) -> Keys:
        """Accept `names` in snake_case and camelCase, and `aliases` for what else they are called."""
        spellings = {spelling: name for name in names for spelling in (name, camel_case(name))}
        return cls(what, spellings | dict(aliases or {}))

    def read(self, mapping: Mapping[Any, Any]) -> dict[str, Any]:
        """The values of `mapping` under their own names.

        Raises:
            MessageError: A key that is not known (with the closest known one), or one name in two spellings.
        """
        try:
            result = {self.spellings[key]: value for key, value in mapping.items()}
        except (KeyError, TypeError):
            stranger = next(key for key in mapping if not isinstance(key, str) or key not in self.spellings)
            raise MessageError(unknown(self.what, stranger, sorted(self.spellings))) from None
        if len(result) != len(mapping):
            self._refuse_twins(mapping)
        return result

    def _refuse_twins(self, mapping: Mapping[str, Any]) -> None:
        first: dict[str, str] = {}
        for key in mapping:
            twin = first.setdefault(self.spellings[key], key)
            if twin != key:
                raise MessageError(f"{twin!r} and {key!r} are the same {self.what}: give one of them")
