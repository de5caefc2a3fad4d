"""A canary password is looked for in all that a send shows: printed, logged, raised, and in the locals of our frames.

Every stage at which a send can fail is made to fail, in both colours, with every mechanism, and with `debug=True`.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import pymailer
import pymailer_smtp_pool
from pymailer import Auth, OAuth2, SMTPOptions, create_async_transport, create_transport
from pymailer.transports import smtp
from pymailer_smtp_pool import smtp_pool
from tests.faults import at, certificates, commit, drop, on, reply, reset, send, stall, upgrade

USER = "canary@example.com"
CANARY = "yellow-bird-4711"
TOKEN = "ya29.yellow-bird-token-4711"
OURS = tuple(str(Path(package.__file__).parent) for package in (pymailer, pymailer_smtp_pool))
MESSAGE = {"from": "a@example.com", "to": "b@example.com", "subject": "a canary", "text": "sings"}

DISGUISES = [
    CANARY,
    TOKEN,
    *(base64.b64encode(secret.encode()).decode().rstrip("=") for secret in (CANARY, TOKEN)),
    base64.b64encode(f"\0{USER}\0{CANARY}".encode()).decode().rstrip("="),
    base64.b64encode(f"user={USER}\1auth=Bearer {TOKEN}\1\1".encode()).decode().rstrip("="),
    base64.b64encode(f"n,a={USER},\1auth=Bearer {TOKEN}\1\1".encode()).decode().rstrip("="),
]
"""The secrets as they are, and as they travel."""

FAILURES = {
    "nothing": (),
    "greeting": (at("greeting", drop),),
    "nonsense at the greeting": (at("greeting", send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), drop),),
    "ehlo": (on("EHLO", reset),),
    "starttls": (on("STARTTLS", reply("454 4.7.0 not now")),),
    "handshake": (at("handshake", upgrade(certificates.expired())),),
    "auth refused": (at("login", reply("535 5.7.8 no")),),
    "auth refused at once": (on("AUTH", reply("535 5.7.8 no")),),
    "auth later": (at("login", reply("454 4.7.0 later")),),
    "auth lost": (on("AUTH", drop),),
    "auth lost at the verdict": (at("login", reset),),
    "auth without end": (on("AUTH", *[reply("334 VXNlcm5hbWU6"), lambda talk: talk.line()] * 50),),
    "auth with nonsense": (on("AUTH", reply("334 not base64!"), lambda talk: talk.line(), drop),),
    "auth stalled": (on("AUTH", stall),),
    "mail": (on("MAIL", reply("550 5.7.1 no")),),
    "rcpt": (on("RCPT", reply("550 5.1.1 no")),),
    "data": (on("DATA", reply("554 5.7.1 no")),),
    "body": (at("body", reset),),
    "final": (at("final", reply("554 5.7.1 no")),),
    "final lost": (at("final", commit, drop),),
}


def shown(value):
    """What a debugger or a monitor shows of a local."""
    try:
        return repr(value)
    except Exception as error:  # an object whose construction failed half-way
        return repr(error)


class Everything(logging.Handler):
    """What was shown, from wherever it came."""

    def __init__(self):
        super().__init__(logging.NOTSET)
        self.seen: list[str] = []

    def emit(self, record):
        self.see(record.getMessage())
        self.see(record.__dict__)
        if record.exc_info:
            self.raised(record.exc_info[1])

    def see(self, thing):
        self.seen += [str(thing), repr(thing)]

    def event(self, name):
        return lambda *arguments: self.see((name, arguments))

    def raised(self, error):
        self.quoted(error)
        self._locals(error)

    def quoted(self, error):
        """What the error says of itself."""
        self.see(error)
        self.see(vars(error))
        self.see(traceback.format_exception(error))
        if isinstance(error, pymailer.MailError):
            self.see(pickle.dumps(error))

    def _locals(self, error):
        """Those of this library's own frames: the caller's are the caller's."""
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.startswith(OURS):
                for name, value in frame.f_locals.items():
                    self.seen.append(f"{frame.f_code.co_qualname} {name} = {shown(value)}")
        for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
            if other is not None:
                self._locals(other)

    def check(self):
        everything = "\n".join(self.seen)
        leaked = [disguise for disguise in DISGUISES if disguise in everything]
        places = [text[:1000] for text in self.seen if any(disguise in text for disguise in leaked)]
        assert not leaked, f"{leaked} was shown: {places[:5]}"


@pytest.fixture
def everything(capfd):
    handler = Everything()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.NOTSET)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)
    handler.see(capfd.readouterr())
    handler.check()


def credentials(mechanism):
    if mechanism in {"XOAUTH2", "OAUTHBEARER"}:
        return OAuth2(USER, access_token=TOKEN)
    return (USER, CANARY)


def options(server, mechanism):
    return {
        "host": "localhost",
        "port": server.port,
        "auth": credentials(mechanism),
        "auth_method": mechanism,
        "tls": {"ca": certificates.authority_pem()},
        "debug": True,
        "socket_timeout": 0.5,
        "max_requeues": 0,
    }


def send_sync(transport, everything):
    with create_transport(transport) as mailer:
        watch(mailer, everything)
        mailer.send_mail(MESSAGE, timeout=2)


async def send_async(transport, everything):
    async with create_async_transport(transport) as mailer:
        watch(mailer, everything)
        await mailer.send_mail(MESSAGE, timeout=2)


def watch(mailer, everything):
    for name in ("log", "error", "sent", "failed", "idle", "clear"):
        mailer.on(name, everything.event(name))
    everything.see(mailer)
    everything.see(mailer.transport)


MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]
CASES = [
    (failure, mechanism)
    for failure in FAILURES
    for mechanism in (MECHANISMS if failure.startswith("auth") else MECHANISMS[:1])
]


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(("failure", "mechanism"), CASES)
def test_nothing_that_a_send_shows_holds_the_password(fault_server, everything, failure, mechanism, colour):
    users = {USER: TOKEN if mechanism == "XOAUTH2" else CANARY}
    server = fault_server(*FAILURES[failure], tls=certificates.good(), users=users, mechanisms=[mechanism])
    transport = smtp_pool(**options(server, mechanism))
    try:
        if colour == "sync":
            send_sync(transport, everything)
        else:
            asyncio.run(send_async(transport, everything))
    except pymailer.MailError as error:
        everything.raised(error)
    else:
        assert failure == "nothing"
    everything.see(transport)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_the_disguises_are_those_in_which_it_travels(fault_server, mechanism):
    users = {USER: TOKEN if mechanism == "XOAUTH2" else CANARY}
    server = fault_server(tls=certificates.good(), users=users, mechanisms=[mechanism])
    with create_transport(smtp_pool(**options(server, mechanism))) as mailer:
        mailer.verify()
    assert any(disguise in line for disguise in DISGUISES for line in server.heard())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: create_transport(f"smtp://{USER}:{CANARY}@localhost:no-port"),
        lambda: create_transport(f"smtp://u:{CANARY}@localhost/?pol=true"),
        lambda: create_transport(f"gopher://u:{CANARY}@localhost"),
        lambda: create_transport({"host": "localhost", "auth": {"user": USER, "pas": CANARY}}),
        lambda: create_transport({"host": "localhost", "auth": CANARY}),
        lambda: create_transport({"host": "localhost", "auth": {"pass": CANARY}}),
        lambda: smtp_pool(host="localhost", auth=(USER, CANARY), max_conections=1),
        lambda: smtp_pool(host="localhost", auth=(USER, CANARY, CANARY)),
        lambda: smtp(host="localhost", auth=(USER, CANARY + "\n")),
        lambda: Auth(USER, CANARY, "PLAYN"),
        lambda: OAuth2(USER, access_token=TOKEN, refresh_token=TOKEN, scope=3),
    ],
)
def test_an_error_about_options_does_not_quote_the_password(everything, wrong):
    with pytest.raises(pymailer.ConfigError) as error:
        wrong()
    everything.quoted(error.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Auth(USER, CANARY),
        lambda: OAuth2(USER, access_token=TOKEN, client_id="app", client_secret=CANARY, refresh_token=CANARY),
        lambda: SMTPOptions(host="localhost", auth=(USER, CANARY), tls={"passphrase": CANARY}),
        lambda: smtp_pool(host="localhost", auth=(USER, CANARY)),
        lambda: smtp(host="localhost", auth=(USER, CANARY)),
        lambda: create_transport(f"smtp://u:{CANARY}@localhost/?pool=true"),
    ],
)
def test_a_repr_does_not_show_the_password(everything, make):
    everything.see(make())


def test_a_program_that_dies_of_a_failed_login_does_not_print_the_password(fault_server, everything):
    server = fault_server(at("login", reply("535 5.7.8 no")), users={USER: CANARY})
    url = f"smtp://{USER.replace('@', '%40')}:{CANARY}@127.0.0.1:{server.port}"
    verify = subprocess.run(
        [sys.executable, "-m", "pymailer", "verify"],
        env={**os.environ, "PYMAILER_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert verify.returncode != 0
    assert server.logins == []
    everything.see(verify)
