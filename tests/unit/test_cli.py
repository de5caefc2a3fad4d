"""`python -m pymailer`: what it prints, how it exits, and what it never shows (API, section 12)."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pymailer.__about__ import __version__
from pymailer.__main__ import main
from pymailer.testing import SMTPServer

ROOT = Path(__file__).parents[2]
CANARY = "yellow-bird-4711"
PARTIES = ["--from", "a@example.com", "--to", "b@example.com"]


@pytest.fixture(autouse=True)
def _no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYMAILER_URL", raising=False)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit status, and what went to each of the two streams."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, *capsys.readouterr()


class TestSend:
    def test_sends_what_it_is_told(self, capsys, tmp_path) -> None:
        note = tmp_path / "note.txt"
        note.write_text("attached")
        with SMTPServer() as server:
            more = ["--cc", "c@example.com", "--bcc", "d@example.com", "--subject", "Grüße", "--html", "<p>Hi</p>"]
            status, out, err = said(
                capsys, "send", "--url", server.url, *PARTIES, *more, "--text", "Hi", "--attach", str(note)
            )
            received = server.only
        assert (status, err) == (0, "")
        assert out.startswith("accepted <")
        assert out.count("\n") == 1
        assert received.subject == "Grüße"
        assert received.envelope.to == ("b@example.com", "c@example.com", "d@example.com")
        assert b"note.txt" in received.content

    def test_takes_the_text_from_standard_input(self, capsys, monkeypatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("from the pipe\n"))
        with SMTPServer() as server:
            assert said(capsys, "send", "--url", server.url, *PARTIES)[0] == 0
            assert b"from the pipe" in server.only.content

    def test_takes_the_server_from_the_environment(self, capsys, monkeypatch) -> None:
        with SMTPServer() as server:
            monkeypatch.setenv("PYMAILER_URL", server.url)
            assert said(capsys, "send", *PARTIES, "--text", "Hi")[0] == 0
            assert len(server.messages) == 1

    def test_tells_who_was_refused_and_exits_with_a_failure(self, capsys) -> None:
        with SMTPServer(fail_with="partial") as server:
            status, out, err = said(
                capsys, "send", "--url", server.url, *PARTIES, "--to", "c@example.com", "--text", "Hi"
            )
        assert status == 1
        assert out.startswith("partial <")
        assert err.startswith("pymailer: ")
        assert "c@example.com" in err
        assert err.count("\n") == 1


class TestVerify:
    def test_says_that_all_is_well(self, capsys) -> None:
        with SMTPServer(users={"me": "secret"}) as server:
            status, out, err = said(capsys, "verify", "--url", f"smtp://me:secret@{server.host}:{server.port}")
        assert (status, err) == (0, "")
        assert "credentials" in out

    def test_says_in_one_line_that_the_password_is_wrong(self, capsys) -> None:
        with SMTPServer(users={"me": "secret"}) as server:
            status, out, err = said(capsys, "verify", "--url", f"smtp://me:{CANARY}@{server.host}:{server.port}")
        assert (status, out) == (1, "")
        assert one_line(err)
        assert CANARY not in err
        assert f"{server.host}:{server.port}" in err


def one_line(err: str) -> bool:
    """Whether it is one line by this program, and no traceback."""
    return err.startswith("pymailer") and err.count("\n") == 1 and err.endswith("\n") and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["verify"], "PYMAILER_URL"),
        (["send", *PARTIES, "--text", "Hi"], "PYMAILER_URL"),
        (["verify", "--url", "smtp://127.0.0.1:1"], "127.0.0.1:1"),
        (["verify", "--url", "http://127.0.0.1"], "smtp:"),
        (["verify", "--url", "smtp://127.0.0.1/?conectionTimeout=1"], "did you mean 'connection_timeout'"),
        (["verify", "--url", "127.0.0.1"], "smtp://"),
        (["send", "--url", "memory:", "--from", "a", "--to", "b@example.com", "--text", ""], "'a'"),
        (["send", "--url", "memory:", *PARTIES, "--text", "", "--attach", "/nonexistent"], "/nonexistent"),
        (["services", "gmial"], "Gmail"),
        (["send", "--to", "b@example.com"], "--from"),
        (["sned"], "choose from"),
        ([], "command"),
        (["demo", "--count", "many"], "many"),
    ],
    ids=" ".join,
)
def test_a_failure_is_one_line_that_says_what_to_do(capsys, arguments, hint) -> None:
    status, out, err = said(capsys, *arguments)
    assert status != 0
    assert out == ""
    assert one_line(err), err
    assert hint in err


def test_an_error_that_nobody_expected_is_one_line_too(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xff"), encoding="utf-8"))
    status, _, err = said(capsys, "send", "--url", "memory:", *PARTIES)
    assert status == 1
    assert one_line(err)
    assert "UnicodeDecodeError" in err


def test_ctrl_c_is_no_traceback(capsys, monkeypatch) -> None:
    class Interrupted(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert said(capsys, "send", "--url", "memory:", *PARTIES) == (130, "", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--url", f"smtp://me:{CANARY}@127.0.0.1:1"],
        ["verify", "--url", f"smtp://me:{CANARY}@127.0.0.1:no-port"],
        ["verify", "--url", f"me:{CANARY}@127.0.0.1"],
        ["verify", "--url", f"smtp://me:{CANARY}@127.0.0.1/?pol=true"],
        ["verify", "--url", f"gopher://me:{CANARY}@127.0.0.1"],
        ["verify", f"smtp://me:{CANARY}@127.0.0.1"],
        [f"smtp://me:{CANARY}@127.0.0.1"],
        ["send", "--url", f"smtp://me:{CANARY}@127.0.0.1:1", *PARTIES, "--text", "Hi"],
    ],
    ids=" ".join,
)
def test_a_password_is_never_printed(capsys, arguments) -> None:
    status, out, err = said(capsys, *arguments)
    assert status != 0
    assert CANARY not in out + err
    assert one_line(err), err


def test_nor_is_one_from_the_environment(capsys, monkeypatch) -> None:
    monkeypatch.setenv("PYMAILER_URL", f"smtp://me:{CANARY}@127.0.0.1:1")
    for arguments in (["verify"], ["verify", "--help"], ["send", *PARTIES, "--text", "Hi"]):
        assert CANARY not in "".join(said(capsys, *arguments)[1:])


class TestServices:
    def test_are_listed(self, capsys) -> None:
        status, out, _ = said(capsys, "services")
        assert status == 0
        assert any(line.split() == ["Gmail", "smtp.gmail.com:465", "TLS"] for line in out.splitlines())

    @pytest.mark.parametrize("name", ["gmail", "googlemail.com", "me@gmail.com"])
    def test_one_is_shown_by_any_of_its_names(self, capsys, name) -> None:
        status, out, _ = said(capsys, "services", name)
        assert status == 0
        assert "smtp.gmail.com" in out
        assert "465" in out


class TestTheProgram:
    @pytest.mark.parametrize("arguments", [["--help"], ["send", "--help"], ["services", "--help"], ["demo", "--help"]])
    def test_explains_itself(self, capsys, arguments) -> None:
        status, out, err = said(capsys, *arguments)
        assert (status, err) == (0, "")
        assert "usage: pymailer" in out

    def test_says_its_version(self, capsys) -> None:
        assert said(capsys, "--version") == (0, f"pymailer {__version__}\n", "")

    def test_runs_as_a_module(self) -> None:
        done = run("verify")
        assert done.returncode == 1
        assert one_line(done.stderr)

    def test_shows_the_main_job(self) -> None:
        done = run("demo", "--count", "8")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "16 messages arrived" in done.stdout
        assert "everything shown above was checked" in done.stdout
        assert done.stderr == ""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m pymailer` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pymailer", *arguments],
        env={name: value for name, value in os.environ.items() if name != "PYMAILER_URL"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
