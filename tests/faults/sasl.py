"""The server's side of AUTH (RFC 4954), as far as a test of a client needs it.

Knows mechanisms; must not know what the script makes of the verdict.
"""

from __future__ import annotations

import functools
import hmac
import re

from tests.faults.conversation import Conversation, decoded
from tests.faults.scram import scram

Verdict = tuple[str, bool]
"""Who it is, and whether the proof is right."""


def authenticate(conversation: Conversation, mechanism: str, initial: str | None) -> Verdict | None:
    """Run one exchange; `None` if the client gave up, wrote nonsense, or asked for what is not offered."""
    exchange = _EXCHANGES.get(mechanism)
    if exchange is None or mechanism not in conversation.settings.mechanisms:
        return None
    first = None if initial is None else b"" if initial == "=" else decoded(initial)
    return exchange(conversation, first)


def _plain(conversation: Conversation, first: bytes | None) -> Verdict | None:
    response = conversation.challenge() if first is None else first
    if response is None or response.count(b"\0") != 2:
        return None
    _, user, password = response.decode().split("\0")
    return user, _is_password(conversation, user, password)


def _login(conversation: Conversation, first: bytes | None) -> Verdict | None:
    user = conversation.challenge(b"Username:") if first is None else first
    password = None if user is None else conversation.challenge(b"Password:")
    if user is None or password is None:
        return None
    return user.decode(), _is_password(conversation, user.decode(), password.decode())


def _cram_md5(conversation: Conversation, first: bytes | None) -> Verdict | None:
    challenge = b"<1896.697170952@fault.test>"
    response = conversation.challenge(challenge)
    if response is None or b" " not in response:
        return None
    user, proof = response.decode().rsplit(" ", 1)
    secret = conversation.settings.users.get(user, "")
    return user, hmac.compare_digest(proof, hmac.new(secret.encode(), challenge, "md5").hexdigest()) and bool(secret)


def _xoauth2(conversation: Conversation, first: bytes | None) -> Verdict | None:
    response = conversation.challenge() if first is None else first
    match = re.fullmatch(
        rb"(?:n,a=|user=)([^\x01,]*),?\x01.*auth=Bearer ([^\x01]*)\x01\x01", response or b"", re.DOTALL
    )
    if match is None:
        return None
    user, token = (group.decode() for group in match.groups())
    if _is_password(conversation, user, token):
        return user, True
    conversation.challenge(b'{"status":"401","schemes":"bearer"}')  # the client answers with an empty response
    return user, False


def _is_password(conversation: Conversation, user: str, password: str) -> bool:
    return conversation.settings.users.get(user) == password


_EXCHANGES = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "XOAUTH2": _xoauth2,
    "OAUTHBEARER": _xoauth2,
    "SCRAM-SHA-1": functools.partial(scram, algorithm="sha1"),
    "SCRAM-SHA-256": functools.partial(scram, algorithm="sha256"),
}
