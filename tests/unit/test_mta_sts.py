"""MTA-STS: records and policies as RFC 8461 writes them, and how long a promise is remembered."""

from __future__ import annotations

import pytest

from pymailer.errors import DNSError, MessageError
from pymailer.runtime import run
from pymailer.runtime.blocking import BlockingRuntime
from pymailer.transports import mta_sts
from pymailer.transports.mta_sts import MAX_AGE, Policies, Policy, fetch_policy, parse_policy, parse_record

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


# --- what is published -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["something else", "v=STSv1; id=1; more=x;"], "1"),
        ([], None),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
        (["v=STSv1;"], None),
        (["v=STSv1; id=a-b;"], None),
        ([f"v=STSv1; id={'a' * 33};"], None),
        (["v=STSv10; id=1;"], None),
    ],
)
def test_a_record_has_one_id(texts, name) -> None:
    assert parse_record(texts) == name


def test_a_policy_names_its_hosts_and_how_long_it_holds() -> None:
    assert parse_policy(POLICY) == Policy("enforce", ("mail.example.com", "*.example.net"), 604_800)
    assert parse_policy(POLICY.replace(b"\r\n", b"\n")) == parse_policy(POLICY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        POLICY.replace(b"STSv1", b"STSv2"),
        POLICY.replace(b"enforce", b"maybe"),
        POLICY.replace(b"604800", b"-1"),
        b"version: STSv1\nmode: enforce\nmax_age: 1\n",
        b"\xff\xfe",
    ],
)
def test_what_is_no_policy_is_none(content) -> None:
    with pytest.raises(ValueError):
        parse_policy(content)


def test_a_policy_holds_a_year_at_most() -> None:
    assert parse_policy(POLICY.replace(b"604800", b"9" * 5000)).max_age == MAX_AGE


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.example.com.", True),
        ("mx.example.net", True),
        ("a.mx.example.net", False),
        ("example.net", False),
        ("mail.example.org", False),
    ],
)
def test_a_star_stands_for_one_label(host, allowed) -> None:
    assert parse_policy(POLICY).allows(host) is allowed


def test_a_policy_is_fetched_from_the_well_known_place_without_redirects(monkeypatch) -> None:
    asked = []

    def fetch(remote, limits):
        asked.append((remote.href.reveal(), limits.redirects, limits.private))
        raise MessageError("nothing there")

    monkeypatch.setattr("pymailer.message.fetch.fetch", fetch)
    with pytest.raises(MessageError):
        fetch_policy("example.com")
    assert asked == [("https://mta-sts.example.com/.well-known/mta-sts.txt", 0, False)]


# --- what is remembered ----------------------------------------------------------------------------------------------


class Clock(BlockingRuntime):
    time = 0.0

    def now(self) -> float:
        return self.time


class World:
    """A domain that publishes, or does not, and counts how often it is asked."""

    def __init__(self) -> None:
        self.runtime = Clock()
        self.record: str | None = "v=STSv1; id=1;"
        self.content: bytes | None = POLICY
        self.fetched = 0
        self.policies = Policies(self, self.fetch)

    async def texts(self, runtime, name, deadline):
        if self.record is None:
            raise DNSError("nobody can say")
        return [self.record]

    def fetch(self, domain: str) -> bytes:
        self.fetched += 1
        if self.content is None:
            raise MessageError("nothing there")
        return self.content

    def find(self) -> Policy | None:
        return run(self.policies.find(self.runtime, "example.com", None))


@pytest.fixture
def world() -> World:
    return World()


def test_a_policy_is_fetched_once_for_its_id(world) -> None:
    assert world.find() == world.find() == parse_policy(POLICY)
    assert world.fetched == 1
    world.record, world.content = "v=STSv1; id=2;", POLICY.replace(b"enforce", b"testing")
    assert world.find().mode == "testing"


def test_a_promise_holds_though_its_record_disappears(world) -> None:
    policy = world.find()
    world.record = None
    assert world.find() == policy
    world.record = "gone"
    assert world.find() == policy


def test_a_promise_holds_though_the_new_one_cannot_be_had(world) -> None:
    policy = world.find()
    world.record, world.content = "v=STSv1; id=2;", None
    assert world.find() == policy
    world.find()
    assert world.fetched == 2, "it was fetched again at once"
    world.runtime.time += mta_sts.RETRY_AFTER
    world.find()
    assert world.fetched == 3


def test_a_promise_ends_with_its_time(world) -> None:
    world.find()
    world.record = None
    world.runtime.time += 604_800
    assert world.find() is None


def test_a_policy_that_cannot_be_had_is_no_promise(world) -> None:
    world.content = None
    assert world.find() is None
    world.content = POLICY
    assert world.find() is None, "it was fetched again at once"
    world.runtime.time += mta_sts.RETRY_AFTER
    assert world.find() is not None


def test_a_domain_without_a_record_is_not_fetched_from(world) -> None:
    world.record = "something else"
    assert world.find() is None
    assert world.fetched == 0


def test_few_domains_are_remembered(world, monkeypatch) -> None:
    monkeypatch.setattr(mta_sts, "REMEMBERED", 2)
    for domain in ("a.test", "b.test", "c.test", "a.test"):
        run(world.policies.find(world.runtime, domain, None))
    assert world.fetched == 4
