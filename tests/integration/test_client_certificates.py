"""A server that asks for a certificate: its verdict comes after the handshake (TLS 1.3), and is no mere loss."""

from __future__ import annotations

from typing import Any

import pytest
import trustme

from pymailer.errors import TLSError
from pymailer.outcome import Outcome
from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from tests.faults import certificates

SERVER = {"ca": certificates.authority_pem()}


def identity(authority: trustme.CA) -> dict[str, Any]:
    leaf = authority.issue_cert("client.test")
    return {**SERVER, "cert": leaf.cert_chain_pems[0].bytes(), "key": leaf.private_key_pem.bytes()}


def connect(drive: Any, server: Any, implicit: bool, tls: dict[str, Any]) -> bool:
    async def scenario(runtime: Any) -> bool:
        connection = Connection(SMTPOptions(host="localhost", port=server.port, secure=implicit, tls=tls))
        await connection.open(runtime)
        connection.close()
        return True

    return drive(scenario)


@pytest.fixture(params=[True, False], ids=["implicit", "STARTTLS"])
def implicit(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def server(implicit: bool, fault_server: Any) -> Any:
    return fault_server(tls=certificates.asking_for_a_certificate(), implicit_tls=implicit, strict_client=False)


def test_a_certificate_that_the_server_knows_opens_the_door(drive: Any, server: Any, implicit: bool) -> None:
    assert connect(drive, server, implicit, identity(certificates.authority()))


@pytest.mark.parametrize(
    ("tls", "advice"),
    [(SERVER, "wants a client certificate"), (identity(trustme.CA()), "does not accept our client certificate")],
    ids=["none", "unknown"],
)
def test_any_other_is_a_permanent_error_that_says_why(
    drive: Any, server: Any, implicit: bool, tls: dict[str, Any], advice: str
) -> None:
    with pytest.raises(TLSError, match=advice) as caught:
        connect(drive, server, implicit, tls)
    assert (caught.value.temporary, caught.value.outcome) == (False, Outcome.NOT_SENT)
