"""From a host's name to its addresses, and from a domain to where its mail goes.

One cache for all threads, loops and colours. Knows the order in which the hosts file, the system and DNS are asked, and
what their answers mean; how servers are spoken to is in `dns_client`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from socket import EAI_AGAIN
from typing import TYPE_CHECKING, Final, NoReturn

from pymailer.errors import DNSError, MailTimeoutError
from pymailer.net.addresses import ascii_name, literal_address
from pymailer.net.dns_cache import Cache
from pymailer.net.dns_client import NoAnswerError, Server, ask
from pymailer.net.dns_records import MailHost, MailHosts, Records, TLSARecord, read_records
from pymailer.net.system_names import is_local_name, known_addresses, system_addresses
from pymailer.outcome import Stage

if TYPE_CHECKING:
    from pymailer.runtime import Runtime

_BOTH_FAMILIES: Final = ("AAAA", "A")
_SYSTEM: Final = "system"
"""The kind of a cached answer that came from `getaddrinfo`."""
_SYSTEM_TTL: Final = 30.0
"""Seconds: the system does not tell how long its answer holds."""
LONGEST_SEARCH: Final = 30.0
"""Seconds that name servers are asked for if the caller names no deadline."""


class Resolver:
    """Resolves names, and remembers.

    Args:
        servers: Name servers to ask instead of those of this machine.
        use_system: Whether names that DNS does not know are looked for by `getaddrinfo` too.
    """

    def __init__(self, servers: Sequence[Server] | None = None, *, use_system: bool = True) -> None:
        self._servers = servers
        self._use_system = use_system
        self.cache: Cache = Cache()

    async def addresses(self, runtime: Runtime, host: str, deadline: float | None) -> list[str]:
        """The literal addresses of `host`, IPv6 and IPv4, at least one.

        Args:
            runtime: Waits.
            host: A name, or an address, which is its own answer.
            deadline: When to give up; `LONGEST_SEARCH` from now by default.

        Raises:
            DNSError: There is none (permanent), or no server could say (temporary).
            MailTimeoutError: `deadline` passed first.
            ConfigError: `host` is not a host name.
        """
        literal = literal_address(host)
        if literal is not None:
            return [literal]
        name = ascii_name(host)
        known = known_addresses(name)
        if known:
            return known
        if is_local_name(name):
            failure = _no_such(f"cannot resolve {name}: it is not known on this machine")
            return await self._system_addresses(runtime, name, failure)
        try:
            found = await self.records(runtime, name, _BOTH_FAMILIES, deadline)
        except DNSError as error:
            return await self._system_addresses(runtime, name, error)
        addresses = [address for records in found.values() for address in records.values]
        return addresses or await self._system_addresses(runtime, name, _why_none(name, found))

    async def _system_addresses(self, runtime: Runtime, name: str, failure: DNSError) -> list[str]:
        """Names that only this machine knows: of search domains, containers, directories (nsswitch.conf(5)).

        Raises:
            DNSError: `failure`, if this machine does not know either.
        """
        key, now = (name, _SYSTEM), runtime.now()
        kept = self.cache.get(key)
        if kept is not None and kept.fresh(now):
            return list(kept.value)
        if not self._use_system:
            raise failure
        try:
            addresses = await runtime.offload(system_addresses, name)
        except OSError as error:
            failure.temporary = failure.temporary or error.errno == EAI_AGAIN
            raise failure from error
        self.cache.put(key, tuple(addresses), now, _SYSTEM_TTL)
        return addresses

    async def mail_hosts(self, runtime: Runtime, domain: str, deadline: float | None) -> MailHosts:
        """The hosts that take mail for `domain`, the most preferred first, in random order among equals (RFC 5321 5.1).

        Raises:
            DNSError: The domain does not exist or takes no mail (permanent), or no server could say (temporary).
            MailTimeoutError: `deadline` passed first.
        """
        name = ascii_name(domain)
        records = (await self.records(runtime, name, ("MX",), deadline))["MX"]
        if not records.exists:
            raise _why_none(name, {"MX": records})
        if not records.values:
            return MailHosts((MailHost(name, 0),), secure=records.secure, implicit=True)
        hosts = [host for host in records.values if host.name]
        if not hosts:  # RFC 7505 3: the only one is "."
            raise _no_such(f"{name} takes no mail (null MX, RFC 7505)")
        from random import random

        hosts.sort(key=lambda host: (host.preference, random()))  # noqa: S311  # it spreads load, it hides nothing
        return MailHosts(tuple(hosts), secure=records.secure)

    async def texts(self, runtime: Runtime, name: str, deadline: float | None) -> list[str]:
        """The TXT records of `name`, each in one piece; none is an empty list.

        Raises:
            DNSError: No server could say.
            MailTimeoutError: `deadline` passed first.
        """
        return list((await self.records(runtime, ascii_name(name), ("TXT",), deadline))["TXT"].values)

    async def tlsa(
        self, runtime: Runtime, host: str, port: int, deadline: float | None
    ) -> tuple[tuple[TLSARecord, ...], bool]:
        """The TLSA records of a port of `host` (RFC 7672), and whether they, or their absence, were validated.

        Raises:
            DNSError: No server could say; DANE then forbids to deliver.
            MailTimeoutError: `deadline` passed first.
        """
        name = f"_{port}._tcp.{ascii_name(host)}"
        records = (await self.records(runtime, name, ("TLSA",), deadline))["TLSA"]
        return records.values, records.secure

    async def records(
        self, runtime: Runtime, name: str, kinds: Sequence[str], deadline: float | None
    ) -> dict[str, Records]:
        """What DNS says about `name`, by kind, from the cache where it is fresh; at least one kind.

        Raises:
            DNSError: No server could say, and nothing is remembered.
            MailTimeoutError: `deadline` passed first.
        """
        now = runtime.now()
        kept = {kind: entry for kind in kinds if (entry := self.cache.get((name, kind))) is not None}
        found: dict[str, Records] = {kind: entry.value for kind, entry in kept.items() if entry.fresh(now)}
        wanted = [kind for kind in kinds if kind not in found]
        if not wanted:
            return found
        servers = self._servers if self._servers is not None else system_servers()
        failure: NoAnswerError | None = None
        try:
            answers = await ask(runtime, servers, name, wanted, now + LONGEST_SEARCH if deadline is None else deadline)
        except NoAnswerError as error:
            answers, failure = {}, error
        for kind, message in answers.items():
            found[kind], ttl = read_records(message, kind, trusted=_all_local(servers))
            self.cache.put((name, kind), found[kind], now, ttl)
        for kind, entry in kept.items():
            if kind not in found and entry.usable(now):
                found[kind] = entry.value
                self.cache.prolong((name, kind), entry, now)
        if not found and failure is not None:
            _raise_no_answer(name, failure)
        return found


SHARED: Final = Resolver()
"""The one that everybody uses."""


def system_servers() -> list[Server]:
    """The name servers of this machine, read anew each time: networks come and go."""
    from dns.resolver import NoResolverConfiguration
    from dns.resolver import Resolver as Configuration

    try:
        configuration = Configuration()
    except NoResolverConfiguration:
        return []
    return [Server(server, configuration.port) for server in configuration.nameservers if isinstance(server, str)]


def _all_local(servers: Sequence[Server]) -> bool:
    """Whether their word on validation (the AD bit) counts: nobody is between them and us (RFC 4035 4.9.3)."""
    return all(server.local for server in servers)


def _why_none(name: str, found: Mapping[str, Records]) -> DNSError:
    if not all(records.exists for records in found.values()):
        return _no_such(f"cannot resolve {name}: DNS knows no such name (NXDOMAIN): is it spelled right?")
    if len(found) < len(_BOTH_FAMILIES):
        return DNSError(
            f"cannot resolve {name}: only {', '.join(found)} was answered, and there is none",
            stage=Stage.DNS,
            temporary=True,
        )
    return _no_such(f"cannot resolve {name}: it exists, but has no address")


def _no_such(text: str) -> DNSError:
    return DNSError(text, stage=Stage.DNS, temporary=False)


def _raise_no_answer(name: str, failure: NoAnswerError) -> NoReturn:
    if failure.timed_out:
        raise MailTimeoutError(f"no answer about {name} from DNS in time: {failure}", stage=Stage.DNS) from failure
    raise DNSError(f"cannot resolve {name}: {failure}", stage=Stage.DNS, temporary=True) from failure
