"""What we trust and what we show when a connection is made secure: options in, one `ssl.SSLContext` out.

Knows certificates, keys and names; does no network I/O. The `ssl` module is imported when a context is first wanted.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from pymailer.errors import ConfigError, TLSError
from pymailer.net.addresses import ascii_name, endpoint, literal_address
from pymailer.net.certificates import public_key_info
from pymailer.net.tls_failures import explain_tls
from pymailer.net.tls_files import PEM, load_identity, load_trust, parse_pem
from pymailer.options import checked, normalize
from pymailer.secret import Secret

if TYPE_CHECKING:
    import ssl

__all__ = ["TLSOptions", "certificate_name", "check_pins", "explain_tls", "pin_of"]

_VERSIONS: Final = {"TLSv1.2": "TLSv1_2", "TLSv1.3": "TLSv1_3"}
_PIN_LENGTH: Final = 44
_TOO_OLD: Final = frozenset({"SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"})


def _version(value: object) -> str:
    text = str(getattr(value, "name", value)).replace("_", ".")
    if text in _TOO_OLD:
        raise ConfigError(
            f"min_version {text!r} is not safe any more (RFC 8996); for a server that cannot do better, "
            f"give tls an ssl.SSLContext of your own"
        )
    if text not in _VERSIONS:
        raise ConfigError(f"min_version must be 'TLSv1.2' or 'TLSv1.3', not {value!r}")
    return text


def _authorities(value: object) -> tuple[PEM, ...]:
    """One certificate (bundle) or an iterable of them."""
    if value is None:
        return ()
    single = isinstance(value, (str, bytes, Path, Secret)) or not isinstance(value, Iterable)
    items = cast("Iterable[object]", (value,) if single else value)
    return tuple(parse_pem(item, "ca") for item in items)


def _certificate(value: object) -> PEM | None:
    return None if value is None else parse_pem(value, "cert")


def _key(value: object) -> PEM | None:
    return None if value is None else parse_pem(value, "key")


def _pins(value: object) -> tuple[str, ...]:
    """Each pin as plain base64; ``sha256/`` in front, as in RFC 7469's relatives, is understood."""
    items: Iterable[object] = (value,) if isinstance(value, str) else cast("Iterable[object]", value or ())
    return tuple(_pin(item) for item in items)


def _pin(value: object) -> str:
    text = value.removeprefix("sha256/") if isinstance(value, str) else ""
    if len(text) == _PIN_LENGTH + 1:  # "sha256//", as curl writes it; base64 itself may begin with a slash
        text = text.removeprefix("/")
    try:
        digest = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        digest = b""
    if len(digest) != sha256().digest_size:
        raise ConfigError(f"a pin is the base64 of the SHA-256 of a public key (44 characters), not {value!r}")
    return text


def _secret(value: object) -> Secret[str] | Secret[bytes] | None:
    if value is None or isinstance(value, Secret):
        return cast("Secret[str] | None", value)
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, bytes):
        return Secret(value)
    raise ConfigError(f"tls passphrase must be str or bytes, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class TLSOptions:
    """How to make a connection secure.

    Attributes:
        reject_unauthorized: Whether the certificate must be valid, of a trusted issuer, and for this server. Without
            it anybody in between can read along, unless `pins` are given.
        ca: Whom to trust instead of the system's list.
        cert: The certificate (with its chain, perhaps with its key) that we show if we are asked for one.
        key: The key of `cert`.
        passphrase: What `key` is encrypted with.
        servername: The name to ask for (SNI) and to look for in the certificate; the host by default.
        min_version: ``"TLSv1.2"`` or ``"TLSv1.3"``.
        ciphers: OpenSSL's list, for TLS 1.2.
        pins: SHA-256 of acceptable public keys (SubjectPublicKeyInfo), base64; one of them must be the server's.

    Raises:
        ConfigError: A value is of the wrong type, or a certificate or key cannot be loaded.
    """

    reject_unauthorized: bool = attrs.field(default=True, validator=checked(bool))
    ca: tuple[PEM, ...] = attrs.field(default=None, converter=_authorities)
    cert: PEM | None = attrs.field(default=None, converter=_certificate)
    key: PEM | None = attrs.field(default=None, converter=_key)
    passphrase: Secret[str] | Secret[bytes] | None = attrs.field(default=None, converter=_secret, repr=False)
    servername: str | None = attrs.field(default=None, validator=checked(str))
    min_version: str = attrs.field(default="TLSv1.2", converter=_version)
    ciphers: str | None = attrs.field(default=None, validator=checked(str))
    pins: tuple[str, ...] = attrs.field(default=(), converter=_pins)
    _made: list[ssl.SSLContext] = attrs.field(factory=list["ssl.SSLContext"], init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.servername == "":
            raise ConfigError("servername must be a name or an address, not empty")
        if self.key and not self.cert:
            raise ConfigError("tls key without cert: give both, or neither")
        if self.ca or self.cert or self.ciphers:
            self.context()  # so that a wrong path is told now, and not by the first message

    @classmethod
    def parse(cls, value: object) -> TLSOptions:
        """Options from what the user gave as `tls`: nothing, a mapping in either spelling, or an `ssl.SSLContext`.

        Raises:
            ConfigError: An option is unknown or of the wrong type, or a file cannot be loaded.
        """
        if value is None:
            return DEFAULT
        if isinstance(value, TLSOptions):
            return value
        if isinstance(value, Mapping):
            return cls(**normalize(cast("Mapping[str, Any]", value), _NAMES, (), "tls option"))
        import ssl

        if not isinstance(value, ssl.SSLContext):
            raise ConfigError(f"tls must be a mapping or an ssl.SSLContext, not {type(value).__name__}")
        if value.protocol == ssl.PROTOCOL_TLS_SERVER:
            raise ConfigError("tls is an ssl.SSLContext for servers: make one with ssl.create_default_context()")
        options = cls()
        options._made.append(value)
        return options

    def context(self) -> ssl.SSLContext:
        """The context for all connections with these options, made once.

        Raises:
            ConfigError: A certificate, a key or `ciphers` cannot be used.
        """
        if not self._made:
            self._made.append(self._make())
        return self._made[0]

    def _make(self) -> ssl.SSLContext:
        import ssl

        context = ssl.create_default_context() if not self.ca else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion[_VERSIONS[self.min_version]]
        context.hostname_checks_common_name = False  # RFC 9525 2: a name counts only in subjectAltName
        load_trust(context, self.ca)
        if self.cert is not None:
            load_identity(context, self.cert, self.key, self.passphrase)
        if self.ciphers is not None:
            _choose_ciphers(context, self.ciphers)
        if not self.reject_unauthorized:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def name_for(self, host: str) -> str:
        """What the certificate of `host` must be for: `servername`, or the host in the form that certificates use."""
        return self.servername or certificate_name(host)


_NAMES: Final = frozenset(field.name for field in attrs.fields(TLSOptions) if field.init)
DEFAULT: Final = TLSOptions()
"""The system's authorities; one context for everybody, since loading them takes milliseconds."""


def _choose_ciphers(context: ssl.SSLContext, ciphers: str) -> None:
    try:
        context.set_ciphers(ciphers)
    except OSError as error:
        raise ConfigError(f"tls ciphers {ciphers!r}: OpenSSL knows none of them") from error


def certificate_name(host: str) -> str:
    """A host as certificates write it: an address without brackets and zone, or a name in A-labels (RFC 9525 6.3)."""
    address = literal_address(host)
    return ascii_name(host) if address is None else address.partition("%")[0]


def pin_of(certificate: bytes) -> str:
    """The pin of a certificate in DER: base64 of the SHA-256 of its public key."""
    digest = sha256(public_key_info(certificate)).digest()
    return binascii.b2a_base64(digest, newline=False).decode("ascii")


def check_pins(certificate: bytes | None, pins: tuple[str, ...], host: str, port: int) -> None:
    """Compare the server's public key with the pins; without pins there is nothing to compare.

    Raises:
        TLSError: It is none of them.
    """
    if not pins:
        return
    pin = pin_of(certificate) if certificate else None
    if pin not in pins:
        raise TLSError(
            f"the public key of {endpoint(host, port)} is not one of the {len(pins)} pinned ones; "
            f"if it was changed on purpose, its pin is {pin!r}"
        )
