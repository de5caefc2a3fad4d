"""Both composers over the whole corpus, and two parsers over what they made; one process of Node.js for each."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import attrs

from pymailer import create_transport
from pymailer.errors import MailError
from pymailer.results import Envelope
from pymailer.transports import memory
from tests.interop import npm
from tests.interop.differential.corpus import Data, for_python

HERE = Path(__file__).parent
SECONDS = 120


@attrs.frozen
class Made:
    """What a composer made of a message: octets and an envelope, or an error."""

    content: bytes = attrs.field(default=b"", repr=False)
    envelope: Envelope | None = None
    error: str | None = None


def ours(data: Data) -> Made:
    mailer = create_transport(memory())
    try:
        compiled = mailer.compile(for_python(data))
    except MailError as error:
        return Made(error=str(error))
    return Made(compiled.content, compiled.envelope)


def theirs(messages: list[Data]) -> list[Made]:
    return [_made(answer) for answer in node({"compose": messages, "parse": []})["compose"]]


def _made(answer: dict[str, Any]) -> Made:
    if "error" in answer:
        return Made(error=answer["error"])
    envelope = answer["envelope"]
    return Made(b64decode(answer["message"]), Envelope(envelope["from"] or "", envelope["to"]))


def read_by_postal_mime(messages: list[bytes]) -> list[dict[str, Any]]:
    """What the second parser, which nobody here wrote, finds in each message."""
    asked = [b64encode(message).decode("ascii") for message in messages]
    return node({"compose": [], "parse": asked})["parse"]


def node(question: dict[str, Any]) -> dict[str, Any]:
    modules = npm.packages(HERE / "package.json")
    done = subprocess.run(
        [npm.node(), HERE / "compose.mjs", modules],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
