"""A transport over Amazon SES, through a SESv2 client that the user made: boto3's, aioboto3's, or one like them.

Knows the call `SendEmail`; depends on no package of Amazon's, and what its answers mean is `amazon_errors`' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pymailer.__about__ import __version__
from pymailer.errors import ConfigError, EnvelopeError, MailError, TLSError
from pymailer.outcome import Outcome, Stage
from pymailer.results import SentMessageInfo
from pymailer.transport import call
from pymailer.transports.amazon_errors import CODE, explain_failure
from pymailer.transports.parts import Part, together

if TYPE_CHECKING:
    from pymailer.runtime import Runtime
    from pymailer.transport import Mail

MAX_RECIPIENTS: Final = 50
"""Recipients that one call may have (SES quotas); more go in several."""


class SESTransport:
    """Sends through a client for version 2 of the SES API.

    Args:
        client: The client; a plain one is called in a thread by an async mailer, one of coroutines is awaited.
        parameters: More parameters of ``SendEmail``, such as ``ConfigurationSetName``.

    Raises:
        ConfigError: It is no such client.
    """

    name = "SES"
    version: str = __version__

    def __init__(self, client: Any, parameters: Mapping[str, Any] | None = None) -> None:
        service = getattr(getattr(getattr(client, "meta", None), "service_model", None), "service_name", "sesv2")
        if service != "sesv2" or not callable(getattr(client, "send_email", None)):
            raise ConfigError("ses takes a client of the SESv2 API, such as boto3.client('sesv2')")
        self._client = client
        self._parameters = dict(parameters or {})

    def __repr__(self) -> str:
        return f"<SESTransport {self._region or 'of an unknown region'}>"

    @property
    def _region(self) -> str | None:
        return getattr(getattr(self._client, "meta", None), "region_name", None)

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Send one message, in as many calls as its recipients make necessary.

        Raises:
            EnvelopeError: An address needs SMTPUTF8, which SES does not know.
            AuthError: SES does not accept the credentials.
            MailError: It refused (``ESES``), for now or for good.
            DeliveryUnknownError: The call was lost on its way, or SES failed inside.
        """
        _check(mail)
        content = await mail.message.read(mail.runtime)
        parts: list[Part] = []
        waiting = mail.envelope.to
        while waiting:
            batch, waiting = waiting[:MAX_RECIPIENTS], waiting[MAX_RECIPIENTS:]
            try:
                parts.append(Part(batch, await self._send_to(mail, batch, content)))
            except MailError as error:
                parts.append(Part(batch, error=error))
                if waiting:  # what is wrong with one call is wrong with the next
                    parts.append(Part(waiting, error=_not_reached(error)))
                break
        return together(mail, parts)

    async def _send_to(self, mail: Mail, recipients: tuple[str, ...], content: bytes) -> SentMessageInfo:
        request: dict[str, Any] = {
            "Destination": {"ToAddresses": list(recipients)},
            "Content": {"Raw": {"Data": content}},
            **({"FromEmailAddress": mail.envelope.from_} if mail.envelope.from_ else {}),
            **self._parameters,
        }
        mail.outcome = Outcome.UNKNOWN  # until SES has answered
        started = mail.runtime.now()
        try:
            answer = await call(mail.runtime, self._client.send_email, **request)
        except Exception as error:
            failure = explain_failure(error)
            mail.outcome = failure.outcome
            raise failure from error
        mail.outcome = Outcome.ACCEPTED
        return self._result(mail, recipients, content, answer, mail.runtime.now() - started)

    def _result(
        self, mail: Mail, recipients: tuple[str, ...], content: bytes, answer: Mapping[str, Any], seconds: float
    ) -> SentMessageInfo:
        number = str(answer.get("MessageId", ""))
        retries = answer.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        return SentMessageInfo(
            envelope=mail.envelope,
            message_id=self._message_id(number) or mail.message_id,
            accepted=recipients,
            response=number,
            server_message_id=number or None,
            message_size=len(content),
            message_time=seconds,
            attempts=1 + retries,
        )

    def _message_id(self, number: str) -> str | None:
        """SES writes a Message-ID of its own into every message; its host says the region."""
        if not number or self._region is None:
            return None
        host = "email" if self._region == "us-east-1" else self._region
        return f"<{number}@{host}.amazonses.com>"

    async def verify(self, runtime: Runtime) -> bool:
        """Ask SES whether this account may send.

        Raises:
            MailError: It may not, or cannot be asked.
        """
        ask = getattr(self._client, "get_account", None)
        if not callable(ask):
            return True
        try:
            account: Mapping[str, Any] = await call(runtime, ask)
        except Exception as error:
            raise explain_failure(error, sending=False) from error
        if not account.get("SendingEnabled", True):
            raise MailError("sending is switched off for this SES account", code=CODE)
        return True


def _check(mail: Mail) -> None:
    for address in (mail.envelope.from_, *mail.envelope.to):
        if not address.isascii():
            raise EnvelopeError(
                f"{address!r} needs SMTPUTF8 (RFC 6531), which SES does not offer", code=CODE, stage=Stage.MAIL
            )
    if mail.require_tls:
        raise TLSError("SES cannot promise TLS on every hop (RFC 8689)", code="EREQUIRETLS", stage=Stage.MAIL)


def _not_reached(error: MailError) -> MailError:
    return MailError(
        f"not tried after another call failed: {error}", code=CODE, stage=error.stage, temporary=error.temporary
    )


def ses(client: Any, **parameters: Any) -> SESTransport:
    """A transport over Amazon SES.

    Args:
        client: A client of the SESv2 API: ``boto3.client("sesv2")``, or aioboto3's for an async mailer.
        parameters: More parameters of ``SendEmail``, as Amazon spells them: ``ConfigurationSetName``, ``EmailTags``.

    Raises:
        ConfigError: It is no such client.
    """
    return SESTransport(client, parameters)
