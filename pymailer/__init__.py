"""Send mail, and always know whether it was sent.

`create_transport` is the front door, `create_async_transport` the same for asyncio code. Everything named here is
public; each name is imported when it is first used, so that ``import pymailer`` costs next to nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from pymailer.__about__ import __version__ as __version__
from pymailer.on_demand import on_demand

if TYPE_CHECKING:
    from pymailer.dkim import DKIM as DKIM
    from pymailer.errors import AddressError as AddressError
    from pymailer.errors import AuthError as AuthError
    from pymailer.errors import ConfigError as ConfigError
    from pymailer.errors import ConnectError as ConnectError
    from pymailer.errors import ConnectionLostError as ConnectionLostError
    from pymailer.errors import DeliveryUnknownError as DeliveryUnknownError
    from pymailer.errors import DNSError as DNSError
    from pymailer.errors import EnvelopeError as EnvelopeError
    from pymailer.errors import MailError as MailError
    from pymailer.errors import MailTimeoutError as MailTimeoutError
    from pymailer.errors import MessageError as MessageError
    from pymailer.errors import PoolClosedError as PoolClosedError
    from pymailer.errors import PoolError as PoolError
    from pymailer.errors import PoolTimeoutError as PoolTimeoutError
    from pymailer.errors import ProtocolError as ProtocolError
    from pymailer.errors import ProxyError as ProxyError
    from pymailer.errors import QueueFullError as QueueFullError
    from pymailer.errors import ReplyError as ReplyError
    from pymailer.errors import TLSError as TLSError
    from pymailer.mailer import AsyncMailer as AsyncMailer
    from pymailer.mailer import Mailer as Mailer
    from pymailer.mailer import create_async_transport as create_async_transport
    from pymailer.mailer import create_transport as create_transport
    from pymailer.message.addresses import Address as Address
    from pymailer.message.attachment import Attachment as Attachment
    from pymailer.message.model import Message as Message
    from pymailer.oauth2 import OAuth2 as OAuth2
    from pymailer.outcome import Outcome as Outcome
    from pymailer.outcome import Reply as Reply
    from pymailer.outcome import Stage as Stage
    from pymailer.results import CloseReport as CloseReport
    from pymailer.results import CompiledMail as CompiledMail
    from pymailer.results import Delivery as Delivery
    from pymailer.results import Envelope as Envelope
    from pymailer.results import SentMessageInfo as SentMessageInfo
    from pymailer.smtp.auth import Auth as Auth
    from pymailer.smtp.options import SMTPOptions as SMTPOptions
    from pymailer.transport import Mail as Mail
    from pymailer.transport import Transport as Transport

# A library is silent until its user asks: without this, warnings would go to standard error.
logging.getLogger("pymailer").addHandler(logging.NullHandler())

_ERRORS: Final = (
    *("AddressError", "AuthError", "ConfigError", "ConnectError", "ConnectionLostError", "DNSError"),
    *("DeliveryUnknownError", "EnvelopeError", "MailError", "MailTimeoutError", "MessageError", "PoolClosedError"),
    *("PoolError", "PoolTimeoutError", "ProtocolError", "ProxyError", "QueueFullError", "ReplyError", "TLSError"),
)
_HOMES: Final = {
    **dict.fromkeys(_ERRORS, "errors"),
    **dict.fromkeys(("AsyncMailer", "Mailer", "create_async_transport", "create_transport"), "mailer"),
    **dict.fromkeys(("Outcome", "Reply", "Stage"), "outcome"),
    **dict.fromkeys(("CloseReport", "CompiledMail", "Delivery", "Envelope", "SentMessageInfo"), "results"),
    **dict.fromkeys(("Mail", "Transport"), "transport"),
    "Address": "message.addresses",
    "Attachment": "message.attachment",
    "Auth": "smtp.auth",
    "DKIM": "dkim",
    "Message": "message.model",
    "OAuth2": "oauth2",
    "SMTPOptions": "smtp.options",
}

__all__ = [
    "DKIM",
    "Address",
    "AddressError",
    "AsyncMailer",
    "Attachment",
    "Auth",
    "AuthError",
    "CloseReport",
    "CompiledMail",
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "DNSError",
    "Delivery",
    "DeliveryUnknownError",
    "Envelope",
    "EnvelopeError",
    "Mail",
    "MailError",
    "MailTimeoutError",
    "Mailer",
    "Message",
    "MessageError",
    "OAuth2",
    "Outcome",
    "PoolClosedError",
    "PoolError",
    "PoolTimeoutError",
    "ProtocolError",
    "ProxyError",
    "QueueFullError",
    "Reply",
    "ReplyError",
    "SMTPOptions",
    "SentMessageInfo",
    "Stage",
    "TLSError",
    "Transport",
    "__version__",
    "create_async_transport",
    "create_transport",
]


def __getattr__(name: str) -> Any:
    return on_demand(name, _HOMES, globals())


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
