"""MTA-STS (RFC 8461): a domain's published promise that its mail hosts speak TLS, fetched and remembered.

Knows the record, the policy and how long each holds; what follows from a policy is the direct transport's business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.errors import DNSError, MailError, MailTimeoutError

if TYPE_CHECKING:
    from pymailer.net.resolver import Resolver
    from pymailer.runtime import Runtime

MAX_AGE: Final = 31_557_600
"""Seconds: the longest that a policy may say it holds (RFC 8461 3.2)."""
LIMIT: Final = 64 * 1024
"""Octets that a policy may have (RFC 8461 3.3)."""
FETCH_TIMEOUT: Final = 10.0
"""Seconds for one fetch. The message waits for it."""
RETRY_AFTER: Final = 300.0
"""Seconds until a policy that could not be fetched is asked for again (RFC 8461 3.3 suggests five minutes or more)."""
REMEMBERED: Final = 1000
"""Domains whose policies are kept."""

_MODES: Final = ("enforce", "testing", "none")

_logger = logging.getLogger("pymailer.transports")


@attrs.frozen
class Policy:
    """What a domain promises.

    Attributes:
        mode: ``"enforce"``, ``"testing"`` or ``"none"``; only the first forbids anything.
        hosts: Its mail hosts; ``*.`` in front stands for one label.
        max_age: Seconds for which the promise holds.
    """

    mode: str
    hosts: tuple[str, ...]
    max_age: int

    @property
    def enforced(self) -> bool:
        """Whether mail may only go where the policy says, over a verified connection."""
        return self.mode == "enforce"

    def allows(self, host: str) -> bool:
        """Whether `host` is one of the domain's mail hosts (RFC 8461 4.1)."""
        name = host.lower().rstrip(".")
        parent = name.partition(".")[2]
        return any(name == pattern or (pattern.startswith("*.") and parent == pattern[2:]) for pattern in self.hosts)


def parse_record(texts: Iterable[str]) -> str | None:
    """The id of a domain's policy, from the TXT records of ``_mta-sts``; ``None`` if there is not exactly one."""
    records = [text for text in texts if text.replace(" ", "").startswith("v=STSv1;")]
    if len(records) != 1:  # RFC 8461 3.1: several count as none
        return None
    fields = dict(_pair(field, "=") for field in records[0].split(";"))
    name = fields.get("id", "")
    return name if name.isascii() and name.isalnum() and len(name) <= 32 else None


def _pair(text: str, separator: str) -> tuple[str, str]:
    name, _, value = text.partition(separator)
    return name.strip(), value.strip()


def parse_policy(content: bytes) -> Policy:
    """A policy from its file (RFC 8461 3.2).

    Raises:
        ValueError: It is none.
    """
    lines = [_pair(line, ":") for line in content.decode("utf-8").splitlines() if line.strip()]
    fields: dict[str, str] = {}
    for name, value in lines:
        fields.setdefault(name, value)  # RFC 8461 3.2: the first one counts
    hosts = tuple(value.lower().rstrip(".") for name, value in lines if name == "mx")
    age = fields.get("max_age", "")
    if fields.get("version") != "STSv1" or fields.get("mode") not in _MODES or not (age.isascii() and age.isdigit()):
        raise ValueError("it has no version, mode or max_age that RFC 8461 knows")
    if not hosts and fields["mode"] != "none":
        raise ValueError("it names no mail host")
    return Policy(fields["mode"], hosts, min(int(age[:9]), MAX_AGE))


def fetch_policy(domain: str) -> bytes:
    """The policy file of `domain`; it blocks.

    Raises:
        MessageError: It cannot be had: nothing there, a redirect, a certificate for another name.
    """
    from pymailer.message.fetch import FetchLimits, fetch
    from pymailer.message.origins import Remote
    from pymailer.secret import Secret

    url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
    limits = FetchLimits(size=LIMIT, seconds=FETCH_TIMEOUT, redirects=0)  # RFC 8461 3.3: redirects are not followed
    return b"".join(fetch(Remote(Secret(url), Secret({})), limits).chunks())


@attrs.frozen
class _Kept:
    """A policy, the id it was published under, until when it holds, and when a failed fetch may be tried again."""

    name: str = ""
    policy: Policy | None = None
    until: float = float("-inf")
    retry_at: float = float("-inf")


_NOTHING: Final = _Kept()


class Policies:
    """The policies of all domains, for any thread and colour.

    Args:
        resolver: Knows the records.
        fetch: Reads a policy file; it blocks.
    """

    def __init__(self, resolver: Resolver, fetch: Callable[[str], bytes] = fetch_policy) -> None:
        self._resolver = resolver
        self._fetch = fetch
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    async def find(self, runtime: Runtime, domain: str, deadline: float | None) -> Policy | None:
        """The policy in force for `domain`; ``None`` if there is none, or none could be had.

        What is remembered holds until its time, even if its record is gone: whoever can make a record disappear must
        not be able to make the promise disappear (RFC 8461 5.1).
        """
        now = runtime.now()
        kept = self._kept.get(domain, _NOTHING)
        held = kept.policy if now < kept.until else None
        name = await self._published(runtime, domain, deadline)
        if name is None or now < kept.retry_at or (held is not None and name == kept.name):
            return held
        try:
            policy = parse_policy(await runtime.offload(self._fetch, domain))
        except (MailError, ValueError) as error:
            _logger.warning("the MTA-STS policy of %s cannot be had: %s", domain, error, extra={"domain": domain})
            self._keep(domain, attrs.evolve(kept, retry_at=now + RETRY_AFTER))
            return held
        self._keep(domain, _Kept(name, policy, now + policy.max_age))
        return policy

    async def _published(self, runtime: Runtime, domain: str, deadline: float | None) -> str | None:
        try:
            return parse_record(await self._resolver.texts(runtime, f"_mta-sts.{domain}", deadline))
        except (DNSError, MailTimeoutError):
            return None

    def _keep(self, domain: str, kept: _Kept) -> None:
        with self._lock:
            self._kept.pop(domain, None)
            self._kept[domain] = kept
            while len(self._kept) > REMEMBERED:
                del self._kept[next(iter(self._kept))]
