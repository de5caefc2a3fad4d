"""What a mailer allows the messages it composes, whatever they ask for themselves."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import attrs

from pymailer.message.origins import Access

if TYPE_CHECKING:
    from pymailer.message.model import Message


@attrs.frozen(kw_only=True)
class ComposePolicy:
    """What holds for every message of a mailer. A message can forbid more than this, and allow no more.

    Attributes:
        attach_data_urls: Turn ``data:`` images of the HTML into attachments, unless a message says otherwise.
        disable_file_access: Refuse content from files.
        disable_url_access: Refuse content from the web.
        allow_private_urls: Fetch from loopback and private addresses too.
        max_recipients: How many recipients one message may have.
        x_mailer: What X-Mailer says, unless a message says otherwise.
        max_fetch_size: Octets that one address may give.
        fetch_timeout: Seconds for fetching from one address.
    """

    attach_data_urls: bool = False
    disable_file_access: bool = False
    disable_url_access: bool = False
    allow_private_urls: bool = False
    max_recipients: int | None = None
    x_mailer: str | bool | None = None
    max_fetch_size: int = 50 * 1024 * 1024
    fetch_timeout: float = 60.0

    def access(self, message: Message) -> Access:
        """What the parts of `message` may open."""
        return _access(
            not (self.disable_file_access or message.disable_file_access),
            not (self.disable_url_access or message.disable_url_access),
        )


_access: Final = cache(Access)
