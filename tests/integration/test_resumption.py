"""Connections of one transport resume each other's TLS session, which saves a round trip and a signature."""

from __future__ import annotations

import pytest

from pymailer.smtp.connection import Connection
from pymailer.smtp.options import SMTPOptions
from pymailer.smtp.starttls import TLSSessions
from tests.faults import certificates

WAYS = {"STARTTLS": {"require_tls": True}, "from the first byte": {"secure": True}}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_the_second_connection_resumes_the_first_ones_session(way, drive, fault_server):
    server = fault_server(tls=certificates.good(), implicit_tls="secure" in way)
    options = SMTPOptions(host="localhost", port=server.port, tls={"ca": certificates.authority_pem()}, **way)
    sessions = TLSSessions()

    async def go(runtime):
        resumed = []
        for _ in range(3):
            connection = Connection(options, sessions=sessions)
            await connection.open(runtime)
            resumed.append(connection._wire.channel.tls_resumed)
            await connection.quit(runtime)
        return resumed

    assert drive(go) == [False, True, True]
