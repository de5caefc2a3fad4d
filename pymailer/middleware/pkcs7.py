"""S/MIME signatures (RFC 8551), by `cryptography`: who reads the message sees whose it is and that nobody changed it.

The certificate says whom the key belongs to; that it fits the sender's address is for the reader's program to check.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from pymailer.errors import ConfigError
from pymailer.front_door import discreet
from pymailer.middleware.signed import Scheme, signing

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from pymailer.transport import Mail

_SCHEME: Final = Scheme("application/pkcs7-signature", "sha-256", "smime.p7s")


@discreet
def smime(
    *,
    certificate: str | bytes,
    private_key: str | bytes,
    password: str | bytes | None = None,
    chain: Iterable[str | bytes] = (),
) -> Callable[[Mail], Awaitable[None]]:
    """Middleware for ``"stream"``: every message is signed.

    Args:
        certificate: The sender's, as PEM.
        private_key: Its key, as PEM.
        password: What the key is encrypted with.
        chain: The certificates between the sender's and one that readers trust, as PEM.

    Raises:
        ConfigError: A key or certificate is none, they do not belong together, or `cryptography` is not installed.
    """
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise ConfigError("S/MIME needs the package cryptography: pip install 'pymailer[smime]'") from error
    try:
        key: Any = load_pem_private_key(_octets(private_key), None if password is None else _octets(password))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"private_key is no usable key in PEM: {type(error).__name__}") from None
    own, others = _certificate(certificate), [_certificate(each) for each in chain]
    if own.public_key() != key.public_key():
        raise ConfigError("certificate and private_key do not belong together")
    try:
        _sign(b"", own, key, others)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"private_key cannot sign S/MIME: {error}") from None
    return signing(_SCHEME, lambda entity: _sign(entity, own, key, others))


def _certificate(pem: str | bytes) -> Certificate:
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return load_pem_x509_certificate(_octets(pem))
    except ValueError as error:
        raise ConfigError(f"a certificate is given as PEM: {error}") from error


def _octets(pem: str | bytes) -> bytes:
    return pem.encode() if isinstance(pem, str) else pem


def _sign(entity: bytes, own: Certificate, key: Any, others: list[Certificate]) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

    builder = PKCS7SignatureBuilder().set_data(entity).add_signer(own, key, SHA256())
    for each in others:
        builder = builder.add_certificate(each)
    # Binary: the line ends are those of mail already, and nothing else is to be made of them.
    return builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])
