"""The sendmail transport against programs that take, refuse, hang and die; the real one is in `tests/interop`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pymailer.dsn import DSN
from pymailer.errors import (
    ConfigError,
    DeliveryUnknownError,
    EnvelopeError,
    MailError,
    MailTimeoutError,
    MessageError,
    TLSError,
)
from pymailer.outcome import Outcome
from pymailer.runtime.aio import AsyncioRuntime
from pymailer.transports import sendmail
from tests.mails import CONTENT, make_mail

TAKES = """
import json, os, sys
folder = os.path.dirname(__file__)
with open(f"{folder}/took", "wb") as took:
    took.write(sys.stdin.buffer.read())
with open(f"{folder}/arguments", "w") as arguments:
    json.dump(sys.argv[1:], arguments)
"""

Make = Callable[[str], str]


@pytest.fixture
def program(tmp_path: Path) -> Make:
    """Makes a program that runs this Python; returns its path."""

    def make(body: str) -> str:
        path = tmp_path / "mailer"
        path.write_text(f"#!{sys.executable} -I\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def sending(path: str, **options):
    """A coroutine function that sends one mail with that program."""
    own = {name: options.pop(name) for name in ("args", "newline", "timeout") if name in options}

    async def send(runtime):
        chunks = options.pop("chunks", ())
        return await sendmail(path=path, **own).send(make_mail(runtime, *chunks, **options))

    return send


def fails(drive, path: str, **options) -> MailError:
    with pytest.raises(MailError) as caught:
        drive(sending(path, **options))
    return caught.value


# --- what the program is given ---------------------------------------------------------------------------------------


def test_the_program_gets_the_message_and_the_envelope(drive, program, tmp_path) -> None:
    info = drive(sending(program(TAKES), to=("b@example.com", "c@example.com")))
    assert (tmp_path / "took").read_bytes() == CONTENT.replace(b"\r\n", b"\n")
    arguments = json.loads((tmp_path / "arguments").read_text())
    assert arguments == ["-i", "-f", "a@example.com", "--", "b@example.com", "c@example.com"]
    assert info.accepted == ("b@example.com", "c@example.com")
    assert info.response == "Messages queued for delivery"


def test_the_null_sender_is_said_and_not_left_out(drive, program, tmp_path) -> None:
    drive(sending(program(TAKES), from_=""))
    assert json.loads((tmp_path / "arguments").read_text())[:3] == ["-i", "-f", "<>"]


def test_arguments_of_your_own_take_the_place_of_the_sender(drive, program, tmp_path) -> None:
    drive(sending(program(TAKES), args=["-t", "-oX"]))
    assert json.loads((tmp_path / "arguments").read_text()) == ["-i", "-t", "-oX", "--", "b@example.com"]


def test_delivery_status_notifications_are_asked_for(drive, program, tmp_path) -> None:
    drive(sending(program(TAKES), dsn=DSN(ret="HDRS", envid="-id", notify=("FAILURE", "DELAY"))))
    arguments = json.loads((tmp_path / "arguments").read_text())
    assert arguments[3:-2] == ["-N", "failure,delay", "-R", "hdrs", "-V", "-id"]


def test_crlf_where_it_is_asked_for(drive, program, tmp_path) -> None:
    drive(sending(program(TAKES), newline="windows"))
    assert (tmp_path / "took").read_bytes() == CONTENT


def test_a_message_larger_than_a_pipe_arrives_whole(drive, program, tmp_path) -> None:
    line = b"x" * 76 + b"\r\n"
    drive(sending(program(TAKES), chunks=[line * 1000] * 30))
    assert (tmp_path / "took").stat().st_size == 77 * 30_000


# --- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome", "temporary"),
    [
        (os.EX_TEMPFAIL, Outcome.REJECTED, True),
        (os.EX_OSERR, Outcome.REJECTED, True),
        (os.EX_NOUSER, Outcome.REJECTED, False),
        (os.EX_DATAERR, Outcome.REJECTED, False),
        (os.EX_UNAVAILABLE, Outcome.REJECTED, False),
        (os.EX_USAGE, Outcome.NOT_SENT, False),
        (os.EX_CONFIG, Outcome.NOT_SENT, False),
        (127, Outcome.NOT_SENT, False),
        (3, Outcome.REJECTED, False),
    ],
)
def test_exit_statuses_are_told_apart(drive, program, status, outcome, temporary) -> None:
    error = fails(drive, program(f"import sys; sys.stdin.buffer.read(); sys.exit({status})"))
    assert (error.code, error.outcome, error.temporary) == ("ESENDMAIL", outcome, temporary)
    assert str(status) in str(error)


def test_what_the_program_says_is_in_the_error(drive, program) -> None:
    body = "import sys; sys.stdin.buffer.read(); print('no such\\x1b[31m user', file=sys.stderr); sys.exit(67)"
    error = fails(drive, program(body))
    assert "no such [31m user" in str(error)


def test_a_program_that_refuses_without_reading_is_understood(drive, program) -> None:
    error = fails(drive, program("import sys; sys.exit(75)"), chunks=[CONTENT * 10_000])
    assert (error.outcome, error.temporary) == (Outcome.REJECTED, True)


def test_success_before_the_message_was_read_is_no_success(drive, program) -> None:
    error = fails(drive, program("import sys; sys.exit(0)"), chunks=[CONTENT * 10_000])
    assert (error.code, error.outcome) == ("ESENDMAIL", Outcome.NOT_SENT)


def test_a_program_that_dies_with_the_whole_message_leaves_it_unknown(drive, program) -> None:
    body = f"import os, sys; sys.stdin.buffer.read(); os.kill(os.getpid(), {int(signal.SIGKILL)})"
    error = fails(drive, program(body))
    assert isinstance(error, DeliveryUnknownError)
    assert error.outcome is Outcome.UNKNOWN


def test_a_program_that_dies_with_a_part_of_the_message_did_not_send_it(drive, program) -> None:
    body = f"import os, sys; os.kill(os.getpid(), {int(signal.SIGTERM)})"
    error = fails(drive, program(body), chunks=[CONTENT * 10_000])
    assert (error.outcome, error.temporary) == (Outcome.NOT_SENT, True)


def test_a_program_that_is_not_there_is_told_with_advice(drive) -> None:
    error = fails(drive, "/nowhere/sendmail")
    assert (error.code, error.outcome) == ("ESENDMAIL", Outcome.NOT_SENT)
    assert "/nowhere/sendmail" in str(error)
    assert isinstance(error.__cause__, FileNotFoundError)


def test_verify_looks_whether_the_program_is_there(drive, program) -> None:
    assert drive(sendmail(path=program(TAKES)).verify) is True
    with pytest.raises(MailError, match="/nowhere/sendmail"):
        drive(sendmail(path="/nowhere/sendmail").verify)


# --- when it takes too long ------------------------------------------------------------------------------------------

READS_NOTHING = "import signal; signal.pause()"
NEVER_ENDS = "import signal, sys; sys.stdin.buffer.read(); signal.pause()"


def test_a_program_that_does_not_read_is_stopped_in_time(drive, program) -> None:
    error = fails(drive, program(READS_NOTHING), chunks=[CONTENT * 10_000], timeout=0.2)
    assert isinstance(error, MailTimeoutError)
    assert error.outcome is Outcome.NOT_SENT


def test_a_program_that_never_ends_leaves_the_message_unknown(drive, program) -> None:
    error = fails(drive, program(NEVER_ENDS), timeout=0.3)
    assert isinstance(error, DeliveryUnknownError)
    assert isinstance(error.__cause__, TimeoutError)


def test_the_deadline_of_the_send_counts_as_well(drive, program) -> None:
    path = program(READS_NOTHING)

    async def send(runtime):
        mail = make_mail(runtime, CONTENT * 10_000, deadline=runtime.now() + 0.2)
        await sendmail(path=path).send(mail)

    with pytest.raises(MailTimeoutError):
        drive(send)


def test_a_cancelled_send_stops_the_program_and_knows_the_outcome(program, tmp_path) -> None:
    path = program(
        f"import os, signal, sys; sys.stdin.buffer.read(); open({str(tmp_path / 'read')!r}, 'w').close()\n"
        "signal.pause()"
    )
    mail = make_mail(AsyncioRuntime())

    async def cancel() -> None:
        task = asyncio.get_running_loop().create_task(sendmail(path=path).send(mail))
        while not (tmp_path / "read").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert mail.outcome is Outcome.UNKNOWN


def test_a_message_that_cannot_be_read_is_not_sent_in_part(drive, program, tmp_path) -> None:
    def source():
        yield CONTENT * 5000
        raise OSError("the disk is gone")

    error = fails(drive, program(TAKES), source=source)
    assert isinstance(error, MessageError)
    assert not (tmp_path / "arguments").exists(), "the program saw a regular end"


# --- what is refused before a program runs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "-X/var/www/x.php@example.com",
        '"-X/tmp/x"@example.com',
        '"a b"@example.com',
        "a b@example.com",
        "a\n@example.com",
        "a\0@example.com",
        "a(c)@example.com",
        "a@example.com -oQ/tmp",
        "a,b@example.com",
        "|/bin/sh",
        "/var/mail/x",
        ":include:/etc/passwd",
        "@example.com",
        "",
        "\udc80@example.com",
    ],
)
def test_an_address_with_another_reading_is_refused(drive, program, tmp_path, address) -> None:
    error = fails(drive, program(TAKES), to=("b@example.com", address))
    assert isinstance(error, EnvelopeError)
    assert (error.code, error.outcome) == ("ESENDMAIL", Outcome.NOT_SENT)
    assert not (tmp_path / "arguments").exists()


def test_a_sender_with_another_reading_is_refused(drive, program) -> None:
    assert isinstance(fails(drive, program(TAKES), from_="-bs"), EnvelopeError)


@pytest.mark.parametrize(
    "address", ["root", "o'brien@example.com", "|/bin/sh@example.com", "a@[192.0.2.1]", "ü@example.com"]
)
def test_ordinary_addresses_are_not_refused(drive, program, tmp_path, address) -> None:
    drive(sending(program(TAKES), to=(address,)))
    assert json.loads((tmp_path / "arguments").read_text())[-1] == address


def test_tls_on_every_hop_cannot_be_promised(drive, program) -> None:
    assert isinstance(fails(drive, program(TAKES), require_tls=True), TLSError)


@pytest.mark.parametrize(
    "options",
    [{"path": ""}, {"path": "-x"}, {"path": 3}, {"args": "-t"}, {"args": [1]}, {"newline": "cr"}, {"pth": "x"}],
)
def test_a_wrong_option_is_refused(options) -> None:
    with pytest.raises(ConfigError):
        sendmail(**options)
