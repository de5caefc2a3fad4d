"""A transport to the recipients' own mail hosts, without a relay in between and without any credentials.

Knows domains, and the order in which their hosts are tried (RFC 5321 5.1); how a host has to be protected is decided
in `protection`, and what is said to it is the connection's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.__about__ import __version__
from pymailer.errors import ConfigError, DNSError, EnvelopeError, MailError, TLSError
from pymailer.events import Emitter
from pymailer.front_door import discreet
from pymailer.net.addresses import literal_address
from pymailer.net.dns_records import MailHost, MailHosts
from pymailer.net.resolver import SHARED, Resolver
from pymailer.options import gather
from pymailer.outcome import Outcome, Stage
from pymailer.results import Envelope
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import DURATIONS, SMTPOptions
from pymailer.transports.members import somebody_else_may_try
from pymailer.transports.mta_sts import Policies, Policy
from pymailer.transports.parts import Part, together
from pymailer.transports.protection import Protection, protection
from pymailer.transports.single import send_once

if TYPE_CHECKING:
    from pymailer.net.dns_records import TLSARecord
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail

MAX_HOSTS: Final = 10
"""Hosts of one domain that are tried (RFC 5321 5.1 asks for two at least, and allows a limit)."""

_CONNECTION: Final = frozenset(
    {
        *("port", "name", "local_address", "tls", "require_tls", "debug", "logger", "pipelining", "chunking"),
        *("connection_timeout", "greeting_timeout", "socket_timeout", "final_timeout", "dns_timeout"),
    }
)
"""Options of a connection that mean something where the host is somebody else's."""
_OWN: Final = frozenset({"mta_sts", "dane"})


class DirectTransport:
    """Delivers to the mail hosts of each recipient's domain.

    Args:
        options: How to connect; its host is replaced by each domain's.
        tls: What is trusted and shown.
        mta_sts: Whether policies of RFC 8461 are fetched and obeyed.
        dane: Whether TLSA records of RFC 7672 are obeyed; they count only from a validating resolver on this machine.
        resolver: Knows names.
        policies: Knows policies.
    """

    name = "Direct"
    version: str = __version__

    def __init__(
        self,
        options: SMTPOptions | None = None,
        *,
        mta_sts: bool = True,
        dane: bool = True,
        resolver: Resolver = SHARED,
        policies: Policies | None = None,
    ) -> None:
        self.options: SMTPOptions = options or SMTPOptions(port=25)
        self._policies = (policies or Policies(resolver)) if mta_sts else None
        self._dane = dane
        self._resolver = resolver
        self._events = Emitter()
        self._verified = self.options.tls
        self._unverified = attrs.evolve(self.options.tls, reject_unauthorized=False)

    def __repr__(self) -> str:
        return f"<DirectTransport port {self.options.port}>"

    def on(self, event: str, callback: Callable[..., object]) -> Callable[[], None]:
        """Listen for an event; the returned function ends that."""
        return self._events.on(event, callback)

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Deliver one message to the hosts of every domain among its recipients.

        Raises:
            EnvelopeError: No recipient gets it.
            DeliveryUnknownError: Nobody can say what became of it at one domain.
            MailError: The only domain could not be reached, or refused it.
        """
        await mail.message.materialize(mail.runtime)  # it may be read for several hosts
        parts: list[Part] = []
        for domain, recipients in group_by_domain(mail.envelope.to).items():
            own = attrs.evolve(mail, envelope=Envelope(mail.envelope.from_, recipients))
            try:
                parts.append(Part(recipients, await self._deliver(own, domain)))
            except MailError as error:
                parts.append(Part(recipients, error=error))
            finally:
                mail.outcome = _so_far(parts, own)
        return together(mail, parts)

    # --- one domain --------------------------------------------------------------------------------------------------

    async def _deliver(self, mail: Mail, domain: str) -> SentMessageInfo:
        found = await self._hosts(mail, domain)
        policy = await self._policy(mail, domain)
        failure: MailError = DNSError(f"{domain} has no mail host that may be used", stage=Stage.DNS)
        for host in found.hosts[:MAX_HOSTS]:
            if policy is not None and policy.enforced and not policy.allows(host.name):
                failure = TLSError(
                    f"{host.name} is not a mail host of {domain} by its MTA-STS policy (RFC 8461)",
                    stage=Stage.DNS,
                    temporary=True,
                )
                continue
            try:
                return await self._deliver_to(mail, host.name, found, policy)
            except MailError as error:
                failure = error
                if not _next_host_may_try(error, mail):
                    break
        raise failure

    async def _hosts(self, mail: Mail, domain: str) -> MailHosts:
        """Where the domain's mail goes.

        Raises:
            EnvelopeError: The domain does not exist, or takes no mail.
            DNSError: Nobody could say.
        """
        if not domain:
            raise EnvelopeError("an address without a domain has no mail host", stage=Stage.DNS)
        literal = _literal(domain)
        if literal is not None:
            return MailHosts((MailHost(literal, 0),))
        try:
            return await self._resolver.mail_hosts(mail.runtime, domain, self._dns_deadline(mail))
        except ConfigError as error:
            raise EnvelopeError(f"{domain!r} is not a domain", stage=Stage.DNS) from error
        except DNSError as error:
            if error.temporary:
                raise
            raise EnvelopeError(str(error), stage=Stage.DNS) from error

    async def _policy(self, mail: Mail, domain: str) -> Policy | None:
        if self._policies is None or _literal(domain) is not None:
            return None
        return await self._policies.find(mail.runtime, domain, self._dns_deadline(mail))

    def _dns_deadline(self, mail: Mail) -> float:
        own = mail.runtime.now() + self.options.dns_timeout
        return own if mail.deadline is None else min(own, mail.deadline)

    # --- one host ----------------------------------------------------------------------------------------------------

    async def _deliver_to(self, mail: Mail, host: str, found: MailHosts, policy: Policy | None) -> SentMessageInfo:
        records = await self._tlsa(mail, host) if self._dane and found.secure else ()
        if mail.require_tls and not (found.secure or (policy is not None and policy.enforced)):
            raise TLSError(  # RFC 8689 4.2.1
                f"REQUIRETLS needs a host name that is secured by DNSSEC or MTA-STS, which that of {host} is not",
                code="EREQUIRETLS",
                stage=Stage.DNS,
            )
        needed = protection(records, policy, demanded=self.options.require_tls or mail.require_tls)
        try:
            return await send_once(self._connection(host, needed), mail)
        except TLSError as error:
            if needed.required or error.stage is not Stage.STARTTLS:
                raise
        # RFC 7435 3: a host that cannot do it properly is served as before there was TLS
        return await send_once(self._connection(host, needed, plain=True), mail)

    async def _tlsa(self, mail: Mail, host: str) -> tuple[TLSARecord, ...]:
        """The TLSA records of a host whose name was validated (RFC 7672 2.2.1); what was not validated says nothing."""
        deadline = self._dns_deadline(mail)
        records, secure = await self._resolver.tlsa(mail.runtime, host, self.options.port, deadline)
        return records if secure else ()

    def _connection(self, host: str, needed: Protection, *, plain: bool = False) -> Connection:
        tls = self._verified if needed.verified else self._unverified
        if needed.pins:
            tls = attrs.evolve(self._unverified, pins=needed.pins)
        options = SMTPOptions(
            self.options,
            host=host,
            tls=tls,
            require_tls=needed.required,
            opportunistic_tls=not needed.required and not plain,
            ignore_tls=plain,
        )
        return Connection(options, self._events.emit, resolver=self._resolver)


def group_by_domain(recipients: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The recipients of each domain, in the order of their first appearance."""
    domains: dict[str, list[str]] = {}
    for recipient in recipients:
        _, at, domain = recipient.rpartition("@")
        domains.setdefault(domain.lower().rstrip(".") if at else "", []).append(recipient)
    return {domain: tuple(members) for domain, members in domains.items()}


def _literal(domain: str) -> str | None:
    """The address in ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 4.1.3)."""
    if not domain.startswith("["):
        return None
    return literal_address(domain[1:].removesuffix("]").removeprefix("ipv6:"))


def _next_host_may_try(error: MailError, mail: Mail) -> bool:
    """RFC 5321 5.1; a host that wants no session at all says nothing of the message either."""
    no_session = error.stage in (Stage.GREETING, Stage.EHLO) and error.outcome is Outcome.REJECTED
    return no_session or somebody_else_may_try(error, mail.message)


def _so_far(parts: list[Part], own: Mail) -> Outcome:
    """What is to be said if the send is cut short now."""
    if own.outcome is Outcome.UNKNOWN or any(part.error and part.error.outcome is Outcome.UNKNOWN for part in parts):
        return Outcome.UNKNOWN
    return Outcome.PARTIAL if any(part.info for part in parts) else Outcome.NOT_SENT


@discreet
def direct(options: object = None, /, **keywords: Any) -> DirectTransport:
    """A transport that delivers to the recipients' mail hosts.

    TLS is used wherever it is offered. It is required, and verified, where a domain says so by DANE or MTA-STS, or
    where you say so by ``require_tls``.

    Args:
        options: A mapping of options in either spelling, or a URL.
        keywords: The same options one by one: those of a connection that need no server of yours, ``mta_sts`` and
            ``dane``; they win.

    Raises:
        ConfigError: An option is unknown or wrong. There is no ``auth``: nobody's mail host is told a password.
    """
    given = gather(options, keywords, _CONNECTION | _OWN, DURATIONS & _CONNECTION, "the direct transport", ["direct"])
    own = {name: given.pop(name) for name in _OWN & given.keys()}
    for name, value in own.items():
        if not isinstance(value, bool):
            raise ConfigError(f"{name} must be True or False, not {value!r}")
    return DirectTransport(SMTPOptions(**given), **own)
