"""The cases of the corpus that are aimed at a local mail program: what it is given, and what it is never given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pymailer import EnvelopeError, MailError, create_transport
from pymailer.results import CompiledMail, Envelope
from pymailer.transports import sendmail
from tests.corpus.cases import Case, cases

RECORDS = """
import json, os, sys
with open(os.path.dirname(__file__) + "/given", "w") as given:
    json.dump([sys.argv[1:], sys.stdin.read()], given)
"""


class Program:
    """A mail program that notes what it is given, and the mailer that runs it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "mailer"
        path.write_text(f"#!{sys.executable} -I\n{RECORDS}", encoding="utf-8")
        path.chmod(0o700)
        self._given = folder / "given"
        self.mailer = create_transport(sendmail(path=str(path)))

    @property
    def ran(self) -> bool:
        return self._given.exists()

    @property
    def given(self) -> tuple[list[str], str]:
        arguments, content = json.loads(self._given.read_text(encoding="utf-8"))
        return arguments, content


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@cases("sendmail", verdict="reject_local")
@pytest.mark.parametrize("field", ["to", "bcc", "from"])
def test_an_address_that_could_become_an_argument_is_refused(case: Case, program: Program, field: str) -> None:
    parties = {"from": "a@example.com", "to": "b@example.com", field: case.input}
    with pytest.raises(MailError):
        program.mailer.send_mail(parties, text="x")
    assert not program.ran


@cases("sendmail", verdict="reject_local")
@pytest.mark.parametrize("place", ["sender", "recipient"])
def test_it_is_refused_by_the_transport_itself_as_well(case: Case, program: Program, place: str) -> None:
    envelope = Envelope(case.input, ("b@example.com",)) if place == "sender" else Envelope("", (case.input,))
    with pytest.raises(EnvelopeError):
        program.mailer.send_compiled(CompiledMail(envelope, None, b"Subject: x\r\n\r\n"))
    assert not program.ran


@cases("sendmail", verdict="accept")
def test_an_address_that_looks_like_a_program_is_an_address_with_a_domain(case: Case, program: Program) -> None:
    program.mailer.send_mail(from_="a@example.com", to=case.input, text="x")
    assert program.given[0][-2:] == ["--", case.input]
    with pytest.raises(MailError):
        program.mailer.send_compiled(CompiledMail(Envelope("", (case.input.partition("@")[0],)), None, b"\r\n"))


@cases("sendmail", verdict="normalize")
def test_a_lone_dot_does_not_end_the_message(case: Case, program: Program) -> None:
    program.mailer.send_mail(from_="a@example.com", to="b@example.com", text=f"{case.input}after")
    arguments, content = program.given
    assert arguments[0] == "-i"
    assert "\n.\nafter" in content
