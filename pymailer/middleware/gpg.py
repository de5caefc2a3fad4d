"""OpenPGP signatures (RFC 3156), by GnuPG through python-gnupg, with the keys of its own key ring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from pymailer.errors import MessageError
from pymailer.front_door import discreet
from pymailer.middleware.signed import Scheme, signing
from pymailer.secret import sealed

if TYPE_CHECKING:
    from pymailer.transport import Mail

_SCHEME: Final = Scheme("application/pgp-signature", "pgp-sha512", "signature.asc")
_DIGEST: Final = ("--digest-algo", "SHA512")


@discreet
def openpgp(gpg: Any, key: str, passphrase: str | None = None) -> Callable[[Mail], Awaitable[None]]:
    """Middleware for ``"stream"``: every message is signed.

    Args:
        gpg: A ``gnupg.GPG``.
        key: The id, fingerprint or address of the key to sign with.
        passphrase: What the key is protected with; without it, GnuPG's agent may ask.
    """
    secret = sealed(passphrase)

    def sign(entity: bytes) -> bytes:
        result = gpg.sign(
            entity,
            detach=True,
            clearsign=False,
            # Its own `keyid` is only a wish: where there is no such key, GnuPG signs with another.
            extra_args=["--local-user", key, *_DIGEST],
            passphrase=None if secret is None else secret.reveal(),
        )
        if not result.data:
            raise MessageError(f"GnuPG did not sign with the key {key!r}: {result.status or 'no signature'}")
        return bytes(result.data)

    return signing(_SCHEME, sign)
