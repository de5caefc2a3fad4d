"""The servers as the tests see them: who offers what, at which port, and what a client has to say to be let in.

Knows the servers and the names of their capabilities; must not know how any capability is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from tests.interop.accounts import PASSWORD, USER
from tests.interop.dovecot import Dovecot
from tests.interop.exim import Exim
from tests.interop.haraka import Haraka
from tests.interop.instance import Instance
from tests.interop.opensmtpd import OpenSMTPD
from tests.interop.postfix import Postfix
from tests.interop.smtp_server import SmtpServer

EVERYWHERE = frozenset({"content", "8BITMIME", "refused recipients", "several connections"})
CLEAR_TEXT = frozenset({"STARTTLS", "TLS from the start", "AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5"})
SCRAM = frozenset({"AUTH SCRAM-SHA-1", "AUTH SCRAM-SHA-256"})


@attrs.frozen
class Peer:
    """One column of the table.

    Attributes:
        name: Its heading.
        kind: The server behind it; two peers of one kind share one instance.
        capabilities: What it offers, by the names that the tests use.
        port: Which port of the instance.
        options: What every client of it has to say.
    """

    name: str
    kind: type[Instance]
    capabilities: frozenset[str]
    port: str = "port"
    options: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    def __str__(self) -> str:
        return self.name


PEERS = (
    Peer(
        "Postfix",
        Postfix,
        EVERYWHERE
        | CLEAR_TEXT
        | SCRAM
        | {"PIPELINING", "CHUNKING", "SIZE", "SMTPUTF8", "DSN", "login required", "temporary refusals"},
    ),
    Peer(
        "Exim",
        Exim,
        EVERYWHERE
        | CLEAR_TEXT
        | {"PIPELINING", "CHUNKING", "SIZE", "SMTPUTF8", "DSN", "login required", "temporary refusals"}
        | {"strict synchronisation"},
    ),
    Peer("OpenSMTPD", OpenSMTPD, EVERYWHERE | {"SIZE", "DSN"}),
    Peer(
        "Dovecot submission",
        Dovecot,
        EVERYWHERE
        | CLEAR_TEXT
        | SCRAM
        | {"PIPELINING", "CHUNKING", "SIZE", "AUTH XOAUTH2", "AUTH OAUTHBEARER", "temporary refusals"},
        options={"auth": (USER, PASSWORD)},
    ),
    Peer(
        "Dovecot LMTP",
        Dovecot,
        frozenset({"content", "8BITMIME", "STARTTLS", "PIPELINING", "CHUNKING", "LMTP", "several connections"}),
        port="lmtp_port",
        options={"lmtp": True},
    ),
    Peer(
        "Haraka",
        Haraka,
        EVERYWHERE | CLEAR_TEXT | {"PIPELINING", "SIZE", "SMTPUTF8", "temporary refusals"},
    ),
    Peer(
        "smtp-server",
        SmtpServer,
        EVERYWHERE
        | CLEAR_TEXT
        | {
            "PIPELINING",
            "SIZE",
            "SMTPUTF8",
            "DSN",
            "AUTH XOAUTH2",
            "REQUIRETLS",
            "login required",
            "temporary refusals",
        },
    ),
    Peer(
        "smtp-server LMTP",
        SmtpServer,
        EVERYWHERE | {"STARTTLS", "PIPELINING", "SIZE", "SMTPUTF8", "DSN", "LMTP", "temporary refusals"},
        port="lmtp_port",
        options={"lmtp": True},
    ),
)


def offering(capability: str) -> list[Peer]:
    """The peers that offer a capability."""
    return [peer for peer in PEERS if capability in peer.capabilities]
