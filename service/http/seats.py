"""Who may be in the application, and who waits for a seat there."""

import threading
import time
from collections import deque

from service.http.connection import Connection


class Seats:
    """As many seats as there are. One that is left goes to who has waited longest."""

    def __init__(self, seats: int) -> None:
        self._lock = threading.Lock()
        self._free = seats
        #: Each with `time.monotonic()` of its coming.
        self._waiting: deque[tuple[float, Connection]] = deque()

    def take(self, connection: Connection) -> bool:
        """Take a seat; if there is none the connection waits, and belongs to who calls it up."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            self._waiting.append((time.monotonic(), connection))
            return False

    def leave(self) -> Connection | None:
        """Leave a seat; the connection returned has it now."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()[1]
            self._free += 1
            return None

    def give_up(self, seconds: float) -> Connection | None:
        """Call up who has waited for this long already, without a seat."""
        with self._lock:
            if self._waiting and time.monotonic() - self._waiting[0][0] > seconds:
                return self._waiting.popleft()[1]
            return None
