"""Logging in (RFC 4954): carries a mechanism's answers to the server and the server's challenges to the mechanism.

Knows the rounds, their bounds, and that a refused token is renewed once; nothing of how a mechanism thinks. No answer
is shown in the log: the protocol's state says what is a secret, not the look of a line.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import attrs

from pymailer.errors import AuthError, MailError, ProtocolError
from pymailer.oauth2 import OAuth2
from pymailer.outcome import Reply, Stage
from pymailer.runtime import Runtime, maybe_await
from pymailer.secret import Secret
from pymailer.smtp import commands
from pymailer.smtp.hints import explain_refusal
from pymailer.smtp.mechanisms import choose_mechanism, password_mechanism, token_mechanism
from pymailer.smtp.scram import ChannelBinding

if TYPE_CHECKING:
    from pymailer.net.channel import Channel
    from pymailer.smtp.auth import Auth
    from pymailer.smtp.extensions import Capabilities
    from pymailer.smtp.options import SMTPOptions
    from pymailer.smtp.sasl import Answer, Mechanism
    from pymailer.smtp.wire import Wire

__all__ = ["MAX_ROUNDS", "log_in"]

MAX_ROUNDS: Final = 10
"""Challenges that a server may set; no mechanism here has more than three."""

_ACCEPTED: Final = 235
_CHALLENGE: Final = 334
_HIDDEN: Final = "***"

By = Callable[[float], float | None]
"""The deadline of a step that may take so many seconds."""


async def log_in(
    wire: Wire,
    runtime: Runtime,
    options: SMTPOptions,
    capabilities: Capabilities,
    by: By,
    emit: Callable[..., None],
) -> None:
    """Log in with the credentials in `options`.

    Args:
        wire: The dialogue.
        runtime: Waits.
        options: The connection's options; `auth` is given.
        capabilities: What the server offers on this connection as it is now, encrypted or not.
        by: The deadline of a step.
        emit: Told ``"token"`` for each new OAuth2 token.

    Raises:
        AuthError: No login is offered, none is safe, or the server refused the credentials.
        ProtocolError: The server does not keep to the exchange.
        MailError: The connection was lost, or time ran out.
    """
    auth = cast("Auth | OAuth2", options.auth)
    binding = _binding(wire.channel, options)
    name = choose_mechanism(
        capabilities.auth,
        auth,
        secure=wire.channel.secure,
        loopback=options.loopback and wire.channel.stays_here,
        allow_insecure=options.allow_insecure_auth,
        auth_method=options.auth_method,
        can_bind=binding is not None,
    )
    login = _Login(wire, runtime, options, by)
    if isinstance(auth, OAuth2):
        await _log_in_with_token(login, name, auth, emit)
    else:
        plus_offered = any(offer.endswith("-PLUS") for offer in capabilities.auth)
        await login.run(password_mechanism(name, auth, binding, plus_offered=plus_offered))


def _binding(channel: Channel, options: SMTPOptions) -> ChannelBinding | None:
    """What a ``-PLUS`` mechanism binds to.

    TLS 1.3 has no tls-unique, and its tls-exporter (RFC 9266) is not to be had from `ssl`. The server's certificate is
    there always, but few servers take it, so only who names the mechanism gets that.
    """
    unique = channel.channel_binding("tls-unique")
    if unique is not None:
        return ChannelBinding("tls-unique", unique)
    pinned = getattr(options.auth, "method", None) or options.auth_method
    endpoint = channel.channel_binding("tls-server-end-point")
    if endpoint is not None and isinstance(pinned, str) and pinned.endswith("-PLUS"):
        return ChannelBinding("tls-server-end-point", endpoint)
    return None


async def _log_in_with_token(login: _Login, name: str, auth: OAuth2, emit: Callable[..., None]) -> None:
    options = login.options
    announce = partial(emit, "token")
    token = await auth.token(login.runtime, login.by(options.socket_timeout), announce=announce)
    try:
        await login.run(token_mechanism(name, auth.user, token, options.host, options.port))
    except AuthError as error:
        if error.temporary or not auth.renewable:
            raise
    else:
        return
    # It may have expired early, or been revoked: one new one, and what the server says to that is final.
    token = await auth.token(login.runtime, login.by(options.socket_timeout), refused=token, announce=announce)
    await login.run(token_mechanism(name, auth.user, token, options.host, options.port))


@attrs.frozen
class _Login:
    """The dialogue about one login."""

    wire: Wire
    runtime: Runtime
    options: SMTPOptions
    by: By

    async def run(self, mechanism: Mechanism) -> None:
        """One exchange, from AUTH to 235."""
        reply = await self._begin(mechanism)
        for _ in range(MAX_ROUNDS):
            if reply.code == _ACCEPTED:
                mechanism.finish()
                return
            if reply.code != _CHALLENGE:
                raise self._refusal(mechanism, reply)
            reply = await self._answer(await self._step(mechanism, self._challenge(reply)))
        raise ProtocolError(f"{self.wire.peer} asks on and on after AUTH {mechanism.name}", stage=Stage.AUTH)

    async def _begin(self, mechanism: Mechanism) -> Reply:
        name, initial = mechanism.name, await maybe_await(mechanism.initial())
        if initial is None:
            return await self._say(Secret(commands.auth(name)))
        if commands.auth_takes(name, initial):
            return await self._say(Secret(commands.auth(name, initial)), f"AUTH {name} {_HIDDEN}")
        reply = await self._say(Secret(commands.auth(name)))
        return reply if reply.code != _CHALLENGE else await self._answer(initial)

    async def _step(self, mechanism: Mechanism, challenge: bytes) -> Answer:
        if mechanism.slow:
            return await maybe_await(await self.runtime.offload(mechanism.step, challenge))
        return await maybe_await(mechanism.step(challenge))

    async def _answer(self, answer: Answer) -> Reply:
        return await self._say(Secret(commands.auth_response(answer)), _HIDDEN)

    async def _say(self, line: Secret[bytes], shown: str | None = None) -> Reply:
        if shown is None:
            self.wire.put(line.reveal())
        else:
            self.wire.put_secret(line.reveal(), shown)
        deadline = self.by(self.options.socket_timeout)
        await self.wire.flush(self.runtime, deadline, Stage.AUTH)
        return await self.wire.reply(self.runtime, deadline, Stage.AUTH)

    def _challenge(self, reply: Reply) -> bytes:
        try:
            return b64decode("".join(reply.lines).strip(), validate=True)
        except (Base64Error, ValueError) as error:
            raise self.wire.nonsense(Stage.AUTH, reply, "a challenge in base64") from error

    def _refusal(self, mechanism: Mechanism, reply: Reply) -> MailError:
        if reply.positive:
            return self.wire.nonsense(Stage.AUTH, reply, f"{_ACCEPTED} or {_CHALLENGE}")
        words = (f"{self.wire.peer} refused the login with {mechanism.name}: {reply}", mechanism.complaint())
        return AuthError(
            "; ".join(filter(None, (*words, explain_refusal(reply)))), stage=Stage.AUTH, reply=reply, command="AUTH"
        )
