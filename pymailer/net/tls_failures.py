"""Why TLS failed, in words that say what to do.

A table from OpenSSL's verify codes and reasons to advice; it reads an error and imports no `ssl`.
"""

from __future__ import annotations

from typing import Final

from pymailer.errors import TLSError
from pymailer.net.addresses import endpoint

_CERTIFICATE: Final = {
    # X509_V_ERR_… of OpenSSL's x509_vfy.h
    9: "the certificate is not valid yet: is the clock of this machine right?",
    10: "the certificate has expired: its owner has to renew it (or the clock of this machine is wrong)",
    18: "the certificate is self-signed: trust it with tls={'ca': ...}, "
    "or know it by its key with tls={'reject_unauthorized': False, 'pins': [...]}",
    19: "the certificate's issuer is self-signed and not trusted here: if it is yours, give it as tls={'ca': ...}",
    20: "the certificate's issuer is not trusted here: give the issuer's certificate as tls={'ca': ...}; "
    "if this machine trusts nobody, install its ca-certificates",
    21: "the server did not send its intermediate certificates: its administrator has to add them to the chain",
    23: "the certificate was revoked",
    62: "the certificate is for another name: give a name that is in it as host or as tls={'servername': ...}",
    64: "the certificate is not for this address: give a name that is in it as host or as tls={'servername': ...}",
}
_PLAIN_TEXT: Final = (
    "it does not speak TLS from the first byte, this looks like plain text: "
    "give secure=False (ports 25 and 587 upgrade with STARTTLS by themselves) or another port, such as 465"
)
_TOO_OLD: Final = (
    "there is no version of TLS that both allow: the server is too old (RFC 8996 asks for TLS 1.2), "
    "or min_version asks for too much; a server that cannot do better needs an ssl.SSLContext of your own"
)
_NO_COMMON_GROUND: Final = (
    "there are no ciphers or parameters that both allow: the server's are too weak, or `ciphers` is"
)
_WANTS_CERTIFICATE: Final = "the server wants a client certificate: give tls={'cert': ..., 'key': ...}"
_REFUSED_CERTIFICATE: Final = "the server does not accept our client certificate"
_HUNG_UP: Final = "the server hung up during the TLS handshake"

_REASONS: Final = {
    "WRONG_VERSION_NUMBER": _PLAIN_TEXT,
    "PACKET_LENGTH_TOO_LONG": _PLAIN_TEXT,
    "RECORD_LAYER_FAILURE": _PLAIN_TEXT,
    "HTTP_REQUEST": _PLAIN_TEXT,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "NO_PROTOCOLS_AVAILABLE": _TOO_OLD,
    "UNKNOWN_PROTOCOL": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _NO_COMMON_GROUND,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _NO_COMMON_GROUND,
    "HANDSHAKE_FAILURE_ON_CLIENT_HELLO": _NO_COMMON_GROUND,
    "NO_CIPHERS_AVAILABLE": _NO_COMMON_GROUND,
    "DH_KEY_TOO_SMALL": _NO_COMMON_GROUND,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "the server is too old: it does not know RFC 5746",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTS_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSED_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSED_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _REFUSED_CERTIFICATE,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _REFUSED_CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": _REFUSED_CERTIFICATE,
    "TLSV1_ALERT_ACCESS_DENIED": _REFUSED_CERTIFICATE,
    "TLSV1_UNRECOGNIZED_NAME": "the server does not know the name that was asked for: say it with "
    "tls={'servername': ...}",
}


def alert_reason(error: OSError) -> str | None:
    """Why the peer ended TLS, if `error` says so in words that are known here.

    In TLS 1.3 a server judges our certificate when the handshake has ended for us: this comes with the first read.
    """
    return _REASONS.get(_reason(error))


def explain_tls(error: OSError, host: str, port: int, stage: str | None = None) -> TLSError:
    """What an error of a handshake means.

    Args:
        error: As raised by `Channel.start_tls`.
        host: The server.
        port: Its port.
        stage: Where in the delivery it happened.

    Returns:
        The error to raise, temporary if the peer merely went away; the cause is left to whoever raises it.
    """
    reason = _reason(error)
    verify_code = getattr(error, "verify_code", None)
    lost = (
        isinstance(error, ConnectionError) or "EOF" in type(error).__name__ or reason == "UNEXPECTED_EOF_WHILE_READING"
    )
    if verify_code is not None:
        why = (
            _CERTIFICATE.get(verify_code) or f"the certificate is not valid: {getattr(error, 'verify_message', error)}"
        )
    elif lost:
        why = _HUNG_UP
    else:
        why = _REASONS.get(reason) or f"TLS failed: {error}"
    return TLSError(f"cannot secure the connection to {endpoint(host, port)}: {why}", stage=stage, temporary=lost)


def _reason(error: OSError) -> str:
    """OpenSSL's name for it, ``""`` if this is no error of TLS."""
    return str(getattr(error, "reason", None) or "").replace(" ", "_").upper()
