"""The corpus' configurations: URLs and names of services, each read in one way or refused."""

from __future__ import annotations

import pytest

from pymailer import ConfigError, SMTPOptions, create_transport
from pymailer_smtp_pool import smtp_pool
from tests.corpus.cases import Case, all_cases, cases
from tests.faults import at, send

SERVICES = {"config-014", "config-016", "config-018"}
"""Cases whose input is the name of a service; all others are URLs."""

MEANT = {
    "config-001": {"host": "host", "port": 587, "secure": False, "user": "user", "password": "p@ss"},
    "config-002": {"host": "host", "port": 25, "user": "us", "password": "er:pass"},
    "config-007": {"host": "host", "port": 587, "secure": True},
    "config-008": {"host": "host", "port": 465, "secure": True},
    "config-012": {"host": "::1%eth0", "port": 25, "secure": False},
    "config-016": {"host": "smtp-mail.outlook.com", "port": 587, "secure": False, "require_tls": True},
}


def given(case: Case) -> object:
    return {"service": case.input} if case.id in SERVICES else case.input


def read(options: SMTPOptions) -> dict[str, object]:
    """The options that cases are about."""
    auth = {"user": options.auth.user, "password": options.auth.password.reveal()} if options.auth else {}
    return {name: getattr(options, name) for name in ("host", "port", "secure", "require_tls")} | auth


@cases("config", verdict="accept")
def test_what_is_well_formed_means_this(case) -> None:
    assert read(create_transport(given(case)).transport.options).items() >= MEANT[case.id].items()


@cases("config", verdict="accept")
def test_it_means_the_same_to_the_options_and_to_the_pool(case) -> None:
    assert read(SMTPOptions(given(case))).items() >= MEANT[case.id].items()
    assert smtp_pool(given(case)).max_connections >= 1


@cases("config", verdict="reject_local")
def test_what_is_not_is_refused_before_anything_is_opened(case) -> None:
    with pytest.raises(ConfigError) as caught:
        create_transport(given(case))
    assert "\n" not in str(caught.value)


@cases("config", only=["config-014"])
def test_an_unknown_service_is_no_attribute_of_anything(case) -> None:
    for name in (case.input, "__class__", "constructor", "toString"):
        with pytest.raises(ConfigError, match="no well-known service"):
            create_transport({"service": name})


@cases("config", only=["config-018"])
def test_the_refusal_of_a_lookalike_does_not_pick_the_service(case) -> None:
    for lookalike in (case.input, f"me@{case.input}", "gmail.com.evil.example"):
        with pytest.raises(ConfigError):
            create_transport({"service": lookalike})


@cases("config", only=["config-007"])
def test_tls_from_the_first_byte_on_a_port_for_starttls_is_allowed_with_a_warning(case, caplog) -> None:
    create_transport(case.input)
    create_transport({"host": "host", "port": 587})
    create_transport({"host": "host", "secure": True})
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "secure=False" in record.getMessage()


@cases("config", only=["config-007"])
def test_tls_where_the_server_speaks_first_is_told_with_the_way_out(case, drive, fault_server) -> None:
    server = fault_server(at("greeting", send(b"220 mail.example ESMTP\r\n")), strict_client=False)

    async def verify(runtime):
        transport = create_transport(f"smtps://127.0.0.1:{server.port}").transport
        with pytest.raises(ConnectionError, match=r"(?i)starttls"):
            await transport.verify(runtime)

    drive(verify)


def test_every_case_has_a_test() -> None:
    accepted = {case.id for case in all_cases() if case.area == "config" and case.verdict == "accept"}
    assert accepted == MEANT.keys()
