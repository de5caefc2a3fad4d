"""Addresses as a message holds them: from every form that a user may write, to one list for header and envelope alike.

Knows which Python values stand for addresses; the grammar is `address_parser`'s, the checks are `mailbox`'s, and how
they are written into a header is `address_fields`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pymailer.errors import AddressError
from pymailer.message.addr_spec import normalised
from pymailer.message.address_fields import format_addresses
from pymailer.message.address_parser import parse_text
from pymailer.message.characters import shown
from pymailer.message.keys import Keys
from pymailer.message.mailbox import Address, Group

__all__ = ["Address", "Group", "envelope_path", "format_addresses", "mailboxes", "parse_addresses", "unique"]

_KEYS = Keys.of("key of an address", ("name", "address"))

MAX_NESTING = 10
"""How deep iterables of addresses may lie in one another; a list that contains itself ends here."""


def parse_addresses(value: object) -> list[Address | Group]:
    """The addresses that `value` stands for, in order.

    Args:
        value: ``"a@b.c"``, ``"Name <a@b.c>"``, a comma-separated list of those, a group, an `Address` or `Group` (ours
            or the standard library's), a mapping ``{"name", "address"}``, an iterable of any of these, or ``None``.

    Raises:
        AddressError: What was given is none of these, or is malformed, or has more than one reading.
    """
    return [] if value is None else _parsed(value, 0)


def _parsed(value: object, depth: int) -> list[Address | Group]:
    if isinstance(value, str):
        return parse_text(value)
    items = _members(value)
    if items is None:
        return [_read_one(value)]
    if depth == MAX_NESTING:
        raise AddressError(f"lists of addresses are nested deeper than {MAX_NESTING}")
    found: list[Address | Group] = []
    for item in items:
        found += _parsed(item, depth + 1)
    return found


def _members(item: object) -> Iterable[object] | None:
    """What is in `item` if it is a list of addresses, rather than one or an impossible one."""
    if isinstance(item, (list, tuple)):  # nearly always, and asked sooner than what is abstract
        return cast("Iterable[object]", item)
    if isinstance(item, (Address, Group, bytes, bytearray, Mapping)) or not isinstance(item, Iterable):
        return None
    return cast("Iterable[object]", item)


def _read_one(item: object) -> Address | Group:
    if isinstance(item, (Address, Group)):
        return item
    if isinstance(item, Mapping):
        return _from_mapping(cast("Mapping[object, object]", item))
    return _from_standard_library(item)


def _from_mapping(item: Mapping[object, object]) -> Address:
    given = _KEYS.read(item)
    if not given.get("address"):
        raise AddressError(f"this mapping has no 'address': {shown(given)}")
    return Address(given.get("name"), given["address"])


def _from_standard_library(item: Any) -> Address | Group:
    """What `email.headerregistry` calls an `Address` or a `Group`, recognised by its attributes."""
    name = getattr(item, "display_name", None)
    if hasattr(item, "addr_spec"):
        return Address(name, item.addr_spec)
    if name and hasattr(item, "addresses"):
        return Group(name, [Address(each.display_name, each.addr_spec) for each in item.addresses])
    raise AddressError(f"an address is text, an Address, a mapping or a list of these, not {type(item).__name__}")


def mailboxes(parsed: Iterable[Address | Group]) -> list[Address]:
    """Every mailbox, those in groups included, in order."""
    found: list[Address] = []
    for item in parsed:
        if isinstance(item, Address):
            found.append(item)
        else:
            found.extend(item.members)
    return found


def unique(addresses: Iterable[Address]) -> list[Address]:
    """Without later repetitions of an address. Domains are compared without case, local parts exactly."""
    first: dict[str, Address] = {}
    for address in addresses:
        first.setdefault(address.address, address)
    return list(first.values())


def envelope_path(address: object, *, recipient: bool = False) -> str:
    """One envelope address, checked and with its domain in wire form. The null sender is the caller's business.

    Args:
        address: Text that is one bare address, or an `Address`.
        recipient: Whether it is a forward path, which ``postmaster`` may be (RFC 5321 4.1.1.3).

    Raises:
        AddressError: It is not exactly one bare address.
    """
    if isinstance(address, Address):
        return address.address
    if not isinstance(address, str):
        raise AddressError(f"an envelope address is text, not {type(address).__name__}")
    if recipient and address.lower() == "postmaster":
        return address
    return normalised(address)
