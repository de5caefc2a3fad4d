"""A transport that posts each message to an HTTP API: what a package of your own may look like.

`send` is one coroutine for both colours. It waits only through ``mail.runtime``, and it says of every failure whether
the message may have been sent.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

from pymailer import ConnectError, DeliveryUnknownError, Mail, MailError, Outcome, SentMessageInfo

TIMEOUT = 30.0
"""Seconds for one request."""


class ExampleTransport:
    """Posts to ``http://host:port/messages``."""

    name = "Example"
    version = "1.0"

    def __init__(self, host: str, port: int, token: str) -> None:
        self._host = host
        self._port = port
        self._token = token

    async def send(self, mail: Mail) -> SentMessageInfo:
        """Post one message."""
        content = b"".join([chunk async for chunk in mail.message.chunks(mail.runtime)])
        body = {
            "from": mail.envelope.from_,
            "to": mail.envelope.to,
            "content": b64encode(content).decode(),
        }
        # What blocks is offloaded: it is called at once for a sync mailer, and in a thread for an async one.
        number = await mail.runtime.offload(self._post, json.dumps(body).encode())
        return SentMessageInfo(
            envelope=mail.envelope,
            message_id=mail.message_id,
            accepted=mail.envelope.to,
            response=number,
            message_size=len(content),
        )

    def _post(self, body: bytes) -> str:
        connection = HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        try:
            connection.connect()
        except OSError as error:
            raise ConnectError(f"cannot connect to {self._host}:{self._port}: {error}") from error
        try:
            connection.request("POST", "/messages", body, {"Authorization": f"Bearer {self._token}"})
            response = connection.getresponse()
            answer = response.read().decode()
        except (OSError, HTTPException) as error:
            # The request may have arrived. Whoever retries now may send the message twice, so nobody does.
            raise DeliveryUnknownError(f"{self._host} did not answer: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise MailError(
                f"{self._host} refused the message: {response.status} {answer}",
                code="EEXAMPLE",
                outcome=Outcome.REJECTED,
                temporary=response.status in (429, 503),
            )
        return answer


def example(options: Mapping[str, Any] | None = None, /, **keywords: Any) -> ExampleTransport:
    """The factory behind the entry point: called with what a URL or a mapping says as keywords."""
    given = {"host": "localhost", "port": 80, "token": "", **(options or {}), **keywords}
    return ExampleTransport(**given)
