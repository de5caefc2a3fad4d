"""When a server does something else than a correct one would: the sentences of the script language.

Knows moments and counting; must not know what the actions do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import attrs

from tests.faults.actions import Action, drop, reply


@attrs.frozen
class Moment:
    """A point of a conversation at which a script may step in.

    Attributes:
        name: `greeting`, `handshake` (TLS), `ehlo` (HELO and LHLO too), `starttls`, `auth`, `login` (credentials read,
            verdict open), `mail`, `rcpt`, `data`, `bdat`, `body`, `final` (the whole message was read), `idle` (the
            final reply was sent), or another command in lower case.
        connection: The number of the connection, from 1.
        message: The number of the message on this connection, from 1.
        text: The command line.
        octets: How much of the body has come.
    """

    name: str
    connection: int
    message: int = 0
    text: str = ""
    octets: int = 0


@attrs.frozen(eq=False)
class Rule:
    """At these moments, do this: see `on` and `at`."""

    actions: tuple[Action, ...]
    name: str | None = None
    prefix: str = ""
    connection: int | None = None
    message: int | None = None
    octets: int = 0
    skip: int = 0
    times: int | None = None

    def fits(self, moment: Moment) -> bool:
        """Whether it is about this moment, counting aside."""
        return (
            self.name in (None, moment.name)
            and moment.text.upper().startswith(self.prefix)
            and self.connection in (None, moment.connection)
            and self.message in (None, moment.message)
            and moment.octets >= self.octets
        )


def on(command: str, *actions: Action, **selection: int) -> Rule:
    """When a command line begins with `command` (in any case), do this: `on("RCPT TO:<b@", reply("550 5.1.1 no"))`.

    Selections, all optional: `connection` and `message` (numbers, from 1), `skip` (the first so many that fit are
    left alone), `times` (only so many). Counts run over the whole server.
    """
    return Rule(actions, prefix=command.upper(), **selection)


def at(moment: str, *actions: Action, **selection: int) -> Rule:
    """At a moment (a `Stage` or one of the names of `Moment`), do this: `at(Stage.FINAL, commit, drop)`.

    Selections as in `on`, and `octets`: how many of the body must have come at `at("body", …)`.
    """
    return Rule(actions, name=str(moment), **selection)


def closes_after(messages: int, *, silently: bool = True) -> Rule:
    """The server hangs up when a connection has carried so many messages, as providers do."""
    farewell = () if silently else (reply("421 4.7.0 Too many messages on one connection"),)
    return at("idle", *farewell, drop, message=messages)


class Rules:
    """The rules of a server and how often each has fitted; the first that fits a moment and has its turn counts."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._fitted = dict.fromkeys(self._rules, 0)
        self._lock = threading.Lock()

    def at(self, moment: Moment, asked: set[Rule]) -> Rule | None:
        """The rule for this moment. A rule in `asked` was counted before and is not asked again."""
        with self._lock:
            for rule in self._rules:
                if rule not in asked and rule.fits(moment):
                    asked.add(rule)
                    if self._has_its_turn(rule):
                        return rule
        return None

    def _has_its_turn(self, rule: Rule) -> bool:
        self._fitted[rule] += 1
        turn = self._fitted[rule] - rule.skip
        return turn > 0 and (rule.times is None or turn <= rule.times)
