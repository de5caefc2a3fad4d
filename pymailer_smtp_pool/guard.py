"""The pool's lock: one change of the state at a time, each of them microseconds long.

Nothing waits, does I/O or calls a user under it; whom a change has served is woken after it. Knows how changes are kept
apart, and must not know what they do.
"""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from pymailer.errors import MailError
from pymailer_smtp_pool.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymailer_smtp_pool.closing import Closing
    from pymailer_smtp_pool.state import PoolState

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Guard:
    """Calls the methods of a `PoolState`, one at a time: ``guard(PoolState.request, ticket, now)``.

    The thread that is in the middle of a change can come here a second time: the garbage collector may run anywhere,
    and with it the end of a coroutine whose event loop is gone. A lock that a thread can take twice lets it in, and
    `later` leaves what it wants to the change in progress, where a plain lock would wait for itself for ever.

    Args:
        state: The state.
        announce: Called with each event, outside the lock.
        lost: Called with each ticket whose sender cannot be woken any more, outside the lock.
    """

    def __init__(self, state: PoolState, announce: Callable[[str], None], lost: Callable[[Ticket], None]) -> None:
        self.state: PoolState = state
        self._announce = announce
        self._lost = lost
        self._lock: Any = RLock()
        self._late: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()

    def __call__(self, change: Callable[[PoolState, *Ts], T], /, *args: *Ts) -> T:
        """The result of a change.

        Raises:
            MailError: What the change says.
            RuntimeError: A signal handler or a finalizer interrupted another change, and wants an answer.
        """
        if self._lock._is_owned():  # noqa: SLF001 - `threading.Condition` asks a lock the same
            raise RuntimeError("a signal handler cannot use the pool that it interrupts: let it raise instead")
        try:
            with self._lock:
                try:
                    return change(self.state, *args)
                except MailError:
                    raise
                except BaseException:  # Ctrl-C, in the middle
                    self.state.repair()
                    raise
        finally:
            if self._late or self.state.line.unwoken or self.state.signals:
                self._follow_up()

    def later(self, change: Callable[[PoolState, *Ts], object], /, *args: *Ts) -> None:
        """Make a change now or, called in the middle of another, right after that."""
        if self._lock._is_owned():  # noqa: SLF001 - see above
            self._late.append((change, args))
        else:
            self(change, *args)

    def replace(self, state: PoolState) -> None:
        """Start anew in a forked child, where nobody will ever release what another thread held."""
        self._lock = RLock()
        self._late.clear()
        self.state = state

    def _follow_up(self) -> None:
        """See to what came in the middle of the change, and tell those whom it all concerns."""
        while self._late or self.state.line.unwoken:
            self._wake_up()
        signals = self.state.signals
        while signals:
            try:
                signal = signals.popleft()
            except IndexError:  # another thread announces it
                return
            self._announce(signal)

    def _wake_up(self) -> None:
        served: list[Ticket | Closing] = []
        try:
            with self._lock:
                self._catch_up()
                served += self.state.line.unwoken
                self.state.line.unwoken.clear()
            while served:
                self._wake(served[0])
                del served[0]
        except BaseException:
            self.state.line.unwoken |= dict.fromkeys(served)  # nobody is left asleep; waking twice is harmless
            raise

    def _catch_up(self) -> None:
        """Make the changes that came in the middle of another; the lock is held."""
        while self._late:
            change, args = self._late.popleft()
            try:
                change(self.state, *args)
            except BaseException:  # a repair of what is whole changes nothing
                self.state.repair()
                raise

    def _wake(self, served: Ticket | Closing) -> None:
        waiter = served.waiter
        if waiter is not None and not waiter.wake() and isinstance(served, Ticket):
            self._lost(served)
