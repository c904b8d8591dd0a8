"""Which descriptors are ready, for several threads at once: each readiness wakes one of them, once."""

import select
import sys
from typing import Protocol


class Poller(Protocol):
    """A descriptor is watched after `arm`, and again only after another `arm`."""

    def arm(self, fd: int, *, write: bool = False, new: bool = False) -> None:
        """Wait until it can be read, or written. `new`: it was never armed before."""

    def always(self, fd: int) -> None:
        """Wake every thread as long as this one can be read."""

    def next(self, seconds: float) -> int:
        """One ready descriptor; -1 if none was within `seconds`."""


if sys.platform == "linux":

    class _Epoll:
        def __init__(self) -> None:
            self._epoll = select.epoll()

        def arm(self, fd: int, *, write: bool = False, new: bool = False) -> None:
            mask = select.EPOLLONESHOT | (select.EPOLLOUT if write else select.EPOLLIN)
            (self._epoll.register if new else self._epoll.modify)(fd, mask)

        def always(self, fd: int) -> None:
            self._epoll.register(fd, select.EPOLLIN)

        def next(self, seconds: float) -> int:
            found = self._epoll.poll(seconds, 1)
            return found[0][0] if found else -1

    def new_poller() -> Poller:
        return _Epoll()

else:

    class _Kqueue:
        def __init__(self) -> None:
            self._queue = select.kqueue()

        def arm(self, fd: int, *, write: bool = False, new: bool = False) -> None:
            kind = select.KQ_FILTER_WRITE if write else select.KQ_FILTER_READ
            self._queue.control([select.kevent(fd, kind, select.KQ_EV_ADD | select.KQ_EV_ONESHOT)], 0)

        def always(self, fd: int) -> None:
            self._queue.control([select.kevent(fd, select.KQ_FILTER_READ, select.KQ_EV_ADD)], 0)

        def next(self, seconds: float) -> int:
            found = self._queue.control(None, 1, seconds)
            return int(found[0].ident) if found else -1

    def new_poller() -> Poller:
        return _Kqueue()
