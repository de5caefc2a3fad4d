"""The mechanisms that fit in a few lines (RFC 4422): what is answered to which challenge, and nothing of the wire.

A mechanism is a state machine without I/O. It hands out its answers as `Secret`s, so that whoever carries them to the
wire cannot show one by accident. SCRAM has a file of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeAlias

import attrs

from pymailer.errors import ConfigError, ProtocolError
from pymailer.outcome import Stage
from pymailer.runtime import maybe_await
from pymailer.secret import Secret
from pymailer.smtp.replies import printable

__all__ = ["Answer", "CramMD5", "Custom", "Login", "Mechanism", "OAuthBearer", "Plain", "XOAuth2", "gs2_name"]

Answer: TypeAlias = Secret[bytes]


class Mechanism:
    """One authentication exchange from our side; as it stands, one in which there is nothing to say."""

    name: str
    slow: ClassVar[bool] = False
    """Whether `step` may compute for so long that it must not run where others wait."""

    def initial(self) -> Answer | Awaitable[Answer | None] | None:
        """What is said before any challenge; ``None`` where the server begins."""
        return None

    def step(self, challenge: bytes) -> Answer | Awaitable[Answer]:
        """The answer to a challenge.

        Raises:
            ProtocolError: The challenge makes no sense.
            AuthError: The server does not know our password.
        """
        raise surplus(self.name, challenge)

    def complaint(self) -> str:
        """What the server had against the credentials, if it said so within the exchange."""
        return ""

    def finish(self) -> None:
        """The server says that we are in.

        Raises:
            AuthError: It has not shown that it knows our password, where the mechanism demands that.
        """


def surplus(name: str, challenge: bytes) -> ProtocolError:
    """The error for a challenge after everything was said."""
    return ProtocolError(f"the server asks for more than {name} has to say: {challenge[:80]!r}", stage=Stage.AUTH)


@attrs.define
class Plain(Mechanism):
    """RFC 4616."""

    user: str
    password: Secret[str]
    name: str = attrs.field(default="PLAIN", init=False)

    def initial(self) -> Answer:
        """No other identity to act for, the name, and the password, with NUL in between."""
        return Secret(b"\0%b\0%b" % (self.user.encode(), self.password.reveal().encode()))


@attrs.define
class Login(Mechanism):
    """draft-murchison-sasl-login; with which words the server asks does not matter."""

    user: str
    password: Secret[str]
    name: str = attrs.field(default="LOGIN", init=False)
    _asked: int = 0

    def step(self, challenge: bytes) -> Answer:
        """First the name, then the password."""
        self._asked += 1
        if self._asked > 2:
            raise surplus(self.name, challenge)
        return Secret((self.user if self._asked == 1 else self.password.reveal()).encode())


@attrs.define
class CramMD5(Mechanism):
    """RFC 2195."""

    user: str
    password: Secret[str]
    name: str = attrs.field(default="CRAM-MD5", init=False)
    _asked: bool = False

    def step(self, challenge: bytes) -> Answer:
        """The name, and what only who knows the password can make of the challenge."""
        if self._asked:
            raise surplus(self.name, challenge)
        self._asked = True
        proof = hmac.digest(self.password.reveal().encode(), challenge, "md5").hex()
        return Secret(f"{self.user} {proof}".encode())


@attrs.define
class _Bearer(Mechanism):
    """A token; a refused one is explained in a challenge of JSON, and the refusal itself follows our answer to that."""

    user: str
    token: Secret[str]
    _complaint: bytes = attrs.field(default=b"", init=False)

    answer_to_complaint: ClassVar[bytes]

    def step(self, challenge: bytes) -> Answer:
        """Next to nothing: everything was said, and the server has complained."""
        if self._complaint:
            raise surplus(self.name, challenge)
        self._complaint = challenge or b" "
        return Secret(self.answer_to_complaint)

    def complaint(self) -> str:
        """What the server had against the token, which it may quote and we do not."""
        text = self._complaint.decode("utf-8", "replace").replace(self.token.reveal(), "***")
        return printable(text.strip()[:200])


@attrs.define
class XOAuth2(_Bearer):
    """Google's and Microsoft's own form."""

    name: str = attrs.field(default="XOAUTH2", init=False)
    answer_to_complaint = b""

    def initial(self) -> Answer:
        """The name and the token."""
        return Secret(b"user=%b\x01auth=Bearer %b\x01\x01" % (self.user.encode(), self.token.reveal().encode()))


@attrs.define
class OAuthBearer(_Bearer):
    """RFC 7628."""

    host: str
    port: int
    name: str = attrs.field(default="OAUTHBEARER", init=False)
    answer_to_complaint = b"\x01"  # 3.2.3

    def initial(self) -> Answer:
        """The name, where we think we are, and the token."""
        head = f"n,a={gs2_name(self.user)},\x01host={self.host}\x01port={self.port}\x01auth=Bearer "
        return Secret(b"%b%b\x01\x01" % (head.encode(), self.token.reveal().encode()))


def gs2_name(user: str) -> str:
    """A name inside a GS2 header or a SCRAM message (RFC 5801 4)."""
    return user.replace("=", "=3D").replace(",", "=2C")


@attrs.define
class Custom(Mechanism):
    """A mechanism of the user's own, known to one callable.

    Attributes:
        name: As AUTH names it.
        respond: Answers a challenge, or says what comes before any (``None``). Plain or async.
    """

    name: str
    respond: Callable[[bytes | None], object] = attrs.field(repr=False)

    async def initial(self) -> Answer | None:
        """What the callable says to ``None``."""
        return _sealed(self.name, await maybe_await(self.respond(None)))

    async def step(self, challenge: bytes) -> Answer:
        """What the callable says to the challenge."""
        return _sealed(self.name, await maybe_await(self.respond(challenge))) or Secret(b"")


def _sealed(name: str, answer: object) -> Answer | None:
    if answer is None:
        return None
    answer = Secret(answer) if isinstance(answer, bytes) else type(answer)
    if isinstance(answer, type):
        raise ConfigError(f"the callable for {name} returns bytes or None, not {answer.__name__}")
    return answer
