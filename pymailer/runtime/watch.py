"""Sockets under watch: which of those that somebody waits at are ready. Event loops and the multiplexer both look here.

A socket is armed by whoever begins to wait at it, and gives one sign at most for that. So nothing has to be undone when
a wait ends, and a socket at which nobody waits any more disturbs nobody, be it idle in a pool, in use by another loop
or thread, or still open in a forked child. Knows sockets and descriptors; must not know who waits, or how.
"""

from __future__ import annotations

import select
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pymailer.runtime import READ, WRITE
from pymailer.runtime.blocking import ready_sockets

if TYPE_CHECKING:
    from socket import socket

W = TypeVar("W")


class Watch(Generic[W]):
    """Who waits at which socket, for one thread. At each look the kernel is told of all of them."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[W, socket, int]] = {}

    def arm(self, interests: Sequence[tuple[socket, int]], who: W) -> Sequence[int]:
        """Have `who` wait at sockets, each for what is asked of it.

        Returns:
            The descriptors, to disarm them by: a socket that was closed meanwhile has none any more.

        Raises:
            ValueError: A socket is closed already.
        """
        descriptors: list[int] = []
        try:
            for sock, mask in interests:
                descriptor = sock.fileno()
                self._enlist(descriptor, mask)
                self._places[descriptor] = (who, sock, mask)
                descriptors.append(descriptor)
        except BaseException:
            self.disarm(descriptors, who)
            raise
        return descriptors

    def disarm(self, descriptors: Iterable[int], who: W) -> None:
        """Have `who` wait there no longer; others may, since a closed socket's number is given to a new one."""
        for descriptor in descriptors:
            place = self._places.get(descriptor)
            if place is not None and place[0] is who:
                del self._places[descriptor]

    def look(self, seconds: float) -> list[tuple[W, socket, int]]:
        """Who waits at which ready socket, and does so no longer; waits `seconds` at most until there is one."""
        open_ones = [(sock, mask) for _, sock, mask in self._places.values() if sock.fileno() >= 0]
        try:
            ready = ready_sockets(open_ones, seconds)
        except TimeoutError:
            return []
        return [self._places.pop(sock.fileno()) for sock in ready]

    def close(self) -> None:
        """Give everything back."""

    def _enlist(self, descriptor: int, _mask: int) -> None:
        """Tell the kernel what is awaited, if it can remember that; a closed socket is refused."""
        if descriptor < 0:
            raise ValueError("a socket that is closed cannot be waited at")


class EpollWatch(Watch[W]):
    """The kernel remembers the list, so that a look costs the same however many are on it.

    One change to the list arms a socket. To leave it armed, for any number of signs, would be no cheaper: it would stay
    readable until its task has its turn, and cost the loop a look in vain before that.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._events = {
            READ: select.EPOLLONESHOT | select.EPOLLIN,
            WRITE: select.EPOLLONESHOT | select.EPOLLOUT,
            READ | WRITE: select.EPOLLONESHOT | select.EPOLLIN | select.EPOLLOUT,
        }

    def fileno(self) -> int:
        """A descriptor that can itself be watched: it is readable when a look would find something."""
        return self._epoll.fileno()

    def look(self, seconds: float) -> list[tuple[W, socket, int]]:
        places = self._places
        return [place for each, _ in self._epoll.poll(seconds) if (place := places.pop(each, None))]

    def close(self) -> None:
        self._epoll.close()

    def _enlist(self, descriptor: int, mask: int) -> None:
        events = self._events[mask]
        try:
            self._epoll.modify(descriptor, events)
        except FileNotFoundError:  # new here, though perhaps with the number of one that was closed
            self._epoll.register(descriptor, events)


def new_watch() -> Watch[Any]:
    """The best that the system has."""
    return EpollWatch() if hasattr(select, "epoll") else Watch()
