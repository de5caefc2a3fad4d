"""A transport that gives the message back as JSON, which can be kept, carried, and sent again."""

from __future__ import annotations

import json as _json
from typing import TYPE_CHECKING, Any, Final

import attrs

from pymailer.__about__ import __version__
from pymailer.options import checked, gather
from pymailer.transports.fields import read_fields
from pymailer.transports.in_memory import delivered

if TYPE_CHECKING:
    from pymailer.results import SentMessageInfo
    from pymailer.transport import Mail


@attrs.frozen(kw_only=True)
class JSONOptions:
    """In which form the message is given back.

    Attributes:
        skip_encoding: Whether as a mapping; otherwise as text.

    Raises:
        ConfigError: A value is of the wrong type.
    """

    skip_encoding: bool = attrs.field(default=False, validator=checked(bool))


_NAMES: Final = frozenset(field.name for field in attrs.fields(JSONOptions))


class JSONTransport:
    """Gives each message back as ``info.message``: the fields that `send_mail` takes, as JSON.

    Args:
        options: In which form.
    """

    name = "JSON"
    version: str = __version__

    def __init__(self, options: JSONOptions | None = None) -> None:
        self.options: JSONOptions = options or JSONOptions()

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Give one message back.

        Raises:
            MessageError: Its content cannot be read.
        """
        content = await mail.message.read(mail.runtime)
        fields = read_fields(mail, content)
        message = fields if self.options.skip_encoding else _json.dumps(fields, ensure_ascii=False)
        return delivered(mail, len(content), message)


def json(options: object = None, /, **keywords: Any) -> JSONTransport:
    """A transport that gives the message back as JSON text, or as the mapping itself (``skip_encoding=True``).

    Args:
        options: A mapping of options in either spelling, or a URL.
        keywords: The same options one by one: ``skip_encoding``; they win.

    Raises:
        ConfigError: An option is unknown or wrong.
    """
    return JSONTransport(JSONOptions(**gather(options, keywords, _NAMES, (), "the json transport", ["json"])))
