"""One mail transaction (RFC 5321 3.3) without I/O: which replies are awaited, and what they add up to.

Replies come in the order of the commands, so one list serves every dialogue: one command at a time, pipelined
(RFC 2920), or the whole message in one flight (RFC 3030). Knows nothing of sockets, and decides no retry.
"""

# `factory=list[str]` would tell pyright more, and take four times as long for each message.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from pymailer.errors import AuthError, EnvelopeError, MailError, ProtocolError, ReplyError
from pymailer.outcome import Outcome, Reply, Stage

CLOSING: Final = 421
"""The server is shutting the connection down, whatever was asked (RFC 5321 3.8)."""

RSET: Final = "RSET"

_COMMANDS: Final = {Stage.MAIL: "MAIL", Stage.RCPT: "RCPT", Stage.DATA: "DATA", Stage.BODY: "BDAT", Stage.FINAL: "DATA"}
_TOO_MANY_RECIPIENTS: Final = "4.5.3"


@attrs.define(eq=False)
class Transaction:
    """What one transaction awaits and has heard.

    Attributes:
        peer: Who answers, for error messages.
        lmtp: Whether each accepted recipient gets a final reply of its own (RFC 2033 4.2).
        accepted: The recipients that were taken so far.
        refused: An error for each recipient that was not.
        fatal: What ended the whole transaction.
        final: The last reply to the end of the message.
        confirmed: The recipients that a final reply was read for; in LMTP they are confirmed one by one.
        dismissed: Whether the server said 421: the connection is of no more use.
        unsettled: Whether RSET was refused: what the server still remembers is its secret.
        contradicted: What the server said yes to after it had refused what that depends on.
        expected: The commands that await replies: where each stands, and the recipient that it is about, or `RSET`.
    """

    peer: str
    lmtp: bool = False
    accepted: list[str] = attrs.field(factory=list)
    refused: list[ReplyError] = attrs.field(factory=list)
    fatal: MailError | None = None
    go_ahead: bool = False
    final: Reply | None = None
    dismissed: bool = False
    unsettled: bool = False
    contradicted: Reply | None = None
    stage: Stage = Stage.MAIL
    confirmed: list[str] = attrs.field(factory=list)
    expected: deque[tuple[Stage, str | None]] = attrs.field(factory=deque)
    _taken_anyway: bool = False

    def expect(self, stage: Stage, about: str | None = None) -> None:
        """A command was queued whose reply will come after all those already awaited.

        Args:
            stage: Where in the transaction it stands; RSET stands with the MAIL that follows it.
            about: The recipient that a RCPT is about, or `RSET`.
        """
        self.expected.append((stage, about))

    def expect_all(self, expected: Iterable[tuple[Stage, str | None]]) -> None:
        """The same for several commands."""
        self.expected.extend(expected)

    @property
    def awaited(self) -> Stage | None:
        """The stage of the next reply, ``None`` if none is awaited."""
        return self.expected[0][0] if self.expected else None

    @property
    def refused_by_all(self) -> bool:
        """Whether no recipient is left to deliver to."""
        return bool(self.refused) and not self.accepted

    @property
    def lost_step(self) -> bool:
        """Whether the server's answers no longer fit our commands, so that nothing it says can be relied on."""
        return self.unsettled or self.contradicted is not None or isinstance(self.fatal, ProtocolError)

    @property
    def hopeless(self) -> bool:
        """Whether nothing that the message's end could bring would make it delivered."""
        return self.fatal is not None or self.refused_by_all

    def take(self, reply: Reply) -> None:
        """The next reply, for the first command that awaits one."""
        stage, about = self.expected.popleft()
        self.stage = stage
        if reply.code == CLOSING:
            self.dismissed = True
        if stage is Stage.RCPT and about is not None:
            self._take_recipient(about, reply)
        elif stage is Stage.FINAL:
            self._take_final(reply)
        elif about == RSET and reply.code != CLOSING:
            # The message may go all the same: were an old transaction still open, MAIL would be refused (503).
            self.unsettled |= not reply.positive
        else:
            self._take_step(stage, reply)

    def _take_step(self, stage: Stage, reply: Reply) -> None:
        """RSET, MAIL, DATA, or a part of the message."""
        if self.hopeless:  # what follows a refusal only repeats it
            self.go_ahead = stage is Stage.DATA and reply.code == 354
            return
        if not reply.positive:
            self.fatal = self._refusal(stage, reply)
        elif (reply.code == 354) is not (stage is Stage.DATA):
            self.fatal = self._nonsense(stage, reply)
        else:
            self.go_ahead = stage is Stage.DATA

    def _take_recipient(self, recipient: str, reply: Reply) -> None:
        if self.fatal is not None:
            self._taken_anyway |= reply.positive
        elif reply.code == CLOSING:
            self.fatal = self._refusal(Stage.RCPT, reply)
            self._taken_anyway = bool(self.accepted)
        elif reply.code == 354:
            self.fatal = self._nonsense(Stage.RCPT, reply)
        elif reply.positive:
            self.accepted.append(recipient)
        else:
            self.refused.append(self._refused(recipient, Stage.RCPT, reply))

    def _refused(self, recipient: str, stage: Stage, reply: Reply) -> ReplyError:
        code = "EENVELOPE" if stage is Stage.RCPT else "EMESSAGE"
        return ReplyError(
            f"{self.peer} refused {recipient}: {reply}",
            code=code,
            stage=stage,
            reply=reply,
            command=_COMMANDS[stage],
            recipient=recipient,
        )

    def _take_final(self, reply: Reply) -> None:
        if reply.code == 354:
            self.fatal = self._nonsense(Stage.FINAL, reply)
            return
        self.final = reply
        if self.fatal is not None and self._taken_anyway and reply.positive:
            self.contradicted = reply
        elif self.lmtp and self.accepted:
            self._take_final_of_one(reply)
        elif reply.positive:
            self.confirmed = list(self.accepted)
        elif not self.hopeless:
            self.fatal = self._refusal(Stage.FINAL, reply)

    def _take_final_of_one(self, reply: Reply) -> None:
        recipient = self.accepted[len(self.confirmed)]
        if reply.positive:
            self.confirmed.append(recipient)
        else:
            self.accepted.remove(recipient)
            self.refused.append(self._refused(recipient, Stage.FINAL, reply))
        if len(self.confirmed) < len(self.accepted):
            self.expected.appendleft((Stage.FINAL, None))

    def _refusal(self, stage: Stage, reply: Reply) -> MailError:
        text = f"{self.peer} refused {_COMMANDS[stage]}: {reply}"
        command = _COMMANDS[stage]
        if stage is Stage.MAIL and reply.code == 503:  # the server thinks we are elsewhere in the dialogue
            return ProtocolError(text, stage=stage, reply=reply, command=command, temporary=True)
        if stage is Stage.MAIL and reply.code in (530, 535):
            return AuthError(f"{text} (it wants a login first)", stage=stage, reply=reply, command=command)
        # A 421 before the end of the message hangs up on it: the server holds nothing, and said nothing of the message.
        unheard = reply.code == CLOSING and stage is not Stage.FINAL
        return ReplyError(
            text,
            code="EENVELOPE" if stage in (Stage.MAIL, Stage.RCPT) else "EMESSAGE",
            outcome=Outcome.NOT_SENT if unheard else Outcome.REJECTED,
            stage=stage,
            reply=reply,
            command=command,
        )

    def _nonsense(self, stage: Stage, reply: Reply) -> ProtocolError:
        return ProtocolError(
            f"{self.peer} answered {_COMMANDS[stage]} with {reply}", stage=stage, reply=reply, command=_COMMANDS[stage]
        )

    def refusal(self) -> MailError | None:
        """Why nothing of this transaction was delivered, if that is already certain."""
        if self.contradicted is not None:
            return None
        if self.fatal is not None:
            return self.fatal
        return all_refused(self.refused) if self.refused_by_all else None

    def overflow(self) -> tuple[str, ...]:
        """The recipients that were only too many for one transaction (RFC 5321 4.5.3.1.10): they go in another."""
        if not self.accepted:
            return ()
        return tuple(e.recipient for e in self.refused if e.recipient is not None and _too_many(e.reply))


def _too_many(reply: Reply | None) -> bool:
    if reply is None or reply.code != 452:
        return False
    return reply.enhanced == _TOO_MANY_RECIPIENTS or "too many recip" in str(reply).lower()


def all_refused(refused: Sequence[ReplyError]) -> EnvelopeError:
    """The error for a message that no recipient of it was taken for."""
    last = refused[-1]
    return EnvelopeError(
        f"every recipient was refused; the last answer: {last}",
        outcome=Outcome.REJECTED,
        stage=last.stage,
        reply=last.reply,
        command=last.command,
        temporary=all(error.temporary for error in refused),
        rejected_errors=refused,
    )
