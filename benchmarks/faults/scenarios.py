"""The scenarios: how the server misbehaves, what the client has to do, and what a good client makes of it.

The names are those under which the tests of the pool have the same scenarios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from benchmarks.faults.observed import Observed
from benchmarks.faults.task import Task
from tests.faults import (
    Conversation,
    Rule,
    at,
    closes_after,
    commit,
    delay,
    drop,
    on,
    proceed,
    reply,
    send,
    trickle,
)

Show = Callable[[Observed], str]
USERS: Final = {"user": "secret"}


@attrs.frozen(kw_only=True)
class Scenario:
    """One way to misbehave.

    Attributes:
        name: S and a number.
        title: What happens.
        task: What the client does.
        good: Whether a client did well.
        bar: What that means, in words.
        rules: How the server departs from a correct one; made anew for each client.
        settings: What else the server does.
        show: What the table says about a client, besides what became of the messages.
        pools_only: Whether only a pool can be asked for this.
        listens: Whether there is a server at all.
    """

    name: str
    title: str
    task: Task
    good: Callable[[Observed], bool]
    bar: str
    rules: Callable[[], tuple[Rule, ...]] = tuple
    settings: dict[str, Any] = attrs.field(factory=dict)
    show: Show = lambda _: ""
    pools_only: bool = False
    listens: bool = True


def _all_sent(seen: Observed) -> bool:
    return seen.sent == seen.held == seen.task.sends


def _seconds(seen: Observed) -> str:
    return f"{seen.seconds:.2f} s"


def _held(seen: Observed) -> str:
    return f"server holds {seen.held}"


def _connects(seen: Observed) -> str:
    return _counted(seen.connects, "connection")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _too_many_logins(talk: Conversation) -> None:
    """As Office 365 does: three connections, and a refusal of the fourth when it logs in."""
    if talk.at_once > 3:
        talk.reply("432 4.3.2 Concurrent connections limit exceeded")
        drop(talk)
    else:
        talk.proceed()


def _told_of_all(seen: Observed) -> bool:
    return not seen.open and not seen.sent


SCENARIOS: Final = (
    Scenario(
        name="S1b",
        title="the server hangs up after each message; 30 in turn",
        task=Task(sends=30, patience=30),
        rules=lambda: (closes_after(1),),
        show=_seconds,
        good=lambda seen: _all_sent(seen) and seen.seconds < 1,
        bar="30 sent, no pauses",
    ),
    Scenario(
        name="S2",
        title="the message is taken, and the connection lost before the reply",
        task=Task(),
        rules=lambda: (at("final", commit, drop),),
        show=_held,
        good=lambda seen: seen.outcomes == {"unknown"} and seen.held == 1,
        bar="`unknown`, and not sent twice",
    ),
    Scenario(
        name="S3",
        title="the connection is lost at DATA, always",
        task=Task(patience=40),
        rules=lambda: (on("DATA", drop),),
        show=_held,
        good=lambda seen: seen.outcomes == {"not_sent"},
        bar="`not_sent`, unlike S2",
    ),
    Scenario(
        name="S3b",
        title="the connection is lost at DATA, once",
        task=Task(),
        rules=lambda: (on("DATA", drop, times=1),),
        show=_held,
        good=_all_sent,
        bar="sent",
    ),
    Scenario(
        name="S4",
        title="421 at MAIL on a connection that was used before; 3 in turn",
        task=Task(sends=3),
        rules=lambda: (at("mail", reply("421 4.4.2 Idle for too long"), drop, connection=1, message=2),),
        good=_all_sent,
        bar="3 sent",
    ),
    Scenario(
        name="S5",
        title="three connections are allowed, more are greeted with 421; 30 at once",
        task=Task(sends=30, together=True, patience=30),
        rules=lambda: (at("final", delay(0.02), proceed),),
        settings={"limit": 3},
        good=_all_sent,
        bar="30 sent",
    ),
    Scenario(
        name="S6",
        title="432 at AUTH beyond three connections; 30 at once",
        task=Task(sends=30, together=True, user="user", password="secret", patience=30),
        rules=lambda: (at("auth", _too_many_logins), at("final", delay(0.02), proceed)),
        settings={"users": USERS},
        good=_all_sent,
        bar="30 sent",
    ),
    Scenario(
        name="S7",
        title="wrong password; 50 at once",
        task=Task(sends=50, together=True, user="user", password="wrong"),
        settings={"users": USERS},
        show=lambda seen: _counted(seen.logins, "login"),
        good=lambda seen: _told_of_all(seen) and seen.logins == 1,
        bar="1 login, all are told",
    ),
    Scenario(
        name="S8",
        title="454 at AUTH twice, then it works; 5 at once",
        task=Task(sends=5, together=True, user="user", password="secret", patience=30),
        rules=lambda: (at("login", reply("454 4.7.0 Temporary authentication failure"), times=2),),
        settings={"users": USERS},
        show=_seconds,
        good=_all_sent,
        bar="5 sent",
    ),
    Scenario(
        name="S9",
        title="the server hangs up before its greeting, always",
        task=Task(patience=40),
        rules=lambda: (at("greeting", drop),),
        show=lambda seen: f"{_connects(seen)}, {_seconds(seen)}",
        good=lambda seen: _told_of_all(seen) and seen.connects <= 10,
        bar="fails, after few connections",
    ),
    Scenario(
        name="S10",
        title="every second recipient is refused; 20 in turn",
        task=Task(sends=20, refused_every=2),
        rules=lambda: (on("RCPT TO:<refused", reply("550 5.1.1 No such user")),),
        show=_connects,
        good=lambda seen: seen.sent == seen.failed == 10 and seen.connects == 1,
        bar="10 sent, 1 connection",
    ),
    Scenario(
        name="S11",
        pools_only=True,
        title="a limit of 2 messages a second; 10 at once",
        task=Task(sends=10, together=True, rate_limit=2),
        show=lambda seen: f"{seen.most_in_a_second} in one second",
        good=lambda seen: _all_sent(seen) and seen.most_in_a_second <= 2,
        bar="2 in any second",
    ),
    Scenario(
        name="S12",
        title="the last reply trickles in, a byte every 0.5 s; time-out 3 s",
        task=Task(socket_timeout=3, patience=12),
        rules=lambda: (at("final", commit, trickle(f"250 2.0.0 Ok: queued as {'0' * 60}", pause=0.5)),),
        show=_seconds,
        good=lambda seen: _told_of_all(seen) and seen.outcomes <= {"unknown", ""} and seen.seconds < 6,
        bar="told after 3 s",
    ),
    Scenario(
        name="S13",
        pools_only=True,
        title="closed with 2 in flight and 8 in the queue",
        task=Task(sends=10, together=True, connections=2, close_after=0.15),
        rules=lambda: (at("final", delay(0.2), proceed),),
        show=_held,
        good=_all_sent,
        bar="10 sent: closing drains",
    ),
    Scenario(
        name="S15",
        pools_only=True,
        title="sent after close",
        task=Task(send_after_close=True, patience=5),
        good=lambda seen: _told_of_all(seen) and seen.seconds < 1,
        bar="an error at once",
    ),
    Scenario(
        name="S16",
        title="the server hangs up silently after 20 messages; 100 at once",
        task=Task(sends=100, together=True, patience=30),
        rules=lambda: (closes_after(20),),
        good=_all_sent,
        bar="100 sent",
    ),
    Scenario(
        name="S17",
        title="`451 Timeout` is pushed into an idle connection, then it is closed; 2 in turn",
        task=Task(sends=2, pause=0.3),
        rules=lambda: (
            at("idle", send(b"451 4.4.2 Timeout waiting for data from client.\r\n"), drop, connection=1, message=1),
        ),
        good=_all_sent,
        bar="2 sent",
    ),
    Scenario(
        name="S19",
        title="nobody listens; 20 at once",
        task=Task(sends=20, together=True, patience=40),
        listens=False,
        show=_seconds,
        good=lambda seen: _told_of_all(seen) and seen.seconds < 30,
        bar="all are told, in bounded time",
    ),
)
