"""A DKIM key and what it signs, checked when it is made: a bad key must never become an unsigned message.

Knows what RFC 6376 and RFC 8301 ask of a domain, a selector, a key and a list of fields.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from pymailer.errors import ConfigError
from pymailer.message.headers import check_name
from pymailer.names import snake_case, unknown

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

DEFAULT_FIELDS: Final = (
    *("From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description"),
    *("Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID"),
    *("In-Reply-To", "References", "List-ID", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("List-Subscribe", "List-Post", "List-Owner", "List-Archive"),
)
"""What is signed where present (RFC 6376 5.4.1; RFC 8058 4 wants both List-Unsubscribe fields)."""

OVERSIGNED: Final = frozenset(
    ("from", "to", "cc", "subject", "date", "reply-to", "mime-version", "content-type", "content-transfer-encoding")
)
"""What is named once more than it is present, so that nobody can add another (RFC 6376 8.15)."""

_WEAKEST_RSA: Final = 1024
_WEAK_RSA: Final = 2048

_logger = logging.getLogger("pymailer.dkim")


def _domain(value: object, field: attrs.Attribute[Any]) -> str:
    from pymailer.message.domains import ascii_domain

    if not isinstance(value, str):
        raise ConfigError(f"{field.name} is a domain name, not {type(value).__name__}")
    try:
        return ascii_domain(value)
    except ValueError as error:
        raise ConfigError(f"{field.name} {value!r} is no domain name: {error}") from error


def _names(value: object, field: attrs.Attribute[Any]) -> tuple[str, ...] | None:
    """Field names, as a list or separated by colons as in the signature itself."""
    if value is None:
        return None
    names = value.split(":") if isinstance(value, str) else value
    if not isinstance(names, Iterable):
        raise ConfigError(f"{field.name} is a list of header names, not {type(value).__name__}")
    return tuple(_checked_name(name, field.name) for name in cast("Iterable[object]", names))


def _private_key(value: object) -> RSAPrivateKey | Ed25519PrivateKey:
    return load_key(value)


def _domain_field() -> str:
    return attrs.field(converter=attrs.Converter(_domain, takes_field=True))


def _names_field(default: tuple[str, ...] | None) -> Any:
    return attrs.field(default=default, converter=attrs.Converter(_names, takes_field=True))


def _checked_name(name: object, option: str) -> str:
    try:
        return check_name(name.strip() if isinstance(name, str) else cast("str", name))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{option}: {error}") from error


@attrs.frozen(kw_only=True)
class DKIM:
    """A key that signs messages (RFC 6376), with RSA-SHA256 or Ed25519 (RFC 8463) by the kind of the key.

    Attributes:
        domain_name: The signing domain (``d=``).
        key_selector: Under which name the domain publishes the public key (``s=``).
        private_key: The key as PEM text or bytes; it does not show itself.
        header_field_names: What is signed, where present; the usual fields by default.
        skip_fields: What of that is left out.

    Raises:
        ConfigError: The domain, the selector or the key is none, RSA under 1024 bits, or From would go unsigned.
    """

    domain_name: str = _domain_field()
    key_selector: str = _domain_field()
    private_key: RSAPrivateKey | Ed25519PrivateKey = attrs.field(converter=_private_key, repr=False, eq=False)
    header_field_names: tuple[str, ...] | None = _names_field(None)
    skip_fields: tuple[str, ...] = _names_field(())

    def __attrs_post_init__(self) -> None:
        if "from" not in self.signed_names():
            raise ConfigError("a DKIM signature covers From (RFC 6376 5.4): leave it in header_field_names")

    def signed_names(self) -> tuple[str, ...]:
        """What is signed where present, in lower case."""
        skipped = {name.lower() for name in self.skip_fields or ()}
        names = dict.fromkeys(name.lower() for name in self.header_field_names or DEFAULT_FIELDS)
        return tuple(name for name in names if name not in skipped)

    @property
    def algorithm(self) -> str:
        """The algorithm as the signature names it (``a=``)."""
        return "rsa-sha256" if hasattr(self.private_key, "key_size") else "ed25519-sha256"


def load_key(value: object) -> RSAPrivateKey | Ed25519PrivateKey:
    """The private key in a PEM text.

    Raises:
        ConfigError: It is no RSA or Ed25519 key, is encrypted, or is too short; or `cryptography` is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise ConfigError("DKIM needs the cryptography package: pip install 'pymailer[dkim]'") from error
    if isinstance(value, RSAPrivateKey):
        return _checked_length(value)
    if isinstance(value, Ed25519PrivateKey):
        return value
    if not isinstance(value, (str, bytes)):
        raise ConfigError(f"private_key is a key in PEM, not {type(value).__name__}")
    try:
        # Nothing here has a name that a traceback could show: the text goes straight into the parser.
        key = load_pem_private_key(value.encode() if isinstance(value, str) else value, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"private_key is no usable key in PEM: {type(error).__name__}") from None
    if isinstance(key, RSAPrivateKey):
        return _checked_length(key)
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise ConfigError(f"private_key must be an RSA or Ed25519 key, not {type(key).__name__}")


def _checked_length(key: RSAPrivateKey) -> RSAPrivateKey:
    if key.key_size < _WEAKEST_RSA:  # RFC 8301 3.2
        raise ConfigError(f"private_key has {key.key_size} bits; under {_WEAKEST_RSA} no verifier accepts it")
    if key.key_size < _WEAK_RSA:
        _logger.warning("the DKIM key has %d bits; %d or more are recommended (RFC 8301)", key.key_size, _WEAK_RSA)
    return key


_FIELDS: Final = frozenset(field.name for field in attrs.fields(DKIM))


def parse_keys(value: object) -> tuple[DKIM, ...]:
    """The keys in what a user gives as ``dkim``: a `DKIM`, a mapping, ``{"keys": [...]}`` of those, or several.

    Raises:
        ConfigError: A key is unusable, or an option of it is unknown.
    """
    if isinstance(value, DKIM):
        return (value,)
    if isinstance(value, Mapping):
        return _from_mapping(cast("Mapping[str, Any]", value))
    if isinstance(value, (list, tuple)):
        return tuple(key for item in cast("Iterable[object]", value) for key in parse_keys(item))
    raise ConfigError(f"dkim is a DKIM object or a mapping, not {type(value).__name__}")


def _with(shared: Mapping[str, Any], item: Any) -> object:
    """What one of several keys says, and what all of them have in common."""
    return {**shared, **cast("Mapping[str, Any]", item)} if isinstance(item, Mapping) else item


def _from_mapping(options: Mapping[str, Any]) -> tuple[DKIM, ...]:
    if "keys" in options:
        shared = {key: value for key, value in options.items() if key != "keys"}
        return tuple(key for item in options["keys"] for key in parse_keys(_with(shared, item)))
    names = {snake_case(key): key for key in options}
    for name, key in names.items():
        if name not in _FIELDS:
            raise ConfigError(unknown("dkim option", key, _FIELDS))
    try:
        return (DKIM(**{name: options[key] for name, key in names.items()}),)
    except TypeError:
        missing = [field for field in ("domain_name", "key_selector", "private_key") if field not in names]
        raise ConfigError(f"dkim needs {', '.join(missing)}") from None
