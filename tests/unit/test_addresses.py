"""How addresses are read from what a user gives, and written so that every reader finds the same ones."""

from __future__ import annotations

import email.headerregistry
import inspect
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import AddressError, MessageError
from pymailer.message.address_parser import _Parser, parse_text
from pymailer.message.addresses import (
    Address,
    Group,
    envelope_path,
    format_addresses,
    mailboxes,
    parse_addresses,
    unique,
)
from pymailer.message.headers import render
from tests.unit.reading import decoded, unfolded

ADA = Address("Ada", "ada@example.com")
BOB = Address("", "bob@example.com")

# --- what may be given -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("bob@example.com", [BOB]),
        ("  bob@example.com\t", [BOB]),
        ("Ada <ada@example.com>", [ADA]),
        ("Ada<ada@example.com>", [ADA]),
        ('"Ada" <ada@example.com>', [ADA]),
        ("<bob@example.com>", [BOB]),
        ("ada@example.com (Ada)", [ADA]),
        ("Ada <ada@example.com>, bob@example.com", [ADA, BOB]),
        ("bob@example.com,, ,", [BOB]),
        ("", []),
        (None, []),
        ([], []),
        (ADA, [ADA]),
        ({"name": "Ada", "address": "ada@example.com"}, [ADA]),
        ({"address": "bob@example.com"}, [BOB]),
        ({"name": None, "address": "bob@example.com"}, [BOB]),
        ([ADA, "bob@example.com", [{"address": "bob@example.com"}]], [ADA, BOB, BOB]),
        (("Ada <ada@example.com>, bob@example.com",), [ADA, BOB]),
        (iter(["bob@example.com"]), [BOB]),
        ("Team: Ada <ada@example.com>, bob@example.com;", [Group("Team", [ADA, BOB])]),
        ("Team: bob@example.com;, bob@example.com", [Group("Team", [BOB]), BOB]),
        (Group("Team", [BOB]), [Group("Team", [BOB])]),
        (email.headerregistry.Address("Ada", "ada", "example.com"), [ADA]),
        (email.headerregistry.Group("Team", (email.headerregistry.Address("", "bob", "example.com"),)), None),
    ],
)
def test_every_form_is_read(given_value, expected) -> None:
    assert parse_addresses(given_value) == ([Group("Team", [BOB])] if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada Lovelace <a@b.c>", "Ada Lovelace"),
        ("Ada   \t Lovelace <a@b.c>", "Ada Lovelace"),
        ("J. Doe <a@b.c>", "J. Doe"),
        ("O'Brien <a@b.c>", "O'Brien"),
        ("Jõgeva <a@b.c>", "Jõgeva"),
        ('"Doe, Jane" <a@b.c>', "Doe, Jane"),
        ('"Jane \\"JD\\" Doe" <a@b.c>', 'Jane "JD" Doe'),
        ('"C:\\\\dir" <a@b.c>', "C:\\dir"),
        ('Jane "JD" Doe <a@b.c>', "Jane JD Doe"),
        ('"  two  blanks " <a@b.c>', "  two  blanks "),
        ('"a\tb" <a@b.c>', "a b"),
        ("(Ada (Countess)) a@b.c", "Ada (Countess)"),
        ("Ada <a@b.c> (Countess)", "Ada"),
        ("Ada (Countess) Lovelace <a@b.c>", "Ada Lovelace"),
        ("=?utf-8?q?x?= <a@b.c>", "=?utf-8?q?x?="),
        ('"a@b.c" <a@b.c>', "a@b.c"),
        ('"<x@y.z>" <a@b.c>', "<x@y.z>"),
    ],
)
def test_the_display_name_is_what_a_reader_sees(text, name) -> None:
    assert parse_addresses(text) == [Address(name, "a@b.c")]


@pytest.mark.parametrize(
    "address",
    [
        *("a@b", "a.b+c@d-e.f", "!#$%&'*+/=?^_`{|}~-@b.c", '"a b"@b.c', '"a@b"@b.c', '"a\\"b"@b.c', '"a\\\\b"@b.c'),
        *("a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "ü@b.c", "用户@b.c", f"{'a' * 64}@b.c", f"a@{'b' * 63}.c"),
        *("prvs=1234=ada@b.c", "evil.example!user@b.c"),
    ],
)
def test_an_address_keeps_its_local_part_as_it_is(address) -> None:
    assert [found.address for found in mailboxes(parse_addresses(f"<{address}>"))] == [address]
    assert Address("", address).address == address
    assert envelope_path(address) == address


@pytest.mark.parametrize(
    ("given_address", "expected"),
    [
        ("A.B@EXAMPLE.Com", "A.B@example.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@faß.example", "a@xn--fa-hia.example"),
        ("a@例え。テスト", "a@xn--r8jz45g.xn--zckzah"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@[ipv6:2001:DB8:0:0:0:0:0:1]", "a@[IPv6:2001:db8::1]"),
        ("ü@bücher.example", "ü@xn--bcher-kva.example"),
    ],
)
def test_a_domain_has_one_form(given_address, expected) -> None:
    assert Address("", given_address).address == expected
    assert [each.address for each in mailboxes(parse_addresses(given_address))] == [expected]
    assert envelope_path(given_address) == expected


# --- what is refused -------------------------------------------------------------------------------------------------

REFUSED = [
    *("a", "a@", "@b.c", "a@b@c", "a b@c.d", "a@b c", "a @b.c", "a@ b.c", ".a@b.c", "a.@b.c", "a..b@c.d"),
    *(
        "a@b..c",
        "a@.b",
        "a@b.",
        "a@-b.c",
        "a@b-.c",
        "a@b_c.d",
        "a@b,c",
        "<a@b.c",
        "a@b.c>",
        "<<a@b.c>>",
        "<>",
        "Ada <>",
    ),
    *('""@b.c', '"a@b.c', '"a"b@c.d', 'a"b"@c.d', "a(x)@b.c", "a@(x)b.c", "a@b.c(x", "a@b.c)", "a@b.c (x) d@e.f"),
    *("a@[1.2.3]", "a@[1.2.3.4", "a@1.2.3.4]", "a@[::1]", "a@[IPv6:fe80::1%eth0]", "a@[tag:x]", "a@[IPv6:zz]"),
    *(
        "Ada, Countess <a@b.c>",
        "Ada [x] <a@b.c>",
        "Ada; <a@b.c>",
        "a@b.c; d@e.f",
        "a@b.c;",
        "a\\b@c.d",
        "Ada \\ <a@b.c>",
    ),
    *("Team: a@b.c", "Team: a@b.c; d@e.f", ": a@b.c;", "A: B: a@b.c;;", "a@b.c: d@e.f;", "<a@b.c>: d@e.f;", "A:;;"),
    *("<a@b.c> Ada", "Ada <a@b.c> <d@e.f>", "a@b.c <d@e.f>", "<a@b.c> d@e.f", "<@x,@y:a@b.c>", "<a@b.c, d@e.f>"),
    *("=?x?q?=41?=@b.c", f"{'a' * 65}@b.c", f"{'ü' * 33}@b.c", f"a@{'b' * 64}.c", f"a@{'b.' * 127}cc", "<(x)a@b.c>"),
    *("a\xa0b@c.d", "a\u200bb@c.d", "a\u202eb@c.d", "a\ufeff@c.d", "a@b\u200d.c", "a@b\u2025c", "a@\u2028b.c"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_an_address_that_is_not_exactly_one_is_refused(text) -> None:
    with pytest.raises(AddressError):
        parse_addresses(text)
    with pytest.raises(AddressError):
        Address("", text)
    with pytest.raises(AddressError):
        envelope_path(text)


@pytest.mark.parametrize("text", ["Ada <a@b.c>", "<a@b.c>", " a@b.c", "a@b.c ", "a@b.c (x)", "a@b.c,", "Team: a@b.c;"])
def test_one_bare_address_is_only_that(text) -> None:
    with pytest.raises(AddressError):
        Address("", text)
    with pytest.raises(AddressError):
        envelope_path(text)


@pytest.mark.parametrize("char", [*map(chr, range(32)), "\x7f", "\x80", "\x85", "\x9f", "\u2028", "\u2029", "\ud800"])
def test_control_characters_are_refused_everywhere(char) -> None:
    for text in (f"a{char}b@c.d", f'"a{char}b"@c.d', f"a@b{char}c.d"):
        with pytest.raises(AddressError):
            parse_addresses(text)
    if char != "\t":  # a blank like any other
        for text in (f"x{char}y <a@b.c>", f'"x{char}y" <a@b.c>', f"a@b.c (x{char}y)", f"x{char}y: a@b.c;"):
            with pytest.raises(AddressError):
                parse_addresses(text)
        with pytest.raises(AddressError):
            Address(f"x{char}y", "a@b.c")


@pytest.mark.parametrize(
    "value",
    [
        *(1, b"a@b.c", object(), [None], [1], [b"a@b.c"], ["a@b.c", ["d"]], {"name": "x"}, {"address": ""}, {}),
        *({"address": 1}, {"address": "a@b.c", "name": 1}, {"address": "a@b.c, d@e.f"}, {"address": "Ada <a@b.c>"}),
        *({"address": "a@b.c", "group": []}, ("Ada", "a@b.c")),
    ],
)
def test_what_is_no_address_is_refused(value) -> None:
    with pytest.raises(MessageError):
        parse_addresses(value)


def test_an_unknown_key_is_named_with_the_closest_known_one() -> None:
    with pytest.raises(MessageError, match="did you mean 'address'"):
        parse_addresses({"adress": "a@b.c"})


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(AddressError, match="nested"):
        parse_addresses(endless)


def test_a_group_needs_a_name_and_holds_only_addresses() -> None:
    with pytest.raises(AddressError):
        Group("", [BOB])
    with pytest.raises(AddressError):
        Group("x", ["a@b.c"])


def test_an_error_does_not_grow_with_the_input() -> None:
    with pytest.raises(AddressError) as caught:
        parse_addresses("x" * 100_000)
    assert len(str(caught.value)) < 300


def test_an_error_cannot_forge_a_line_of_a_log() -> None:
    with pytest.raises(AddressError) as caught:
        parse_addresses("a@b.c\r\nlevel=INFO all is well\x1b[0m\u2028")
    assert str(caught.value).isprintable()
    assert str(caught.value).isascii()


# --- lists -----------------------------------------------------------------------------------------------------------


def test_members_of_groups_are_mailboxes_too() -> None:
    assert mailboxes([ADA, Group("Team", [BOB]), Group("none", [])]) == [ADA, BOB]


def test_repetitions_are_found_by_domain_without_case_and_local_part_with_it() -> None:
    found = mailboxes(parse_addresses("B@x.y, Ada <b@x.y>, b@X.Y, Bob <b@bücher.example>, b@xn--bcher-kva.example"))
    assert unique(found) == [Address("", "B@x.y"), Address("Ada", "b@x.y"), Address("Bob", "b@bücher.example")]


def test_smtputf8_is_needed_by_the_local_part_alone() -> None:
    assert Address("Jürgen", "ü@example.com").needs_smtputf8
    assert not Address("Jürgen", "u@bücher.example").needs_smtputf8


def test_the_parts_of_an_address() -> None:
    address = Address("", '"a@b"@bücher.example')
    assert (address.local, address.domain) == ('"a@b"', "xn--bcher-kva.example")


def test_a_generator_is_read_once_and_in_order() -> None:
    def generate() -> Iterator[str]:
        yield "a@b.c"
        yield "d@e.f"

    assert [each.address for each in mailboxes(parse_addresses(generate()))] == ["a@b.c", "d@e.f"]


@pytest.mark.parametrize(
    "unit", ["a@b.example,", "Ada <a@b.example>,", '"A" <a@b.example>,', "T:a@b.example;,", "(x)a@b.example,"]
)
def test_time_grows_with_the_list_and_no_faster(unit) -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        parse_addresses(unit * times)
        return time.process_time() - began

    short, long = (min(seconds(times) for _ in range(3)) for times in (4_000, 16_000))
    assert long < 12 * max(short, 0.005)  # four times as long, not sixteen


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bob@example.com", "bob@example.com"),
        (ADA, "Ada <ada@example.com>"),
        (Address("J. Doe", "a@x.y"), '"J. Doe" <a@x.y>'),
        (Address("O'Brien, Jr", "a@x.y"), '"O\'Brien, Jr" <a@x.y>'),
        (Address('A "q" \\ B', "a@x.y"), '"A \\"q\\" \\\\ B" <a@x.y>'),
        (Address("Jõgeva", "safe@jõgeva.ee"), "=?UTF-8?Q?J=C3=B5geva?= <safe@xn--jgeva-dua.ee>"),
        ("Grp: a@x.y, B <b@x.y>; , c@x.y", "Grp: a@x.y, B <b@x.y>;, c@x.y"),
        ('"a b"@x.y, "u@evil.com"@good.com, {x}@y.z', '<"a b"@x.y>, <"u@evil.com"@good.com>, {x}@y.z'),
        ("user@[IPv6:2001:db8::1]", "<user@[IPv6:2001:db8::1]>"),
        ("undisclosed-recipients:;", "undisclosed-recipients:;"),
    ],
)
def test_a_list_is_written_like_this(value, expected) -> None:
    assert format_addresses(parse_addresses(value)) == expected


def test_a_long_list_is_folded_after_its_commas() -> None:
    field = render(
        "To", format_addresses(parse_addresses([Address("Doe, J", f"user{n}@example.com") for n in range(9)]))
    )
    lines = field[:-2].split(b"\r\n")
    assert len(lines) > 3
    assert all(line.endswith(b",") for line in lines[:-1])
    assert all(len(line) <= 76 for line in lines)


NAMES = (
    st.text(max_size=100).filter(lambda name: name.isprintable())
    | st.text('ab ü€😀"\\,<>@();:.=?_', max_size=100)
    | st.lists(st.sampled_from(["=?utf-8?q?x?=", "word", "  ", "ü", " ", "x" * 40]), max_size=12).map("".join)
)
LOCALS = st.sampled_from(["a", "a.b", '"a b"', '"a@b,c"', '"a\\"b"', "ü", "x" * 64, "o'brien", "a+b"])
DOMAINS = st.sampled_from(["b.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "bücher.example", "x"])
ADDRESSES = st.builds(lambda name, local, domain: Address(name, f"{local}@{domain}"), NAMES, LOCALS, DOMAINS)
GROUPS = st.builds(Group, NAMES.filter(bool), st.lists(ADDRESSES, max_size=3))
ITEMS = st.lists(ADDRESSES | GROUPS, min_size=1, max_size=5)


@given(ITEMS)
@settings(max_examples=150, deadline=None)
def test_what_is_shown_to_people_is_read_back(items) -> None:
    assert parse_addresses(", ".join(map(str, items))) == items


@given(ITEMS)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back_by_our_own_reader(items) -> None:
    found = parse_addresses(unfolded(render("To", format_addresses(items))))
    assert [_decoded(item) for item in found] == items


def _decoded(item: Address | Group) -> Address | Group:
    if isinstance(item, Address):
        return Address(decoded(item.name), item.address)
    return Group(decoded(item.name), [_decoded(member) for member in item.members])


@given(ITEMS)
@settings(max_examples=150, deadline=None)
def test_the_standard_library_finds_the_same_mailboxes(items) -> None:
    header = message_from_bytes(render("To", format_addresses(items)) + b"\r\n", policy=policy.default)["to"]
    assert not [defect for group in header.groups for defect in getattr(group, "defects", ())]
    found = [(_blankless(each.display_name), _utf8(each.addr_spec)) for each in header.addresses]
    assert found == [(_blankless(each.name), each.address) for each in mailboxes(items)]


def _blankless(name: str) -> str:
    """The standard library folds blanks in names into one, and (cpython gh-92081) adds one between encoded words."""
    return name.replace(" ", "")


def _utf8(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8")


LENIENT = {"strict": False} if "strict" in inspect.signature(getaddresses).parameters else {}
"""The strict reader of newer Pythons (CVE-2023-27043) knows no address literals."""


@given(ITEMS)
@settings(max_examples=100, deadline=None)
def test_the_old_reader_of_the_standard_library_finds_them_too(items) -> None:
    text = unfolded(render("To", format_addresses(items)))
    found = [address for _, address in getaddresses([text], **LENIENT) if address]
    assert found == [each.address for each in mailboxes(items)]


PIECES = [
    "a",
    "@",
    "b.c",
    " ",
    ",",
    "<",
    ">",
    '"',
    "\\",
    "(",
    ")",
    "[",
    "]",
    ":",
    ";",
    ".",
    "a@b.c",
    "ü",
    "=?x?q?y?=",
    "\t",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=30))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_and_what_is_read_is_read_again(text) -> None:
    try:
        found = parse_addresses(text)
    except AddressError:
        return
    assert parse_addresses(", ".join(map(str, found))) == found


@given(st.lists(st.sampled_from([piece for piece in PIECES if piece not in '"()[]:;\\']), max_size=14).map("".join))
@settings(max_examples=300, deadline=None)
def test_the_quick_way_for_plain_lists_decides_as_the_full_one(text) -> None:
    def outcome(read) -> object:
        try:
            return read()
        except AddressError:
            return "refused"

    assert outcome(lambda: parse_text(text)) == outcome(lambda: _Parser(text).parse())
