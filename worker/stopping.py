"""A request to stop, which a signal handler can make and a pause notices at once."""

import os
import select
import threading
import time
import weakref
from types import FrameType
from typing import Final

#: A worker that was asked to stop ends within this time, cleanly or not: leases bring its claims back.
_LAST_S: Final = 3.0
#: A second signal within this time counts as the same one: a terminal and a parent may both send it.
_SAME_S: Final = 0.2


class StopRequest:
    """Set once, never cleared. It uses a pipe, because a signal handler must not take locks."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._requested_at = 0.0
        #: Closes the pipe: when called, or when this object is collected.
        self.close = weakref.finalize(self, _close, self._read, self._write)
        # A signal may still come at the end of the process.
        self.close.atexit = False
        self.requested = False

    @property
    def fd(self) -> int:
        """Readable from the request on."""
        return self._read

    def request(self) -> None:
        """Make the request. Safe in a signal handler."""
        if not self.requested:
            self.requested = True
            self._requested_at = time.monotonic()
            os.write(self._write, b"!")

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        """A signal handler: the first signal is a request, the second ends the process at once."""
        if self.requested and time.monotonic() - self._requested_at > _SAME_S:
            os.write(2, b"worker: ends at once; what it claimed comes back when the lease ends\n")
            os._exit(128 + signum)
        self.request()

    def pause(self, seconds: float) -> bool:
        """Wait `seconds` or until the request is made; return whether it is."""
        if not self.requested:
            select.select([self._read], [], [], max(0.0, seconds))
        return self.requested

    def enforce(self) -> None:
        """Make sure that the process ends soon after the request, even if it hangs."""

        def end() -> None:
            select.select([self._read], [], [])
            threading.Event().wait(_LAST_S)
            os.write(2, b"worker: could not end in good order; what it claimed comes back by its lease\n")
            os._exit(1)

        threading.Thread(target=end, name="last resort", daemon=True).start()


def _close(*descriptors: int) -> None:
    for each in descriptors:
        os.close(each)
