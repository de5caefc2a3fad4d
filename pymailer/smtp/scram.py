"""SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither says it.

A state machine without I/O. It knows nothing of TLS but the octets that tie the exchange to it.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from secrets import token_urlsafe
from typing import ClassVar, Final

import attrs

from pymailer.errors import AuthError, ProtocolError
from pymailer.outcome import Stage
from pymailer.secret import Secret
from pymailer.smtp.replies import printable
from pymailer.smtp.sasl import Answer, Mechanism, gs2_name, surplus

__all__ = ["MAX_ITERATIONS", "MIN_ITERATIONS", "ChannelBinding", "Scram"]

MIN_ITERATIONS: Final = 4096
"""RFC 7677 4: with fewer, whoever posed as the server could guess the password from our proof too cheaply."""
MAX_ITERATIONS: Final = 2_000_000
"""About a second of computing, three times what is recommended today: a server may not ask for hours."""

_NONCE_OCTETS: Final = 24


@attrs.frozen
class ChannelBinding:
    """What ties the exchange to one TLS connection (RFC 5056).

    Attributes:
        kind: ``"tls-unique"`` or ``"tls-server-end-point"`` (RFC 5929), or ``"tls-exporter"`` (RFC 9266).
        data: Its octets.
    """

    kind: str
    data: bytes = attrs.field(repr=False)


def _nonce() -> str:
    return token_urlsafe(_NONCE_OCTETS)


@attrs.define
class Scram(Mechanism):
    """SCRAM-SHA-1 and SCRAM-SHA-256, with ``-PLUS`` where a channel binding is given.

    Attributes:
        name: As AUTH names it.
        user: The name after SASLprep.
        password: The password after SASLprep.
        binding: The channel binding, for the ``-PLUS`` names only.
        could_bind: Whether we would have bound the channel if the server had offered that; it then learns whether
            somebody in the middle hid its offer (RFC 5802 6).
        nonce: Makes our nonce.
    """

    name: str
    user: str
    password: Secret[str]
    binding: ChannelBinding | None = None
    could_bind: bool = False
    nonce: Callable[[], str] = _nonce
    _first: str = ""
    _signature: bytes = attrs.field(default=b"", repr=False)
    _verified: bool = False

    slow: ClassVar[bool] = True

    @property
    def _digest(self) -> str:
        return "sha256" if "SHA-256" in self.name else "sha1"

    @property
    def _gs2_header(self) -> str:
        if self.binding is not None:
            return f"p={self.binding.kind},,"
        return "y,," if self.could_bind else "n,,"

    def initial(self) -> Answer:
        """The name and our nonce."""
        self._first = f"n={gs2_name(self.user)},r={self.nonce()}"
        return Secret((self._gs2_header + self._first).encode())

    def step(self, challenge: bytes) -> Answer:
        """First our proof, then a look at the server's."""
        if self._verified:
            raise surplus(self.name, challenge)
        if not self._signature:
            return self._prove(challenge)
        self._verify(challenge)
        return Secret(b"")

    def finish(self) -> None:
        """The server must have proved itself by now (RFC 5802 5)."""
        if not self._verified:
            raise _fraud("the server accepted the login without proving that it knows the password")

    def _prove(self, challenge: bytes) -> Answer:
        fields = _fields(challenge, "rsi")
        nonce, salt, iterations = fields["r"], _decoded(fields["s"]), _iterations(fields["i"])
        ours = self._first.partition(",r=")[2]
        if not (nonce.startswith(ours) and len(nonce) > len(ours)):
            raise _fraud("the server's nonce does not go on from ours")
        bound = self._gs2_header.encode() + (self.binding.data if self.binding else b"")
        closing = f"c={b64encode(bound).decode()},r={nonce}"
        signed = f"{self._first},{challenge.decode()},{closing}".encode()
        salted = Secret(hashlib.pbkdf2_hmac(self._digest, self.password.reveal().encode(), salt, iterations))
        self._signature = self._hmac(self._hmac(salted.reveal(), b"Server Key"), signed)
        return Secret(f"{closing},p={b64encode(self._proof(salted, signed)).decode()}".encode())

    def _proof(self, salted: Secret[bytes], signed: bytes) -> bytes:
        client_key = Secret(self._hmac(salted.reveal(), b"Client Key"))
        stored_key = hashlib.new(self._digest, client_key.reveal()).digest()
        signature = self._hmac(stored_key, signed)
        return bytes(a ^ b for a, b in zip(client_key.reveal(), signature, strict=True))

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._digest)

    def _verify(self, challenge: bytes) -> None:
        fields = _fields(challenge, "")
        if "e" in fields:
            raise AuthError(f"the server refused the login: {printable(fields['e'])}", stage=Stage.AUTH, command="AUTH")
        if not hmac.compare_digest(_decoded(fields.get("v", "")), self._signature):
            raise _fraud("the server's signature is wrong: it does not know the password")
        self._verified = True


def _fields(message: bytes, wanted: str) -> dict[str, str]:
    """The attributes of a server's message (RFC 5802 5.1), which open with `wanted`, in this order."""
    try:
        parts = [part.partition("=") for part in message.decode("ascii").split(",")]
    except UnicodeDecodeError as error:
        raise _nonsense(message) from error
    names = [name for name, _, _ in parts]
    # RFC 5802 5.1: a mandatory extension stands in front ("m=") and ends the exchange with those who do not know it.
    ordered = "".join(names[: len(wanted)]) == wanted
    if not ordered or len(set(names)) < len(names) or not all(len(name) == 1 for name in names):
        raise _nonsense(message)
    return {name: value for name, _, value in parts}


def _decoded(text: str) -> bytes:
    try:
        octets = b64decode(text, validate=True)
    except Base64Error as error:
        raise _nonsense(text.encode()) from error
    if not octets:
        raise _nonsense(text.encode())
    return octets


def _iterations(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not MIN_ITERATIONS <= count <= MAX_ITERATIONS:
        raise _fraud(f"the server asks for {text[:20]} iterations; {MIN_ITERATIONS} to {MAX_ITERATIONS} are safe")
    return count


def _nonsense(message: bytes) -> ProtocolError:
    return ProtocolError(f"this is no message of SCRAM: {message[:80]!r}", stage=Stage.AUTH)


def _fraud(text: str) -> AuthError:
    return AuthError(f"login broken off: {text}", stage=Stage.AUTH, command="AUTH")
