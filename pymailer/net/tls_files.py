"""Certificates and keys as users give them, PEM itself or where it is, loaded into an `ssl.SSLContext`.

A key never shows: it is held as a `Secret`, and never written where it would outlive the loading.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from pymailer.errors import ConfigError
from pymailer.secret import Secret

if TYPE_CHECKING:
    import ssl

PEM: TypeAlias = Path | Secret[bytes]
"""Where it is, or itself."""


def parse_pem(value: object, what: str) -> PEM:
    """PEM as given: a `Path`, or `str` or `bytes` that is PEM itself; any other `str` is a path.

    Raises:
        ConfigError: It is none of these.
    """
    if isinstance(value, Secret):
        return parse_pem(cast("Secret[str] | Secret[bytes]", value).reveal(), what)
    if isinstance(value, Path):
        return value
    if isinstance(value, bytes) and b"-----BEGIN " in value:
        return Secret(value)
    if isinstance(value, str) and "-----BEGIN " in value:
        return Secret(value.encode())
    if isinstance(value, str) and value and "\n" not in value:
        return Path(value)
    raise ConfigError(f"tls {what} must be PEM (it begins with -----BEGIN) or a path, not this {type(value).__name__}")


def load_trust(context: ssl.SSLContext, authorities: tuple[PEM, ...]) -> None:
    """Trust these authorities.

    Raises:
        ConfigError: One cannot be read, or holds no certificate.
    """
    for authority in authorities:
        try:
            if isinstance(authority, Secret):
                context.load_verify_locations(cadata=authority.reveal().decode("ascii"))
            elif authority.is_dir():
                context.load_verify_locations(capath=authority)
            else:
                context.load_verify_locations(cafile=authority)
        except (OSError, ValueError) as error:
            raise ConfigError(f"tls ca {_name(authority)} cannot be used: {_why(error)}") from error


def load_identity(
    context: ssl.SSLContext, certificate: PEM, key: PEM | None, passphrase: Secret[str] | Secret[bytes] | None
) -> None:
    """Show this certificate to servers that ask for one.

    Raises:
        ConfigError: It cannot be read, does not fit the key, or the key is locked.
    """

    def password() -> str | bytes:
        if passphrase is None:  # without this OpenSSL would ask at the terminal
            raise ConfigError("tls key is encrypted: give its passphrase")
        return passphrase.reveal()

    try:
        with _as_file(certificate) as certificate_path, _as_file(key or certificate) as key_path:
            context.load_cert_chain(certificate_path, key_path, password)
    except (OSError, ValueError) as error:
        named = f"cert {_name(certificate)}" + (f" with key {_name(key)}" if key else "")
        raise ConfigError(f"tls {named} cannot be used: {_why(error)}") from error


@contextmanager
def _as_file(pem: PEM) -> Generator[str, None, None]:
    """A path for OpenSSL, which reads certificates with their keys from files only."""
    if isinstance(pem, Path):
        yield str(pem)
    elif hasattr(os, "memfd_create"):
        with open(os.memfd_create("pem"), "wb", buffering=0) as memory:  # noqa: PTH123  # no path: it is never on a disk
            memory.write(pem.reveal())
            yield f"/proc/self/fd/{memory.fileno()}"
    else:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:  # that nobody else may enter
            path = Path(folder, "pem")
            path.write_bytes(pem.reveal())
            yield str(path)


def _name(pem: PEM) -> str:
    return "as given" if isinstance(pem, Secret) else f"in {str(pem)!r}"


_REASONS: Final = {
    "KEY_VALUES_MISMATCH": "the key is not the one of the certificate",
    "BAD_DECRYPT": "the passphrase is wrong",
    "PEM_LIB": "this is not a certificate with its key, or the passphrase is wrong",
    "NO_START_LINE": "there is no certificate in it",
    "NOT_ENOUGH_DATA": "there is no certificate in it",
    "EE_KEY_TOO_SMALL": "its key is too small to be safe",
    "CA_MD_TOO_WEAK": "its signature is too weak to be safe",
}


def _why(error: OSError | ValueError) -> str:
    # Most errors have OpenSSL's word in `reason`, some only in their text.
    text = f"{getattr(error, 'reason', None)} {error}".upper().replace(" ", "_")
    known = next((why for word, why in _REASONS.items() if word in text), None)
    return known or getattr(error, "strerror", None) or str(error)
