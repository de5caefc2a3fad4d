"""A scripted SMTP server: correct, strict, and at one chosen moment as broken as a test wants it.

    with FaultServer(at("final", commit, drop)) as server:          # takes the message, never says so
        ...send through server.host, server.port...
        assert len(server.commits) == 1                             # the truth, which the client cannot see

A script is a list of rules; without one the server is simply correct. `on(command, …)` fits command lines by their
beginning, `at(moment, …)` fits moments (a `Stage`, or one of the names in `Moment`). Both take actions, which replace
what a correct server would do there (`proceed` does it after all), and selections that say when:

    on("RCPT TO:<b@", reply("550 5.1.1 no such user"))              one recipient is refused
    on("MAIL", reply("451 4.3.0 later"), times=2)                   twice, over the whole server
    at("greeting", reply("421 4.7.0 busy"), drop, connection=1)     the first connection only
    at("body", reply("552 5.3.4 full"), half_close, octets=100_000)
    at("final", delay(0.2), proceed)                                slowly
    at("final", hold(gate), proceed)                                not before the test opens the gate (`Gate`)
    at("idle", send(b"421 4.4.2 idle too long\\r\\n"), drop, message=3)
    at("handshake", upgrade(certificates.expired()))
    closes_after(10)

Actions: `reply`, `send`, `trickle`, `endless`, `proceed`, `silence`; `delay`, `hold`, `stall`, `hear`; `commit`,
`commit_for`; `upgrade`, `forged_scram`; `drop` (FIN), `reset` (RST), `half_close`; and any callable that takes a
`Conversation`.

Keywords of `FaultServer` say what the correct server offers (`Settings`): `extensions=`, `users=`, `mechanisms=`,
`require_auth=`, `tls=certificates.good()`, `implicit_tls=`, `lmtp=`, `limit=` (421 beyond so many connections),
`receive_buffer=`. `dialogue=transcript("name").play` follows a `C:`/`S:` text instead (`tests.faults.transcript`);
`tests.faults.replay.ScriptedRuntime` plays the same text to a client without a server, a thread or a real second.

It records `lines`, `bodies`, `commits`, `logins`, `opened`, `most_at_once`, `closed`, `violations`, and
`heard("RCPT")`; `wait_until(condition)` and `wait_for("DATA")` block until it has seen something (from a coroutine:
through `runtime.offload`). `open` counts the connections that neither side has closed. `script(*rules)` changes the
rules, `hang_up()` ends all conversations, `close()` joins all threads.

The pytest fixture `fault_server` (`tests.faults.fixtures`) takes the same arguments, closes what it made, and fails the
test if the client broke a rule of the protocol (`violations`) unless `strict_client=False` is given.
"""

from tests.faults.actions import (
    Action,
    Gate,
    commit,
    commit_for,
    delay,
    drop,
    endless,
    half_close,
    hear,
    hold,
    proceed,
    reply,
    reset,
    send,
    silence,
    stall,
    trickle,
    upgrade,
)
from tests.faults.conversation import Conversation
from tests.faults.record import Body, Commit, Line, Login, Record
from tests.faults.rules import Moment, Rule, at, closes_after, on
from tests.faults.scram import forged_scram
from tests.faults.server import FaultServer
from tests.faults.settings import EXTENSIONS, Settings

__all__ = [
    "EXTENSIONS",
    "Action",
    "Body",
    "Commit",
    "Conversation",
    "FaultServer",
    "Gate",
    "Line",
    "Login",
    "Moment",
    "Record",
    "Rule",
    "Settings",
    "at",
    "closes_after",
    "commit",
    "commit_for",
    "delay",
    "drop",
    "endless",
    "forged_scram",
    "half_close",
    "hear",
    "hold",
    "on",
    "proceed",
    "reply",
    "reset",
    "send",
    "silence",
    "stall",
    "trickle",
    "upgrade",
]
