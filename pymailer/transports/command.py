"""A transport that hands each message to a local mail program: `sendmail`, or whatever goes by its name.

Knows the program's arguments, and that an address among them is input from outside. There is no shell. An address
that a mail program could read as anything but an address is refused, and what follows ``--`` is no option.
"""

from __future__ import annotations

import os
import shutil
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.__about__ import __version__
from pymailer.errors import ConfigError, EnvelopeError, MailError, TLSError
from pymailer.options import gather, seconds
from pymailer.outcome import Outcome, Stage
from pymailer.transports.exit_status import CODE, explain_exit, timed_out
from pymailer.transports.in_memory import delivered
from pymailer.transports.newlines import UNIX, line_end, message_chunks
from pymailer.transports.program import Program

if TYPE_CHECKING:
    from pymailer.dsn import DSN
    from pymailer.results import Envelope, SentMessageInfo
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail

NULL_SENDER: Final = "<>"
"""How the null reverse-path is said to `-f`: an empty argument means "not given" to some programs."""

_ATEXT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.")
"""What an unquoted local part consists of (RFC 5322 3.2.3)."""
_PROGRAMS_OF_SENDMAIL: Final = "|/:"
"""What begins a pipe, a file or an include (aliases(5)) where no domain says that an address is meant."""
_SBIN: Final = os.pathsep.join(("/usr/sbin", "/usr/lib", "/usr/local/sbin"))
"""Where sendmail lies on systems that do not have it in the PATH of every user."""


def _path(_: object, __: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value or value.startswith("-") or "\0" in value:
        raise ConfigError(f"path must be the mail program's name or path, not {value!r}")


def _args(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str) or not all(isinstance(each, str) and "\0" not in each for each in value):
        raise ConfigError(f"args must be a list of arguments, not {value!r}")
    return tuple(value)


@attrs.frozen(kw_only=True)
class SendmailOptions:
    """Which program to run, and how.

    Attributes:
        path: Its path; a bare name is looked for in PATH, and where a sendmail usually lies.
        args: Arguments of your own instead of ``-f`` and the sender; ``-i`` and the recipients are always there.
        newline: ``"unix"`` (LF, what mail programs expect) or ``"windows"`` (CRLF).
        timeout: Seconds after which the program is stopped.

    Raises:
        ConfigError: A value is of the wrong type.
    """

    path: str = attrs.field(default="sendmail", validator=_path)
    args: tuple[str, ...] | None = attrs.field(default=None, converter=_args)
    newline: str = line_end(UNIX)
    timeout: float = seconds(600.0)


_NAMES: Final = frozenset(field.name for field in attrs.fields(SendmailOptions))


class SendmailTransport:
    """Runs a mail program for each message.

    Args:
        options: Which one, and how.
    """

    name = "Sendmail"
    version: str = __version__

    def __init__(self, options: SendmailOptions | None = None) -> None:
        self.options: SendmailOptions = options or SendmailOptions()

    def __repr__(self) -> str:
        return f"<SendmailTransport {self.options.path}>"

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Give one message to the program.

        Raises:
            EnvelopeError: An address could be read as something else.
            MailError: The program cannot be run or did not end well (``ESENDMAIL``).
            DeliveryUnknownError: It was stopped after it was given the whole message.
        """
        arguments = command_line(self.options, mail.envelope, mail.dsn)
        if mail.require_tls:
            raise TLSError("sendmail cannot promise TLS on every hop (RFC 8689)", code="EREQUIRETLS", stage=Stage.MAIL)
        deadline = mail.runtime.now() + self.options.timeout
        if mail.deadline is not None:
            deadline = min(deadline, mail.deadline)
        with self._start(arguments) as program:
            size = await self._hand_over(program, mail, deadline)
        return attrs.evolve(delivered(mail, size), response="Messages queued for delivery")

    async def verify(self, _: Runtime) -> bool:
        """Look whether the program is there.

        Raises:
            MailError: It is not, or cannot be executed.
        """
        if shutil.which(_found(self.options.path)) is None:
            raise self._cannot_run("no such program")
        return True

    def _start(self, arguments: list[str]) -> Program:
        try:
            return Program([argument.encode() for argument in arguments])
        except OSError as error:
            raise self._cannot_run(error.strerror or str(error)) from error

    def _cannot_run(self, why: str) -> MailError:
        return MailError(
            f"cannot run {self.options.path!r}: {why}; "
            f"the option path says where the mail program is (often /usr/sbin/sendmail)",
            code=CODE,
        )

    async def _hand_over(self, program: Program, mail: Mail, deadline: float) -> int:
        """Write the message and wait for the program's verdict; the number of octets written."""
        complete, size = False, 0
        try:
            async with aclosing(message_chunks(mail.message, mail.runtime, self.options.newline)) as chunks:
                async for chunk in chunks:
                    size += len(chunk)
                    if not await program.write(mail.runtime, chunk, deadline):
                        break
                else:
                    complete = True
                    mail.outcome = Outcome.UNKNOWN
                    program.end_input()
            status = await program.wait(mail.runtime, deadline)
        except TimeoutError as error:
            if isinstance(error, MailError):
                raise
            raise timed_out(self.options.path, program.said(), complete=complete) from error
        if status == 0 and complete:
            return size
        raise explain_exit(self.options.path, status, program.said(), complete=complete)


def command_line(options: SendmailOptions, envelope: Envelope, dsn: DSN | None = None) -> list[str]:
    """The program and its arguments.

    Raises:
        EnvelopeError: There is no recipient, or an address could be read as something else.
    """
    if not envelope.to:
        raise EnvelopeError("there is no recipient", code=CODE, stage=Stage.RCPT)
    for address in (*filter(None, [envelope.from_]), *envelope.to):  # the null sender is no argument from outside
        check_argument(address)
    own = _own_arguments(envelope, dsn) if options.args is None else options.args
    # -i: a line with a lone dot does not end the message
    return [_found(options.path), "-i", *own, "--", *envelope.to]


def _found(path: str) -> str:
    """A bare name with its directory, where it can be found; whoever runs it tells if it cannot."""
    return shutil.which(path) or shutil.which(path, path=_SBIN) or path


def _own_arguments(envelope: Envelope, dsn: DSN | None) -> list[str]:
    arguments = ["-f", envelope.from_ or NULL_SENDER]
    if dsn is not None:
        arguments += ["-N", ",".join(dsn.notify).lower()] if dsn.notify else []
        arguments += ["-R", dsn.ret.lower()] if dsn.ret else []
        arguments += ["-V", dsn.envid] if dsn.envid else []
    return arguments


def check_argument(address: str) -> None:
    """Refuse an address that a mail program could take for an option, a program, a file, or more than one address.

    Raises:
        EnvelopeError: It could. A quoted local part is among what is refused: programs have read options out of it
            (CVE-2016-10033 and its relatives).
    """
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = domain, ""
    if address.startswith("-"):
        why = "it begins like an option"
    elif not local or not all(char in _ATEXT or (char.isprintable() and not char.isascii()) for char in local):
        why = "its local part is empty, or has characters that a mail program may interpret"
    elif at and (not domain or not domain.isprintable() or any(char in " \"'\\<>(),;" for char in domain)):
        why = "its domain is none"
    elif not at and local[0] in _PROGRAMS_OF_SENDMAIL:
        why = "without a domain it means a program or a file"
    else:
        return
    raise EnvelopeError(f"{address!r} is not given to a mail program: {why}", code=CODE, stage=Stage.RCPT)


def sendmail(options: object = None, /, **keywords: Any) -> SendmailTransport:
    """A transport that hands each message to the local mail program.

    Args:
        options: A mapping of options in either spelling, or a URL.
        keywords: The same options one by one: ``path``, ``args``, ``newline``, ``timeout``; they win.

    Raises:
        ConfigError: An option is unknown or wrong.
    """
    return SendmailTransport(
        SendmailOptions(**gather(options, keywords, _NAMES, ("timeout",), "sendmail", ["sendmail"]))
    )
