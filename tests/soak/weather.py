"""Random faults at every moment of a conversation, and what the server knew afterwards.

Knows the fault server; nothing of the client.
"""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes
from random import Random

from tests.faults import FaultServer, Rule, at, commit, drop, on, proceed, reply, reset
from tests.faults.actions import Action
from tests.faults.conversation import Conversation

CHANCE = 0.01
"""Of each fault, at each moment at which it could happen."""


def now_and_then(random: Random, *faults: Action) -> Action:
    """One of these faults now and then, else what is right."""

    def act(conversation: Conversation) -> None:
        if random.random() < CHANCE * len(faults):
            random.choice(faults)(conversation)
        proceed(conversation)

    return act


def say(line: str, *then: Action) -> Action:
    """A reply in place of the right one; the conversation goes on with the next command."""

    def act(conversation: Conversation) -> None:
        reply(line)(conversation)
        for action in then:
            action(conversation)

    return act


def instead(random: Random, fault: Action) -> Action:
    """This fault in place of what is right, now and then."""

    def act(conversation: Conversation) -> None:
        (fault if random.random() < CHANCE else proceed)(conversation)

    return act


def committed_and_gone(conversation: Conversation) -> None:
    """The message is there; nobody is told."""
    commit(conversation)
    drop(conversation)


def stormy(random: Random) -> list[Rule]:
    """The rules of a server in bad weather."""
    return [
        at("greeting", now_and_then(random, drop, reset, say("421 4.3.2 busy", drop))),
        at("login", instead(random, say("454 4.7.0 cannot check that now"))),
        on("MAIL", instead(random, say("421 4.3.2 bye", drop))),
        on("RCPT", instead(random, say("450 4.2.1 mailbox busy"))),
        on("DATA", instead(random, drop)),
        at("final", now_and_then(random, drop, reset, committed_and_gone)),
        at("idle", now_and_then(random, drop, reset, say("421 4.4.2 idle too long", drop))),
    ]


def delivered(server: FaultServer) -> Counter[str]:
    """How often the server has each message, by its Message-ID."""
    return Counter(str(message_from_bytes(commit.content)["message-id"]) for commit in server.commits)
