"""What is said for one message: the command lines, by what the message needs and what the server offers.

Whatever cannot be said is refused here, before a byte is on the wire. Pure: values in, lines out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from pymailer.errors import EnvelopeError, MessageError, TLSError
from pymailer.outcome import Stage
from pymailer.smtp import commands
from pymailer.smtp.transaction import RSET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymailer.smtp.extensions import Capabilities
    from pymailer.smtp.options import SMTPOptions
    from pymailer.transport import Mail

Expected: TypeAlias = tuple[Stage, "str | None"]
"""The stage at which a command is answered, and the recipient that it is about, or `RSET`."""

ONE_FLIGHT_LIMIT: Final = 1_048_576
"""Octets up to which a message is sent before its recipients are known to be good: a round trip against the octets."""


@attrs.frozen
class Script:
    """The command lines of one transaction, and how they may be grouped.

    Attributes:
        lines: The commands up to where the message may follow.
        expected: What each of them is.
        size: The message's octets, if they are known.
        pipelining: Whether commands may go together (RFC 2920).
        chunking: Whether the message goes in BDAT chunks (RFC 3030).
        eager: Whether envelope and message may go together.
    """

    lines: Sequence[bytes]
    expected: Sequence[Expected]
    size: int | None
    pipelining: bool
    chunking: bool
    eager: bool


def write_script(
    mail: Mail,
    recipients: tuple[str, ...],
    capabilities: Capabilities,
    options: SMTPOptions,
    *,
    secure: bool,
    reset: bool,
    fresh: bool,
) -> Script:
    """The lines of one transaction.

    Args:
        mail: The message.
        recipients: Those of its recipients that this transaction is for.
        capabilities: What the server offers.
        options: What we want of it.
        secure: Whether the connection is encrypted.
        reset: Whether RSET goes first, after a transaction that did not end well.
        fresh: Whether the server was heard of a moment ago. After a pause it may have hung up, and then a message in
            one flight would leave its fate unknown, where an envelope alone is simply sent again.

    Raises:
        EnvelopeError: An address needs SMTPUTF8 and the server does not offer it.
        MessageError: The message is too large for the server, or needs 8BITMIME that it does not offer.
        TLSError: REQUIRETLS was asked for and cannot be had.
    """
    size = mail.message.size
    if size is not None and capabilities.max_size is not None and size > capabilities.max_size:  # RFC 1870 6.1
        raise _too_large(size, capabilities.max_size, options)
    smtputf8 = _needs_smtputf8(mail, capabilities, options)
    eightbit = mail.message.needs_8bit
    if eightbit and not capabilities.eightbitmime:
        raise _eight_bits(options)
    dsn = mail.dsn if capabilities.dsn else None
    if mail.require_tls:
        _check_require_tls(capabilities, options, secure)
    mail_line = commands.mail(
        mail.envelope.from_,
        size=size if capabilities.size else None,
        eightbit=eightbit,
        smtputf8=smtputf8,
        dsn=dsn,
        require_tls=mail.require_tls,
    )
    pipelining = capabilities.pipelining and options.pipelining is not False
    chunking = capabilities.chunking and options.chunking is not False
    lines = [mail_line, *[commands.rcpt(to, smtputf8=smtputf8, dsn=dsn) for to in recipients]]
    expected: list[Expected] = [(Stage.MAIL, None), *[(Stage.RCPT, to) for to in recipients]]
    if reset:
        lines.insert(0, commands.RSET)
        expected.insert(0, (Stage.MAIL, RSET))
    if not chunking:
        lines.append(commands.DATA)
        expected.append((Stage.DATA, None))
    eager = pipelining and chunking and fresh and fits_one_flight(size)
    return Script(lines, expected, size, pipelining, chunking, eager)


def fits_one_flight(size: int | None) -> bool:
    """Whether a message of `size` octets is small enough to go together with its envelope."""
    return size is not None and size <= ONE_FLIGHT_LIMIT


def _too_large(size: int, limit: int, options: SMTPOptions) -> MessageError:
    return MessageError(
        f"the message has {size} octets and {options.peer} takes no more than {limit}", stage=Stage.MAIL
    )


def _needs_smtputf8(mail: Mail, capabilities: Capabilities, options: SMTPOptions) -> bool:
    addresses = (mail.envelope.from_, *mail.envelope.to)
    if not mail.message.needs_smtputf8 and all(map(str.isascii, addresses)):
        return False
    if not capabilities.smtputf8:
        culprit = next((repr(address) for address in addresses if not address.isascii()), "a header of the message")
        raise EnvelopeError(
            f"{culprit} needs SMTPUTF8 (RFC 6531), which {options.peer} does not offer", stage=Stage.MAIL
        )
    return True


def _eight_bits(options: SMTPOptions) -> MessageError:
    return MessageError(
        f"the message has octets over 127 in its body and {options.peer} does not offer 8BITMIME (RFC 6152): "
        f"encode it as quoted-printable or base64",
        stage=Stage.MAIL,
    )


def _check_require_tls(capabilities: Capabilities, options: SMTPOptions, secure: bool) -> None:
    if secure and capabilities.requiretls:
        return
    missing = f"{options.peer} does not offer REQUIRETLS" if secure else "the connection is not secure"
    raise TLSError(
        f"the message asks for TLS on every hop (RFC 8689) and {missing}", code="EREQUIRETLS", stage=Stage.MAIL
    )
