"""The well-known services: every fact of the reference table, every way to ask for one, and nothing by guess."""

from __future__ import annotations

import csv
import pathlib
import pickle
import runpy
import string
import subprocess
import sys

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pymailer_wellknown
from pymailer_wellknown import Service, UnknownServiceError, resolve, services
from pymailer_wellknown.keys import domain_key, name_key

ROOT = pathlib.Path(__file__).parents[2]


def reference_rows():
    with (ROOT / "tests/data/services.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def listed(cell):
    return {name.strip() for name in cell.split(",") if name.strip()}


def spellings(service):
    return (service.name, *service.aliases, *service.domains)


every_reference_row = pytest.mark.parametrize("row", reference_rows(), ids=lambda row: row["name"])
every_service = pytest.mark.parametrize("service", services(), ids=lambda service: service.name)

SPELLED = [(name, service) for service in services() for name in spellings(service)]


# --- what the table says ---------------------------------------------------------------------------------------------


def test_the_reference_table_is_the_whole_one():
    assert len(reference_rows()) == 97


@every_reference_row
def test_a_reference_row_keeps_its_server(row):
    service = resolve(row["name"])
    assert service.name == row["name"]
    assert service.host == (row["host"] or "localhost")
    assert service.port == int(row["port"] or 587)  # where Nodemailer names none, its submission default


@every_reference_row
def test_a_reference_row_keeps_its_encryption_and_is_never_weaker(row):
    service = resolve(row["name"])
    implicit = row["secure"] == "true" or row["port"] == "465"
    plain = row["ignoreTLS"] == "true"
    assert (service.secure, service.require_tls) == (implicit, not implicit and not plain)


@every_reference_row
def test_a_reference_row_keeps_its_login_and_its_names(row):
    service = resolve(row["name"])
    assert service.auth_method == (row["authMethod"] or None)
    assert listed(row["aliases"]) <= set(service.aliases)
    assert listed(row["domains"]) <= set(service.domains)
    assert row["description"] in service.description


@every_service
def test_encryption_is_required_on_the_internet(service):
    assert service.secure or service.require_tls or service.host == "localhost"


@every_service
def test_an_entry_says_what_it_is_and_where_that_is_known_from(service):
    assert service.description
    assert service.source


@every_service
def test_a_limit_names_a_page_that_can_be_read(service):
    limits = (service.max_connections, service.max_messages, service.rate_limit, service.idle_timeout)
    assert not any(limits) or "https://" in service.source
    assert (service.rate_limit is None) == (service.rate_delta is None)


@every_service
def test_a_domain_is_written_as_dns_compares_it(service):
    for domain in service.domains:
        assert domain == domain_key(domain)
        assert "." in domain
        assert set(domain) <= set(string.ascii_lowercase + string.digits + "-.")


def test_no_key_means_two_services():
    owners = {}
    for spelled, service in SPELLED:
        owners.setdefault(name_key(spelled), set()).add(service.name)
    assert {key: names for key, names in owners.items() if len(names) > 1} == {}
    assert "" not in owners


def test_the_list_is_in_alphabetical_order():
    names = [service.name.casefold() for service in services()]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("Office 365", {"max_connections": 3, "rate_limit": 30, "rate_delta": 60}),
        ("MailerSend", {"max_messages": 5}),
        ("SendGrid", {"max_messages": 5000}),
        ("SocketLabs", {"max_connections": 10, "max_messages": 50}),
        ("Mandrill", {"max_connections": 10}),
        ("Yahoo", {"max_messages": 20}),
        ("Mailtrap Sandbox", {"rate_limit": 2, "rate_delta": 1}),
        ("Gmail", {}),
    ],
)
def test_published_limits_are_in_the_entry(name, limits):
    known = attrs.asdict(resolve(name))
    limited = ("max_connections", "max_messages", "rate_limit", "rate_delta", "idle_timeout")
    assert {key: known[key] for key in limited if known[key] is not None} == limits


def test_every_region_of_ses_closes_an_idle_connection_before_amazon_does():
    regions = [service for service in services() if service.host.startswith("email-smtp.")]
    assert len(regions) == 20
    assert all(service.idle_timeout < 10 for service in regions)


@pytest.mark.parametrize(
    ("name", "words"),
    [("sendgrid", "'apikey'"), ("gmail", "app password"), ("outlook365", "December 2026"), ("postmark", "both user")],
)
def test_notes_say_which_credentials_work(name, words):
    assert words in resolve(name).notes


# --- how a service is found ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spelled", "service"), SPELLED, ids=[spelled for spelled, _ in SPELLED])
def test_every_name_alias_and_domain_finds_its_service(spelled, service):
    assert resolve(spelled) is service


@every_service
def test_an_address_in_a_domain_of_a_service_finds_it(service):
    assert all(resolve(f"me@{domain}") is service for domain in service.domains)


@pytest.mark.parametrize("domain", ["mail.ru", "hot.ee", "mail.ee", "ethereal.email", "openmailbox.org", "proton.me"])
def test_a_name_that_is_a_domain_serves_for_addresses(domain):
    assert resolve(f"me@{domain}") is resolve(domain)


@pytest.mark.parametrize("spelled", ["Office 365", "office-365", "OFFICE365", " office_365 ", "Office\u00a0365!"])
def test_case_spaces_and_punctuation_do_not_matter(spelled):
    assert resolve(spelled).name == "Outlook365"


@given(
    st.sampled_from(SPELLED),
    st.lists(st.sampled_from(" \t-_.,&!/'()"), max_size=40),
    st.booleans(),
)
def test_any_noise_between_the_letters_finds_the_same(entry, noise, upper):
    spelled, service = entry
    noisy = "".join(letter + mark for letter, mark in zip(spelled, [*noise, *[""] * len(spelled)], strict=False))
    assert resolve(noisy.upper() if upper else noisy) is service


@pytest.mark.parametrize(
    "address",
    [
        "me@GMAIL.COM",
        " me@gmail.com ",
        "a.b+tag@googlemail.com",
        "me@\uff27mail\u3002com",  # a full-width "G" and an ideographic full stop (RFC 3490 3.1)
    ],
)
def test_the_domain_of_an_address_is_compared_as_dns_does(address):
    assert resolve(address).name == "Gmail"


@pytest.mark.parametrize(
    "address",
    [
        "me@evilgmail.com",
        "me@mail.gmail.com",
        "me@gmail.com.example",
        "me@g-mail.com",
        "me@gmail com",
        "me@gmail",
        "me@gmail.com.",
        "me@gm\u0430il.com",  # a Cyrillic letter that looks like an "a"
        "me@xn--gmil-63d.com",
        "me@..",
        "me@" + "ü" * 70 + ".com",
        "Me <me@gmail.com>",
    ],
)
def test_another_domain_is_not_the_services(address):
    with pytest.raises(UnknownServiceError):
        resolve(address)


@pytest.mark.parametrize("address", ["me@evil.example@gmail.com", "me@gmail.com@evil.example", '"a@b"@gmail.com', "@@"])
def test_an_address_with_several_ats_is_not_split_by_guess(address):
    with pytest.raises(UnknownServiceError, match="exactly one '@'"):
        resolve(address)


@pytest.mark.parametrize("name", ["@gmail.com", "me@", "@", "", "   ", "---"])
def test_an_empty_name_or_half_an_address_is_refused(name):
    with pytest.raises(UnknownServiceError, match="is named by") as caught:
        resolve(name)
    assert caught.value.suggestions == ()


@pytest.mark.parametrize("value", [None, 163, b"gmail", ["gmail"], object()])
def test_what_is_not_a_string_is_a_type_error(value):
    with pytest.raises(TypeError, match=f"not by {type(value).__name__}"):
        resolve(value)


@given(st.text(max_size=80))
def test_any_text_finds_a_service_or_is_unknown(text):
    try:
        found = resolve(text)
    except UnknownServiceError:
        return
    assert found in services()


# --- what is said when nothing fits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("misspelled", "closest"),
    [("gmial", "Gmail"), ("Send Gird", "SendGrid"), ("Offise 365", "Outlook365"), ("me@gmial.com", "Gmail")],
)
def test_a_misspelled_name_brings_the_closest(misspelled, closest):
    with pytest.raises(UnknownServiceError, match=f"did you mean {closest}") as caught:
        resolve(misspelled)
    assert caught.value.suggestions[0] == closest
    assert len(caught.value.suggestions) == len(set(caught.value.suggestions)) <= 3


def test_a_name_like_no_other_brings_the_way_to_the_list():
    with pytest.raises(UnknownServiceError, match=r"services\(\) lists them all"):
        resolve("zzzzzzzz")


def test_an_unknown_service_is_a_lookup_error():
    assert issubclass(UnknownServiceError, LookupError)


def test_the_error_pickles_with_its_suggestions():
    with pytest.raises(UnknownServiceError) as caught:
        resolve("gmial")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.suggestions) == (str(caught.value), ("Gmail",))


@pytest.mark.parametrize("misplaced", ["smtp://me:hunter2@mail.example", "smtp://me:hunter2@b@mail.example"])
def test_a_misplaced_url_does_not_show_its_password(misplaced):
    with pytest.raises(UnknownServiceError) as caught:
        resolve(misplaced)
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("name", ["x" * 1_000_000, "me@" + "x" * 1_000_000, "me@" + "ü" * 1_000_000])
def test_a_very_long_name_is_refused_in_few_words(name):
    with pytest.raises(UnknownServiceError) as caught:
        resolve(name)
    assert len(str(caught.value)) < 200


# --- the package -----------------------------------------------------------------------------------------------------


def test_a_service_has_the_attributes_of_the_contract():
    assert [field.name for field in attrs.fields(Service)] == [
        *("name", "host", "port", "secure", "require_tls", "auth_method", "aliases", "domains", "description"),
        *("max_connections", "max_messages", "rate_limit", "rate_delta", "idle_timeout", "notes", "source"),
    ]


def test_a_service_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        resolve("gmail").host = "evil.example"


@every_service
def test_a_service_is_a_value(service):
    assert pickle.loads(pickle.dumps(service)) == service
    assert isinstance(hash(service), int)


def test_an_entry_of_ones_own_requires_encryption_unless_it_says_otherwise():
    own = Service(name="Own", host="mail.example", port=587, aliases=["Mine"])
    assert own.require_tls
    assert own.aliases == ("Mine",)
    assert not attrs.evolve(own, require_tls=False).require_tls


@pytest.mark.parametrize("wrong", [{"port": 0}, {"port": 65536}, {"max_messages": 0}, {"idle_timeout": -1}])
def test_an_impossible_entry_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Service(**{"name": "Own", "host": "mail.example", "port": 25} | wrong)


def test_the_list_is_the_same_at_every_call():
    assert services() is services()
    assert isinstance(services(), tuple)


def test_the_package_stands_alone_and_reads_its_table_only_when_asked():
    script = (
        "import sys, pymailer_wellknown as w\n"
        "from pymailer_wellknown import table\n"
        "assert not table._read.cache_info().currsize\n"
        "heavy = {'asyncio', 'ssl', 'socket', 'email', 'pymailer', 'dns', 'importlib.resources'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "w.resolve('gmail')\n"
        "assert 'pymailer' not in sys.modules\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert run.returncode == 0, run.stderr


def test_the_package_names_what_it_offers():
    assert pymailer_wellknown.__all__ == ["Service", "UnknownServiceError", "resolve", "services"]


def test_the_page_of_services_is_up_to_date():
    generator = runpy.run_path(str(ROOT / "docs/generate_services.py"))
    assert generator["PAGE"].read_text(encoding="utf-8") == generator["page"]()
