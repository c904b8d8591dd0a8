"""A request to stop that a signal handler may make and a pause notices at once."""

import os
import select


class StopRequest:
    """Set once, never cleared. A pipe, because locks must not be taken in a signal handler."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self.requested = False

    def request(self) -> None:
        if not self.requested:
            self.requested = True
            os.write(self._write, b"!")

    def pause(self, seconds: float) -> bool:
        """Wait `seconds` or until the request is made; return whether it is."""
        if not self.requested:
            select.select([self._read], [], [], max(0.0, seconds))
        return self.requested

    def close(self) -> None:
        """Give the pipe back, once no signal can come any more."""
        os.close(self._read)
        os.close(self._write)
