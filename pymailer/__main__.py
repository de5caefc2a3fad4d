"""The command line: ``pymailer send | verify | services | demo``.

A failure prints one line that says what to do, and exits with a status that is not zero.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from pymailer.__about__ import __version__
from pymailer.errors import MailError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; those of the process by default.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, the user of a program is told in one line
        print(f"pymailer: {_one_line(error)}", file=sys.stderr)
        return 1


def _one_line(error: BaseException) -> str:
    if isinstance(error, MailError):
        return f"{' '.join(str(error).split())} [{error.outcome}]"
    known = isinstance(error, (LookupError, OSError, ImportError)) and str(error)
    return " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Argparse would print the usage as well, and quote what may be a URL with a password."""
        quoted = [word if "@" not in word and "://" not in word else "(a URL?)" for word in message.split()]
        self.exit(2, f"{self.prog}: {' '.join(quoted)}: see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="pymailer", description="Send mail, and know whether it was sent.")
    parser.add_argument("--version", action="version", version=f"pymailer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_send(commands.add_parser("send", help="send one message; the text comes from standard input"))
    _add_verify(commands.add_parser("verify", help="connect, secure the connection and log in, without sending"))
    services = commands.add_parser("services", help="list the well-known services")
    services.add_argument("name", nargs="?", help="show one: a name, an alias, a domain or an address")
    services.set_defaults(command=_services)
    demo = commands.add_parser("demo", help="send a batch through the pool to a server of its own, and show the result")
    demo.add_argument("--count", type=int, default=300, help="messages for each colour (default: %(default)s)")
    demo.set_defaults(command=_demo)
    return parser


def _add_transport(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        default=os.environ.get("PYMAILER_URL"),
        help="such as smtp://user:password@host:587; best given as $PYMAILER_URL, which no process list shows",
    )


def _add_send(parser: argparse.ArgumentParser) -> None:
    _add_transport(parser)
    parser.add_argument("--from", dest="from_", required=True)
    parser.add_argument("--to", action="append", required=True)
    parser.add_argument("--cc", action="append", default=[])
    parser.add_argument("--bcc", action="append", default=[])
    parser.add_argument("--subject", default="")
    parser.add_argument("--text", help="the text, instead of standard input")
    parser.add_argument("--html", help="the html body")
    parser.add_argument("--attach", action="append", default=[], metavar="FILE")
    parser.set_defaults(command=_send)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    _add_transport(parser)
    parser.set_defaults(command=_verify)


def _transport(options: argparse.Namespace) -> Any:
    if not options.url:
        raise LookupError("which server? Give --url smtp://user:password@host:587 or set $PYMAILER_URL")
    return options.url


def _send(options: argparse.Namespace) -> int:
    from pymailer import create_transport

    message: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("from_", "to", "cc", "bcc", "subject", "html")
        if getattr(options, name)
    }
    message["text"] = sys.stdin.read() if options.text is None else options.text
    message["attachments"] = [{"path": path} for path in options.attach]
    with create_transport(_transport(options)) as mailer:
        info = mailer.send_mail(message)
    print(f"{info.outcome} {info.message_id} {info.response}".rstrip())
    for error in info.rejected_errors:
        print(f"pymailer: {_one_line(error)}", file=sys.stderr)
    return 1 if info.rejected else 0


def _verify(options: argparse.Namespace) -> int:
    from pymailer import create_transport

    with create_transport(_transport(options)) as mailer:
        mailer.verify()
    print("the server takes the connection and the credentials")
    return 0


def _services(options: argparse.Namespace) -> int:
    import attrs

    from pymailer_wellknown import resolve, services

    if options.name:
        for name, value in attrs.asdict(resolve(options.name)).items():
            if value not in (None, (), "", False):
                print(f"{name:16}{value}")
        return 0
    for service in services():
        security = "TLS" if service.secure else "STARTTLS" if service.require_tls else "plain"
        print(f"{service.name:24}{service.host}:{service.port} {security}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    try:
        from pymailer.demo import run_demo
    except ImportError as error:
        raise ImportError(f"the demo needs its server ({error}): pip install 'pymailer[cli]'") from error
    return 0 if run_demo(options.count) else 1


if __name__ == "__main__":
    sys.exit(main())
