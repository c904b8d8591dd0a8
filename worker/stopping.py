"""A request to stop that a signal handler may make and a pause notices at once."""

import os
import select
import threading
import time
import weakref
from types import FrameType
from typing import Final

#: s after which a worker that was asked to stop ends, in good order or not: leases bring its claims back.
_LAST_SECONDS: Final = 3.0
#: s within which a second signal is taken for the same one: a terminal and a parent may both send it.
_SAME_SECONDS: Final = 0.2


class StopRequest:
    """Set once, never cleared. A pipe, because locks must not be taken in a signal handler."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._requested_at = 0.0
        #: Gives the pipe back: when it is called, or with the request itself.
        self.close = weakref.finalize(self, _close, self._read, self._write)
        # At the end of the process a signal may still come.
        self.close.atexit = False
        self.requested = False

    @property
    def fd(self) -> int:
        """Readable from the request on."""
        return self._read

    def request(self) -> None:
        if not self.requested:
            self.requested = True
            self._requested_at = time.monotonic()
            os.write(self._write, b"!")

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        """A signal handler: the first signal is a request, the second ends the process at once."""
        if self.requested and time.monotonic() - self._requested_at > _SAME_SECONDS:
            os.write(2, b"worker: ends at once; what it claimed comes back when the lease ends\n")
            os._exit(128 + signum)
        self.request()

    def pause(self, seconds: float) -> bool:
        """Wait `seconds` or until the request is made; return whether it is."""
        if not self.requested:
            select.select([self._read], [], [], max(0.0, seconds))
        return self.requested

    def enforce(self) -> None:
        """See to it that the process ends soon after the request, whatever it hangs in."""

        def end() -> None:
            select.select([self._read], [], [])
            threading.Event().wait(_LAST_SECONDS)
            os.write(2, b"worker: could not end in good order; what it claimed comes back by its lease\n")
            os._exit(1)

        threading.Thread(target=end, name="last resort", daemon=True).start()


def _close(*descriptors: int) -> None:
    for each in descriptors:
        os.close(each)
