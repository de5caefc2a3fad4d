"""The mailer's own options, as distinct from a transport's: what holds for every message it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from pymailer.errors import ConfigError
from pymailer.message.composer import ComposePolicy
from pymailer.options import checked, normalize, positive_int


def _dkim(value: object) -> object:
    if value is None:
        return None
    from pymailer.dkim import parse_keys

    return parse_keys(value)


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

    dkim: Any = attrs.field(default=None, converter=_dkim, repr=False)
    attach_data_urls: bool = attrs.field(default=False, validator=checked(bool))
    disable_file_access: bool = attrs.field(default=False, validator=checked(bool))
    disable_url_access: bool = attrs.field(default=False, validator=checked(bool))
    allow_private_urls: bool = attrs.field(default=False, validator=checked(bool))
    max_recipients: int | None = attrs.field(default=None, validator=positive_int)
    x_mailer: str | None = attrs.field(default=None, validator=checked(str, bool))
    policy: ComposePolicy = attrs.field(init=False, repr=False)

    @policy.default
    def _policy(self) -> ComposePolicy:
        return ComposePolicy(
            attach_data_urls=self.attach_data_urls,
            disable_file_access=self.disable_file_access,
            disable_url_access=self.disable_url_access,
            allow_private_urls=self.allow_private_urls,
            max_recipients=self.max_recipients,
            x_mailer=self.x_mailer,
        )


MAILER_OPTIONS: Final = frozenset(field.name for field in attrs.fields(MailerOptions) if field.init)


def mailer_options(found: Mapping[str, Any], given: Mapping[str, Any]) -> MailerOptions:
    """Options from those that stood among a transport's and those given to the mailer, which win.

    Raises:
        ConfigError: One is unknown (with the closest known name) or of the wrong type.
    """
    layers = [normalize(layer, MAILER_OPTIONS, (), "option") for layer in (found, given)]
    return MailerOptions(**{**layers[0], **layers[1]})


def checked_defaults(defaults: object) -> dict[str, Any]:
    """A copy of the message fields that each message inherits.

    Raises:
        ConfigError: They are no mapping.
    """
    if defaults is None:
        return {}
    if not isinstance(defaults, Mapping):
        raise ConfigError(f"defaults is a mapping of message fields, not {type(defaults).__name__}")
    return dict(defaults)
