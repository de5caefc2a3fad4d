"""What is probably wrong, where an error alone would leave the reader guessing.

A server that is no SMTP server, or one that refuses a login for a reason it does not spell out.

Knows the habits of servers and providers; decides nothing, it only finds the words.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final, TypeVar

from pymailer.errors import MailError, ProtocolError

if TYPE_CHECKING:
    from pymailer.outcome import Reply

__all__ = ["explain_greeting", "explain_refusal"]

E = TypeVar("E", bound=MailError)

_IMPLICIT_TLS_PORT: Final = 465
_SECURE: Final = "secure=True speaks TLS from the first byte"

_BANNERS: Final = (
    (b"\x16\x03", f"these are TLS bytes: {_SECURE}"),
    (b"\x15\x03", f"these are TLS bytes: {_SECURE}"),
    (b"HTTP/", "this is a web server, not an SMTP server: check host and port"),
    (b"<", "this looks like a web server, not an SMTP server: check host and port"),
    (b"SSH-", "this is an SSH server, not an SMTP server: check the port"),
    (b"+OK", "this is a POP3 server, which only gives mail out: check the port (587 or 465 takes mail in)"),
    (b"* ", "this is an IMAP server, which only gives mail out: check the port (587 or 465 takes mail in)"),
    (b"RFB ", "this is a VNC server, not an SMTP server: check the port"),
)

_REFUSALS: Final = (
    ("5.7.9", "the account wants an app password, made in its security settings, or OAuth2"),
    ("application-specific password", "the account wants an app password, made in its security settings, or OAuth2"),
    ("5.7.30", "the provider takes no passwords any more: give OAuth2(...) as auth"),
    ("basic authentication", "the provider takes no passwords any more: give OAuth2(...) as auth"),
    ("smtpclientauthentication is disabled", "SMTP AUTH is switched off for this mailbox or organisation"),
    ("username and password not accepted", "Gmail takes an app password or OAuth2, not the account's own password"),
    ("must issue a starttls", "the server wants TLS first: give require_tls=True"),
)


def explain_greeting(error: E, heard: bytes, port: int, secure: bool) -> E:
    """The same error with the likely cause in its message.

    Args:
        error: What went wrong while the greeting was awaited.
        heard: What came instead of one.
        port: The server's port.
        secure: Whether the connection was TLS from the first byte.
    """
    hint = _greeting_hint(error, heard, port, secure=secure)
    explained = copy(error)
    if hint:
        explained.args = (f"{error}; {hint}",)
    return explained


def _greeting_hint(error: MailError, heard: bytes, port: int, *, secure: bool) -> str:
    for banner, hint in _BANNERS:
        if heard.startswith(banner):
            return hint
    if port == _IMPLICIT_TLS_PORT and not secure and not isinstance(error, ProtocolError):
        return f"a server on port {_IMPLICIT_TLS_PORT} waits for TLS before it greets: {_SECURE}"
    return ""


def explain_refusal(reply: Reply) -> str:
    """What a refused login may be cured by, or ``""``."""
    text = str(reply).lower()
    return next((hint for sign, hint in _REFUSALS if sign in text), "")
