"""The mailer's own options, as distinct from a transport's: what holds for every message it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from pymailer.errors import ConfigError
from pymailer.message.composer import ComposePolicy
from pymailer.message.model import MESSAGE_KEYS
from pymailer.options import checked, normalize, positive_int

if TYPE_CHECKING:
    from pymailer.dkim import DKIM


def _dkim(value: object) -> tuple[DKIM, ...] | None:
    if value is None:
        return None
    from pymailer.dkim import parse_keys

    return parse_keys(value)


def _policy(options: MailerOptions) -> ComposePolicy:
    return ComposePolicy(
        attach_data_urls=options.attach_data_urls,
        disable_file_access=options.disable_file_access,
        disable_url_access=options.disable_url_access,
        allow_private_urls=options.allow_private_urls,
        max_recipients=options.max_recipients,
        x_mailer=options.x_mailer,
    )


@attrs.frozen(kw_only=True)
class MailerOptions:
    """What holds for every message of a mailer.

    Attributes:
        dkim: The keys that sign each message, or ``None``.
        attach_data_urls: Turn ``data:`` images of the html into attachments.
        disable_file_access: Refuse content from files.
        disable_url_access: Refuse content from URLs.
        allow_private_urls: Allow content from loopback and private addresses.
        max_recipients: How many recipients one message may have.
        x_mailer: What X-Mailer says; by default there is none.
    """

    dkim: tuple[DKIM, ...] | None = attrs.field(default=None, converter=_dkim, repr=False)
    attach_data_urls: bool = attrs.field(default=False, validator=checked(bool))
    disable_file_access: bool = attrs.field(default=False, validator=checked(bool))
    disable_url_access: bool = attrs.field(default=False, validator=checked(bool))
    allow_private_urls: bool = attrs.field(default=False, validator=checked(bool))
    max_recipients: int | None = attrs.field(default=None, validator=positive_int)
    x_mailer: str | None = attrs.field(default=None, validator=checked(str, bool))
    policy: ComposePolicy = attrs.field(default=attrs.Factory(_policy, takes_self=True), init=False, repr=False)


MAILER_OPTIONS: Final = frozenset(field.name for field in attrs.fields(MailerOptions) if field.init)


def mailer_options(found: Mapping[str, Any], given: Mapping[str, Any]) -> MailerOptions:
    """Options from those that stood among a transport's and those given to the mailer, which win.

    Raises:
        ConfigError: One is unknown (with the closest known name) or of the wrong type.
    """
    layers = [normalize(layer, MAILER_OPTIONS, (), "option") for layer in (found, given)]
    return MailerOptions(**{**layers[0], **layers[1]})


def checked_defaults(defaults: object) -> dict[str, Any]:
    """A copy of the message fields that each message inherits, with the lists and mappings in it.

    Raises:
        ConfigError: They are no mapping.
        MessageError: A field is unknown (with the closest known one), or given in both spellings.
    """
    if defaults is None:
        return {}
    if not isinstance(defaults, Mapping):
        raise ConfigError(f"defaults is a mapping of message fields, not {type(defaults).__name__}")
    copied: dict[str, Any] = _copied(dict(cast("Mapping[str, Any]", defaults)))
    MESSAGE_KEYS.read(copied)
    return copied


def _copied(value: Any) -> Any:
    """What may be changed by its owner later is copied; files, streams and objects are shared."""
    kind = value.__class__
    if kind is dict:
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if kind is list else value
