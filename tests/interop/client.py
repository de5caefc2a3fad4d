"""The library as the interop tests use it, with the same words in both colours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from pymailer import CompiledMail, SentMessageInfo, create_async_transport, create_transport
from pymailer_smtp_pool import smtp_pool
from tests.faults import certificates

TLS = {"ca": certificates.authority_pem()}


@attrs.frozen
class Sent:
    """One message: what was put on the wire, what came of it, and the dialogue."""

    mail: CompiledMail
    info: SentMessageInfo
    dialogue: tuple[tuple[str, str], ...]
    """Pairs of `client` or `server`, and the line."""

    def said(self, prefix: str) -> list[str]:
        """The client's lines that begin so."""
        return [line for who, line in self.dialogue if who == "client" and line.startswith(prefix)]


@attrs.frozen
class Client:
    """Sends in one colour."""

    colour: str

    def send(self, options: Mapping[str, Any], message: Any, **more: Any) -> Sent:
        """Compose one message and send it over a connection of its own; errors are raised as they come."""
        log: list[Mapping[str, Any]] = []
        transport = smtp_pool({"tls": TLS, "debug": True, **options, **more})
        mail, info = self._send_one(transport, message, log)
        lines = ((entry["type"], entry["message"]) for entry in log)
        return Sent(mail, info, tuple((who, line) for who, line in lines if who in {"client", "server"}))

    def _send_one(self, transport: Any, message: Any, log: list[Any]) -> tuple[CompiledMail, SentMessageInfo]:
        if self.colour == "async":
            return asyncio.run(self._send_one_async(transport, message, log))
        with create_transport(transport) as mailer:
            mailer.on("log", log.append)
            mail = mailer.compile(message)
            return mail, mailer.send_compiled(mail)

    async def _send_one_async(
        self, transport: Any, message: Any, log: list[Any]
    ) -> tuple[CompiledMail, SentMessageInfo]:
        async with create_async_transport(transport) as mailer:
            mailer.on("log", log.append)
            mail = await mailer.compile(message)
            return mail, await mailer.send_compiled(mail)

    def send_all(self, options: Mapping[str, Any], messages: Iterable[Any], **more: Any) -> list[Any]:
        """Send many messages over one pool; the deliveries in the order in which they settled."""
        transport = smtp_pool({"tls": TLS, **options, **more})
        if self.colour == "async":
            return asyncio.run(self._send_all_async(transport, messages))
        with create_transport(transport) as mailer:
            return list(mailer.send_many(messages))

    async def _send_all_async(self, transport: Any, messages: Iterable[Any]) -> list[Any]:
        async with create_async_transport(transport) as mailer:
            return [delivery async for delivery in mailer.send_many(messages)]

    def verify(self, options: Mapping[str, Any], **more: Any) -> bool:
        """Connect, log in and say goodbye; errors are raised as they come."""
        transport = smtp_pool({"tls": TLS, **options, **more})
        if self.colour == "async":
            return asyncio.run(self._verify_async(transport))
        with create_transport(transport) as mailer:
            return mailer.verify()

    async def _verify_async(self, transport: Any) -> bool:
        async with create_async_transport(transport) as mailer:
            return await mailer.verify()
