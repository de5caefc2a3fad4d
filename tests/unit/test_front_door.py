"""An error about options shows nothing that the caller handed in: no local of ours holds it when the error arrives."""

from __future__ import annotations

import inspect
import pickle
import traceback
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

import pymailer
from pymailer import ConfigError, SMTPOptions, create_async_transport, create_transport
from pymailer.front_door import discreet
from pymailer.transports import direct, failover, memory, round_robin, smtp
from pymailer_smtp_pool import smtp_pool
from tests.keys import pem
from tests.secrecy import shown

CANARY = "yellow-bird-4711"


@discreet
def fails(secret: str, *, other: str | None = None) -> None:
    """Fail."""
    try:
        {}[len(secret)]
    except KeyError as error:
        raise ConfigError("no good") from error


def raised(function, *arguments, **keywords) -> Exception:
    with pytest.raises(Exception) as caught:
        function(*arguments, **keywords)
    return caught.value


DOORS = [create_transport, create_async_transport, smtp_pool, smtp]


class TestTheDoor:
    def test_a_result_passes(self) -> None:
        assert discreet(int)("3") == 3

    def test_an_error_passes_with_its_cause(self) -> None:
        error = raised(fails, CANARY)
        assert isinstance(error, ConfigError)
        assert isinstance(error.__cause__, KeyError)

    @pytest.mark.parametrize("arguments", [{"secret": CANARY}, {"secret": "", "other": CANARY}], ids=str)
    def test_no_frame_holds_what_was_handed_in(self, arguments) -> None:
        assert CANARY not in shown(raised(fails, **arguments))

    def test_the_frames_still_say_where_it_went_wrong(self) -> None:
        names = [frame.name for frame in traceback.extract_tb(raised(fails, CANARY).__traceback__)]
        assert names[-1] == "fails"

    def test_the_locals_of_what_the_caller_was_handling_are_left_alone(self) -> None:
        def busy() -> None:
            mine = "my own affair"
            raise RuntimeError(len(mine))

        def handle() -> None:
            try:
                busy()
            except RuntimeError:
                fails(CANARY)

        with pytest.raises(ConfigError) as caught:
            handle()
        before = caught.value.__cause__.__context__
        assert isinstance(before, RuntimeError)
        assert traceback.extract_tb(before.__traceback__)[-1].name == "busy"
        (*_, (frame, _)) = traceback.walk_tb(before.__traceback__)
        assert frame.f_locals == {"mine": "my own affair"}

    @pytest.mark.parametrize("door", [*DOORS, failover, round_robin, direct])
    def test_each_front_door_keeps_its_name_and_its_text(self, door) -> None:
        assert door.__doc__
        assert inspect.signature(door).parameters


URLS = [
    f"smtp://user:{CANARY}@host.example:no-port",
    f"smtp://user:{CANARY}@host.example/?pol=true",
    f"smtp://user:{CANARY}@host.example/path",
    f"smtp://user:{CANARY}@host@host.example",
    f"smtp://user:{CANARY}@host.example/?port=0",
    f"smtp://user:{CANARY}%0a@host.example",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("door", DOORS)
def test_the_password_in_a_url_that_is_refused(door, url) -> None:
    error = raised(door, url)
    assert isinstance(error, ConfigError)
    assert CANARY not in shown(error)


@pytest.mark.parametrize(
    "url", [f"gopher://user:{CANARY}@host.example", f"smt://user:{CANARY}@host.example", f"user:{CANARY}@host.example"]
)
@pytest.mark.parametrize("door", [create_transport, create_async_transport])
def test_the_password_in_a_url_whose_scheme_is_refused(door, url) -> None:
    error = raised(door, url)
    assert isinstance(error, ConfigError)
    assert CANARY not in shown(error)


MAPPINGS = [
    {"hots": "host.example", "auth": {"user": "user", "pass": CANARY}},
    {"port": 0, "auth": ("user", CANARY)},
    {"service": "gmial", "auth": ("user", CANARY)},
    {"auth": CANARY},
    {"auth": {"user": "user", "pas": CANARY}},
    {"auth": {"type": "OAuth2", "user": "user", "refreshToken": CANARY, "clientId": 3}},
    {"tls": {"passphrase": CANARY, "ciper": "x"}},
    {"proxy": f"gopher://user:{CANARY}@proxy.example"},
    {"url": f"smtp://user:{CANARY}@host.example", "secure": "yes"},
    {"url": f"smtp://user:{CANARY}@host.example:no-port"},
    {"url": f"smtp://user:{CANARY}@host.example", "hots": "x"},
]


@pytest.mark.parametrize("mapping", MAPPINGS, ids="+".join)
@pytest.mark.parametrize("door", DOORS)
def test_the_password_in_a_mapping_that_is_refused(door, mapping) -> None:
    error = raised(door, mapping)
    assert isinstance(error, ConfigError)
    assert CANARY not in shown(error)
    assert CANARY.encode() not in pickle.dumps(error)


@pytest.mark.parametrize("mapping", MAPPINGS[:8], ids="+".join)
@pytest.mark.parametrize("door", [smtp_pool, smtp, SMTPOptions])
def test_the_password_among_keywords_that_are_refused(door, mapping) -> None:
    error = raised(door, **mapping)
    assert CANARY not in shown(error)


@pytest.mark.parametrize("door", [create_transport, create_async_transport])
def test_the_private_key_of_a_mailer_that_is_refused(door) -> None:
    error = raised(door, smtp(), dkim={"domainName": "example.com", "keySelector": "a", "privateKey": CANARY})
    assert isinstance(error, ConfigError)
    assert CANARY not in shown(error)


@pytest.mark.parametrize("combine", [failover, round_robin])
def test_the_password_of_a_member_that_is_refused(combine) -> None:
    error = raised(combine, ["json:", f"smtp://user:{CANARY}@host.example:no-port"])
    assert isinstance(error, ConfigError)
    assert CANARY not in shown(error)


class TestAMessage:
    """A message may hold a key as well: the caller's frames show it, and ours do not."""

    KEY = pem(ed25519.Ed25519PrivateKey.generate()).decode()
    PARTIES: ClassVar = {"from": "a@example.com", "to": "b@example.com", "text": "Hi"}
    DKIM: ClassVar = {"domainName": "example.com", "keySelector": "a"}
    FAILURES: ClassVar = {
        "by the transport": {"dkim": {**DKIM, "privateKey": KEY}},
        "by its key": {"dkim": {**DKIM, "privateKey": f"{KEY[:-40]}"}},
        "by an option of its key": {"dkim": {**DKIM, "privatKey": KEY}},
        "by a field": {"dkim": {**DKIM, "privateKey": KEY}, "subjct": "Hi"},
        "by an address": {"dkim": {**DKIM, "privateKey": KEY}, "to": "nonsense"},
        "by a file": {"attachments": [{"path": "/nonexistent", "httpHeaders": {"Authorization": KEY}}]},
    }

    @pytest.mark.parametrize("fields", FAILURES.values(), ids=FAILURES)
    @pytest.mark.parametrize("form", ["mapping", "keywords"])
    def test_that_is_not_sent_shows_no_key(self, front, fields, form) -> None:
        error = self.failure(front, lambda mailer, data: mailer.send_mail(*data[0], **data[1]), form, fields)
        assert self.KEY[40:80] not in shown(error)

    @pytest.mark.parametrize("fields", list(FAILURES.values())[1:], ids=list(FAILURES)[1:])
    def test_that_is_not_compiled_shows_no_key(self, front, fields) -> None:
        error = self.failure(front, lambda mailer, data: mailer.compile(*data[0], **data[1]), "mapping", fields)
        assert self.KEY[40:80] not in shown(error)

    def failure(self, front, call, form, fields) -> Exception:
        message = {**self.PARTIES, **fields}
        data = (
            ([message], {})
            if form == "mapping"
            else ([], {("from_" if k == "from" else k): message[k] for k in message})
        )

        async def scenario(mailer):
            with pytest.raises(Exception) as caught:
                await call(mailer, data)
            return caught.value

        return front(scenario, memory(fail_with="not_sent"))

    @pytest.mark.parametrize("fields", FAILURES.values(), ids=FAILURES)
    @pytest.mark.parametrize("in_flight", [1, 3])
    def test_of_many_shows_no_key(self, front, fields, in_flight) -> None:
        async def scenario(mailer):
            many = mailer.send_many([{**self.PARTIES, **fields}], in_flight=in_flight)
            return [delivery.error async for delivery in many]

        (error,) = front(scenario, smtp_pool("smtp://127.0.0.1:1", max_requeues=0))
        assert self.KEY[40:80] not in shown(error)


def test_the_locals_of_others_are_theirs(front) -> None:
    def plugin(mail):
        mine = "for my debugger"
        raise LookupError(len(mine))

    async def scenario(mailer):
        mailer.use("compile", plugin)
        with pytest.raises(LookupError) as caught:
            await mailer.send_mail(TestAMessage.PARTIES)
        return caught.value

    (*_, (frame, _)) = traceback.walk_tb(front(scenario, memory()).__traceback__)
    assert frame.f_locals["mine"] == "for my debugger"


def test_options_that_were_never_finished_can_be_shown() -> None:
    half_built = SMTPOptions.__new__(SMTPOptions)
    assert repr(half_built) == "SMTPOptions()"
    object.__setattr__(half_built, "host", "mail.example.com")
    assert repr(half_built) == "SMTPOptions(host='mail.example.com')"


def test_options_show_what_they_are_and_no_secret() -> None:
    options = SMTPOptions(host="mail.example.com", auth=("user", CANARY), proxy=f"http://u:{CANARY}@proxy.example")
    assert "host='mail.example.com', secure=False, port=25" in repr(options)
    assert CANARY not in repr(options)


def test_a_public_name_that_is_a_door_is_found_where_it_was() -> None:
    assert pymailer.create_transport.__module__ == "pymailer.mailer"
    assert SMTPOptions.__init__.__name__ == "__init__"
