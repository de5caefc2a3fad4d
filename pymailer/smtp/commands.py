"""The only place that writes a command line (RFC 5321 4.1.1): values in, the octets of one line out.

Every value is checked here again, whatever was checked before, so that no argument can become more than its own field.
This module knows the grammar of commands; it must not know when one is sent or what is answered.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final

from pymailer.errors import ConfigError, EnvelopeError, MailError
from pymailer.smtp.paths import forward_path, reverse_path

if TYPE_CHECKING:
    from pymailer.dsn import DSN
    from pymailer.secret import Secret

__all__ = [
    "DATA",
    "MAX_AUTH_LINE",
    "MAX_COMMAND",
    "MAX_LINE",
    "NOOP",
    "QUIT",
    "RSET",
    "STARTTLS",
    "auth",
    "auth_response",
    "auth_takes",
    "bdat",
    "ehlo",
    "helo",
    "lhlo",
    "line",
    "mail",
    "rcpt",
    "xtext",
]

MAX_LINE: Final = 512
"""Octets of a command with its line end (RFC 5321 4.5.3.1.4)."""
MAX_COMMAND: Final = 1024
"""Octets of MAIL and RCPT, which the extensions below lengthen: SIZE, SMTPUTF8 and DSN by some 640 together."""
MAX_AUTH_LINE: Final = 12_288
"""Octets of one line of an authentication exchange (RFC 4954 4)."""

DATA: Final = b"DATA\r\n"
NOOP: Final = b"NOOP\r\n"
QUIT: Final = b"QUIT\r\n"
RSET: Final = b"RSET\r\n"
STARTTLS: Final = b"STARTTLS\r\n"


def line(text: str, *, utf8: bool = False, limit: int = MAX_LINE, error: type[MailError] = ConfigError) -> bytes:
    """One command line, which nothing in `text` can turn into two.

    Args:
        text: The command without its line end.
        utf8: Whether it may hold more than ASCII (RFC 6531).
        limit: Octets that it may have with its line end.
        error: What to raise otherwise.
    """
    if not text.isprintable() or not (utf8 or text.isascii()):
        raise error(f"a command may not hold {_first_unprintable(text)!r}")
    octets = text.encode() + b"\r\n"
    if len(octets) > limit:
        raise error(f"a command of {len(octets)} octets is longer than the {limit} that a server must take")
    return octets


def _first_unprintable(text: str) -> str:
    return next(char for char in text if not (char.isprintable() and char.isascii()))


def ehlo(name: str) -> bytes:
    """Greets with `name`, which `ehlo_name` has checked."""
    return line(f"EHLO {_word(name)}")


def helo(name: str) -> bytes:
    """Greets a server that does not know EHLO."""
    return line(f"HELO {_word(name)}")


def lhlo(name: str) -> bytes:
    """Greets an LMTP server (RFC 2033 4.1)."""
    return line(f"LHLO {_word(name)}")


def _word(value: str) -> str:
    if not value or " " in value:
        raise ConfigError(f"{value!r} is not one word")
    return value


def mail(
    from_: str,
    *,
    size: int | None = None,
    eightbit: bool = False,
    smtputf8: bool = False,
    dsn: DSN | None = None,
    require_tls: bool = False,
) -> bytes:
    """Begins a transaction; each parameter that is given needs its extension offered.

    Args:
        from_: The sender without brackets; ``""`` is the null sender.
        size: The message's octets (RFC 1870).
        eightbit: The body is 8BITMIME (RFC 6152).
        smtputf8: Addresses or headers are UTF-8 (RFC 6531).
        dsn: RET and ENVID are taken from it (RFC 3461).
        require_tls: Every further hop must use TLS (RFC 8689).

    Raises:
        AddressError: `from_` is not exactly one address.
        EnvelopeError: Another value is not what it should be, or the address needs SMTPUTF8.
    """
    text = f"MAIL FROM:<{reverse_path(from_, smtputf8=smtputf8)}>"
    if size is not None:
        text += f" SIZE={_number('size', size, 0, 10**20 - 1)}"
    if eightbit:
        text += " BODY=8BITMIME"
    if smtputf8:
        text += " SMTPUTF8"
    if dsn is not None:
        text += _envelope_wishes(dsn)
    if require_tls:
        text += " REQUIRETLS"
    return line(text, utf8=smtputf8, limit=MAX_COMMAND, error=EnvelopeError)


def rcpt(to: str, *, smtputf8: bool = False, dsn: DSN | None = None) -> bytes:
    """Names a recipient; NOTIFY and ORCPT are taken from `dsn` (RFC 3461).

    Raises:
        AddressError: `to` is not exactly one address.
        EnvelopeError: It needs SMTPUTF8, or the command became too long.
    """
    text = f"RCPT TO:<{forward_path(to, smtputf8=smtputf8)}>"
    if dsn is not None:
        text += _recipient_wishes(dsn)
    return line(text, utf8=smtputf8, limit=MAX_COMMAND, error=EnvelopeError)


def _number(name: str, value: int, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:  # a bool is an int, and text can be longer than a number
        raise EnvelopeError(f"{name} is a whole number from {low} to {high}, not {value!r}")
    return value


def _envelope_wishes(dsn: DSN) -> str:
    ret = f" RET={dsn.ret}" if dsn.ret else ""
    return ret + (f" ENVID={xtext(dsn.envid)}" if dsn.envid else "")


def _recipient_wishes(dsn: DSN) -> str:
    notify = f" NOTIFY={','.join(dsn.notify)}" if dsn.notify else ""
    if not dsn.orcpt:
        return notify
    kind, _, address = dsn.orcpt.partition(";")
    encode = _utf8_xtext if kind.lower() == "utf-8" else xtext
    return f"{notify} ORCPT={kind};{encode(address)}"


def xtext(text: str) -> str:
    """The text as a parameter's value: every octet but printable ASCII as ``+`` and two hex digits (RFC 3461 4)."""
    return "".join(
        chr(octet) if 33 <= octet <= 126 and octet not in b"+=" else f"+{octet:02X}" for octet in text.encode()
    )


def _utf8_xtext(text: str) -> str:
    """The same for an address that is not ASCII, in the form that also servers without SMTPUTF8 take (RFC 6533 3)."""
    return "".join(char if "!" <= char <= "~" and char not in "+=\\" else f"\\x{{{ord(char):02X}}}" for char in text)


def bdat(size: int, *, last: bool) -> bytes:
    """Announces a chunk of `size` octets (RFC 3030)."""
    return (b"BDAT %d LAST\r\n" if last else b"BDAT %d\r\n") % _number("size", size, 0, 10**20 - 1)


def auth(mechanism: str, initial: Secret[bytes] | None = None) -> bytes:
    """Begins an authentication exchange (RFC 4954 4).

    Args:
        mechanism: The mechanism's name.
        initial: The initial response, if it goes along (and `auth_takes` it); an empty one is written ``=``.

    Raises:
        ConfigError: The line would be too long.
    """
    if initial is None:
        return line(f"AUTH {_word(mechanism)}")
    if not auth_takes(mechanism, initial):
        raise ConfigError(f"the initial response of {mechanism} does not fit in the AUTH line")
    return line(f"AUTH {_word(mechanism)}")[:-2] + b" " + (b64encode(initial.reveal()) or b"=") + b"\r\n"


def auth_takes(mechanism: str, initial: Secret[bytes]) -> bool:
    """Whether an initial response may go along with AUTH, which is bound to the length of any command (RFC 4954 4)."""
    return len(f"AUTH {mechanism} \r\n") + _base64_length(len(initial.reveal())) <= MAX_LINE


def auth_response(response: Secret[bytes]) -> bytes:
    """Answers a challenge.

    Raises:
        ConfigError: The line would be too long.
    """
    if _base64_length(len(response.reveal())) + 2 > MAX_AUTH_LINE:
        raise ConfigError(f"the credentials make a line of over {MAX_AUTH_LINE} octets, which no server takes")
    return b64encode(response.reveal()) + b"\r\n"


def _base64_length(octets: int) -> int:
    return (octets + 2) // 3 * 4
