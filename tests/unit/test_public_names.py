"""What can be imported, and that none of it is loaded before it is used (API, section 13)."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import pymailer
import pymailer_smtp_pool
import pymailer_wellknown

CONTRACT = {
    *("create_transport", "create_async_transport", "Mailer", "AsyncMailer"),
    *("Message", "Attachment", "Address", "Envelope", "Auth", "OAuth2", "DKIM", "SMTPOptions"),
    *("SentMessageInfo", "CompiledMail", "Delivery", "CloseReport", "Outcome", "Reply", "Mail", "Transport"),
    *(name for name, kind in inspect.getmembers(pymailer.errors, inspect.isclass) if issubclass(kind, Exception)),
}


def test_the_package_has_all_that_the_contract_names() -> None:
    assert set(pymailer.__all__) >= CONTRACT


@pytest.mark.parametrize("package", [pymailer, pymailer_smtp_pool, pymailer_wellknown], ids=lambda each: each.__name__)
def test_every_public_name_can_be_had(package) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert set(package.__all__) <= set(dir(package))


def test_a_name_is_the_same_wherever_it_comes_from() -> None:
    from pymailer.errors import AuthError
    from pymailer.results import Envelope

    assert pymailer.AuthError is AuthError
    assert pymailer.Envelope is Envelope


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'create_transprot'"):
        pymailer.create_transprot  # noqa: B018 - asking is the test


def test_a_star_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from pymailer import *", names)
    assert CONTRACT <= names.keys()


def test_a_name_loads_its_own_home_only() -> None:
    program = "import sys; from pymailer import Envelope; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    loaded = set(done.stdout.split())
    assert "pymailer.results" in loaded
    assert not {"pymailer.mailer", "pymailer.smtp.options", "pymailer.message.model"} & loaded
