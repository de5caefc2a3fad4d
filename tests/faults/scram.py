"""The server's side of SCRAM (RFC 5802), honest or forged: a client has to find out a server that knows no password.

Knows the arithmetic; must not know what follows from the verdict.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.conversation import Conversation

SALT = b"salt of the server"
NONCE = "nonceoftheserver"


def scram(
    conversation: Conversation,
    first: bytes | None,
    algorithm: str,
    *,
    iterations: int = 4096,
    forged: bool = False,
) -> tuple[str, bool] | None:
    """Run one exchange: who it is and whether the proof is right; `None` if the client gave up.

    Args:
        conversation: Asks and hears.
        first: The client's first message, if it came with AUTH.
        algorithm: `sha1` or `sha256`.
        iterations: What the server demands of the client.
        forged: The server's signature is wrong, as that of one who does not know the password would be.
    """
    opening = conversation.challenge() if first is None else first
    if not opening:
        return None
    bare = opening.decode().split(",", 2)[2]
    user, nonce = (attribute[2:] for attribute in bare.split(",")[:2])
    offer = f"r={nonce}{NONCE},s={base64.b64encode(SALT).decode()},i={iterations}"
    closing = conversation.challenge(offer.encode())
    if closing is None:
        return None
    without_proof, _, proof = closing.decode().rpartition(",p=")
    password = conversation.settings.users.get(user.replace("=2C", ",").replace("=3D", "="), "")
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), SALT, iterations)
    signed = f"{bare},{offer},{without_proof}".encode()
    if not hmac.compare_digest(proof, base64.b64encode(_proof(salted, signed, algorithm)).decode()):
        return user, False
    signature = hmac.digest(hmac.digest(salted, b"Server Key", algorithm), signed, algorithm)
    # RFC 4954 has no place for it in the 235, so it is one more challenge, answered with nothing
    conversation.challenge(b"v=" + base64.b64encode(signature[::-1] if forged else signature))
    return user, bool(password)


def _proof(salted: bytes, signed: bytes, algorithm: str) -> bytes:
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    signature = hmac.digest(hashlib.new(algorithm, client_key).digest(), signed, algorithm)
    return bytes(left ^ right for left, right in zip(client_key, signature, strict=True))


def forged_scram(conversation: Conversation) -> None:
    """For `on("AUTH SCRAM-SHA-256", …)`: the whole exchange, with a signature that is wrong, and a welcome."""
    line = conversation.heard.split(" ", 2)
    scram(conversation, base64.b64decode(line[2]) if len(line) > 2 else None, "sha256", forged=True)
    conversation.reply("235 2.7.0 Welcome")
