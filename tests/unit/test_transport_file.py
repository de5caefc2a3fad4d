"""The file transport leaves whole messages or none, in a directory that other programs can read."""

from __future__ import annotations

import mailbox
import shutil

import pytest

from pymailer.errors import ConfigError, MailError, MessageError
from pymailer.outcome import Outcome
from pymailer.transports import file
from pymailer.transports.eml import unique_name
from tests.mails import CONTENT, make_mail


def test_each_message_is_an_eml_file_of_its_own(drive, tmp_path) -> None:
    async def send(runtime):
        transport = file(tmp_path / "out" / "mail")
        return [await transport.send(make_mail(runtime)) for _ in range(3)]

    infos = drive(send)
    paths = sorted((tmp_path / "out" / "mail").iterdir())
    assert [path.read_bytes() for path in paths] == [CONTENT] * 3
    assert {path.suffix for path in paths} == {".eml"}
    assert sorted(info.response for info in infos) == [str(path) for path in paths]


def test_a_maildir_can_be_read_by_a_mail_program(drive, tmp_path) -> None:
    async def send(runtime):
        await file(tmp_path, format="maildir").send(make_mail(runtime))

    drive(send)
    (message,) = mailbox.Maildir(tmp_path, create=False)
    assert message["Subject"] == "Hi"
    assert message.get_subdir() == "new"
    assert list((tmp_path / "tmp").iterdir()) == []
    assert b"\r" not in next((tmp_path / "new").iterdir()).read_bytes()


def test_nothing_is_left_of_a_message_that_cannot_be_read(drive, tmp_path) -> None:
    seen: list[list[str]] = []

    def source():
        yield CONTENT * 2000
        seen.append([path.name for path in tmp_path.iterdir()])
        raise OSError("the disk is gone")

    async def send(runtime):
        await file(tmp_path).send(make_mail(runtime, source=source))

    with pytest.raises(MessageError, match="the disk is gone"):
        drive(send)
    assert list(tmp_path.iterdir()) == []
    assert not any(name.endswith(".eml") for name in seen[0]), "a half-written message had its final name"


def test_a_disk_that_takes_nothing_is_an_error_that_may_pass(drive, tmp_path) -> None:
    transport = file(tmp_path / "mail")
    (tmp_path / "mail").rmdir()

    async def send(runtime):
        await transport.send(make_mail(runtime))

    with pytest.raises(MailError) as caught:
        drive(send)
    assert (caught.value.code, caught.value.outcome, caught.value.temporary) == ("EFILE", Outcome.NOT_SENT, True)


@pytest.mark.parametrize("form", ["eml", "maildir"])
def test_verify_looks_whether_the_disk_takes_a_file_and_leaves_none(drive, tmp_path, form) -> None:
    transport = file(tmp_path / "mail", format=form)
    assert drive(transport.verify) is True
    assert [path for path in (tmp_path / "mail").rglob("*") if path.is_file()] == []
    shutil.rmtree(tmp_path / "mail")
    with pytest.raises(MailError, match="mail"):
        drive(transport.verify)


def test_names_are_unique_and_in_order() -> None:
    names = [unique_name() for _ in range(1000)]
    assert len(set(names)) == 1000
    assert not any("/" in name or ":" in name for name in names)


def test_an_unknown_format_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="eml, maildir"):
        file(tmp_path, format="mbox")


def test_a_directory_that_cannot_be_made_is_refused(tmp_path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ConfigError, match="taken"):
        file(tmp_path / "taken" / "mail")
