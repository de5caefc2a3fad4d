"""Every transport keeps the contract, and the suite that says so sees each way of breaking it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading

import attrs
import pytest

from pymailer import SentMessageInfo
from pymailer.net.resolver import Resolver
from pymailer.smtp.options import SMTPOptions
from pymailer.testing import BrokenContractError, Outbox, SMTPServer, check_transport
from pymailer.transports import failover, file, json, memory, round_robin, sendmail, ses, smtp, stream
from pymailer.transports.mx import DirectTransport
from pymailer_smtp_pool import smtp_pool
from tests.peers.name_server import name_server

# --- those that keep it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [memory, stream, json, Outbox, lambda: stream(buffer=True), lambda: json(skip_encoding=True)]
)
def test_transports_that_deliver_nothing(make) -> None:
    check_transport(make)


@pytest.mark.parametrize("form", ["eml", "maildir"])
def test_file(form, tmp_path) -> None:
    check_transport(lambda: file(tmp_path, format=form))


def test_sendmail(tmp_path) -> None:
    path = tmp_path / "mailer"
    path.write_text(f"#!{sys.executable} -I\nimport sys\nsys.stdin.buffer.read()\n")
    path.chmod(0o700)
    check_transport(lambda: sendmail(path=str(path)))


def test_ses() -> None:
    class Client:
        def send_email(self, **request):
            return {"MessageId": "1"}

    check_transport(lambda: ses(Client()))


def test_smtp() -> None:
    with SMTPServer() as server:
        check_transport(lambda: smtp(host=server.host, port=server.port))


def test_the_pool() -> None:
    with SMTPServer() as server:
        check_transport(lambda: smtp_pool(host=server.host, port=server.port, max_connections=3))


def test_direct() -> None:
    zone = {("example.com", "MX"): ["10 mx.example.com."], ("mx.example.com", "A"): ["127.0.0.1"]}
    with SMTPServer() as server, name_server(zone) as names:

        def make() -> DirectTransport:
            resolver = Resolver([names.server], use_system=False)
            return DirectTransport(SMTPOptions(port=server.port), resolver=resolver)

        check_transport(make)


@pytest.mark.parametrize("combine", [failover, round_robin])
def test_combinations(combine) -> None:
    check_transport(lambda: combine([memory(fail_with="not_sent"), memory(), Outbox()], retry_after=0))


# --- those that do not -----------------------------------------------------------------------------------------------


class Obedient:
    """A plain transport that does as it should, to be spoiled in one point."""

    name, version = "Plain", "1"

    def send(self, mail):
        content = mail.message.as_bytes()
        return SentMessageInfo(mail.envelope, mail.message_id, accepted=mail.envelope.to, message_size=len(content))


class Nameless(Obedient):
    name = ""


class Silent(Obedient):
    def send(self, mail):
        return None


class Forgetful(Obedient):
    def send(self, mail):
        return attrs.evolve(super().send(mail), accepted=mail.envelope.to[:1])


class Hopeful(Obedient):
    def send(self, mail):
        info = super().send(mail)
        return attrs.evolve(info, accepted=(), rejected=info.accepted)


class Bare(Obedient):
    def send(self, mail):
        return attrs.evolve(super().send(mail), message_id="1@example.com")


class CutsShort(Obedient):
    async def send(self, mail):
        size = 0
        with contextlib.suppress(Exception):
            async for chunk in mail.message.chunks(mail.runtime):
                size += len(chunk)
        return SentMessageInfo(mail.envelope, accepted=mail.envelope.to, message_size=size)


class OnlyAsync(Obedient):
    async def send(self, mail):
        await asyncio.sleep(0)
        return super().send(mail)


class Mixes(Obedient):
    def __init__(self) -> None:
        self.barrier = threading.Barrier(4)
        self.last = None

    def send(self, mail):
        self.last = mail.envelope
        if mail.envelope.to[0].startswith("r") and mail.envelope.to[0][1:2].isdigit():
            self.barrier.wait(5)
        return SentMessageInfo(self.last, accepted=self.last.to)


class Undecided(Obedient):
    def is_idle(self):
        return "yes"


class Clinging(Obedient):
    def on(self, event, callback):
        return None


class ClosesOnce(Obedient):
    closed = False

    def close(self, runtime, *, drain, timeout):
        if self.closed:
            raise ValueError("closed already")
        self.closed = True


def broken_by(make) -> str:
    with pytest.raises(BrokenContractError) as caught:
        check_transport(make)
    return str(caught.value)


def test_a_plain_transport_that_does_as_it_should() -> None:
    check_transport(Obedient)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (Nameless, "name must be text"),
        (object, "send must be callable"),
        (Silent, "NoneType"),
        (Forgetful, "were asked for"),
        (Hopeful, "the outcome is accepted and should be partial"),
        (Bare, "no angle brackets"),
        (CutsShort, "content that could not be read was sent"),
        (OnlyAsync, "awaits an event loop"),
        (Mixes, "the result of another message"),
        (Undecided, "is_idle() did not return a bool"),
        (Clinging, "on() did not return a function"),
        (ClosesOnce, "closed already"),
        (lambda: memory(fail_with="rejected"), "not wanted"),
    ],
)
def test_each_way_of_breaking_it_is_seen(make, complaint) -> None:
    assert complaint in broken_by(make)


def test_the_colour_in_which_it_breaks_is_told() -> None:
    text = broken_by(OnlyAsync)
    assert "[sync]" in text
    assert "[async]" not in text


def test_the_exceptions_behind_it_are_kept() -> None:
    with pytest.raises(BrokenContractError) as caught:
        check_transport(ClosesOnce)
    assert all(isinstance(cause, ValueError) for cause in caught.value.causes)
