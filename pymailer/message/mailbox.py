"""The values: one address with its display name, and a named group of them.

Knows how each is checked when it is made, so that none exists that is not fit to send; nothing of text to parse or
headers to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from pymailer.errors import AddressError
from pymailer.message.addr_spec import normalised
from pymailer.message.characters import described, shown, unfit_for_names

_PLAIN = re.compile(r"[A-Za-z0-9_-]++(?: [A-Za-z0-9_-]++)*+")


def _display_name(name: str | None) -> str:
    if name is None:
        return ""
    if not isinstance(name, str):
        raise AddressError(f"a display name is text, not {type(name).__name__}")
    if unfit := unfit_for_names(name):
        raise AddressError(f"the display name {shown(name)} contains {described(unfit[0])}")
    return name.replace("\t", " ")  # a parser may read either where a blank stands


def _address(address: str) -> str:
    if not isinstance(address, str):
        raise AddressError(f"an address is text, not {type(address).__name__}")
    return normalised(address)


@attrs.frozen
class Address:
    """One mailbox (RFC 5322 3.4): whom a message is from or to.

    Attributes:
        name: The display name as a reader sees it; ``""`` for none.
        address: ``local@domain``. The domain is kept as it goes on the wire, in lower case and with A-labels
            (``user@bücher.example`` becomes ``user@xn--bcher-kva.example``); the local part as given.

    Raises:
        AddressError: A control character in either, or an address that is malformed or has more than one reading.
    """

    name: str = attrs.field(converter=_display_name)
    address: str = attrs.field(converter=_address)

    @property
    def local(self) -> str:
        """What stands before the ``@``, with its quotes if it has any."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What stands after the ``@``: A-labels in lower case, or an address literal."""
        return self.address.rpartition("@")[2]

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) can be told this address."""
        return not self.address.isascii()

    def __str__(self) -> str:
        """As a person would write it; `parse_addresses` reads it back."""
        return f"{quoted(self.name)} <{self.address}>" if self.name else self.address


def _group_name(name: str) -> str:
    if not name:
        raise AddressError("a group needs a name")
    return _display_name(name)


def _members(members: Iterable[Address]) -> tuple[Address, ...]:
    result = tuple(members)
    for member in result:
        if not isinstance(member, Address):
            raise AddressError(f"a member of a group is an Address, not {type(member).__name__}")
    return result


@attrs.frozen
class Group:
    """A named list of mailboxes (RFC 5322 3.4); it may be empty, as in ``undisclosed-recipients:;``.

    Attributes:
        name: The name as a reader sees it.
        members: The mailboxes. Groups do not nest.
    """

    name: str = attrs.field(converter=_group_name)
    members: tuple[Address, ...] = attrs.field(converter=_members)

    def __str__(self) -> str:
        """As a person would write it; `parse_addresses` reads it back."""
        return f"{quoted(self.name)}:{','.join(f' {member}' for member in self.members)};"


def quoted(name: str) -> str:
    """`name` as a quoted string (RFC 5322 3.2.4), or bare where it is plain words."""
    if _PLAIN.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
