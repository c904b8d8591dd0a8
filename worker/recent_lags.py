"""How long the newest persisted writes were only in Redis, for the lab's page."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from service.percentiles import percentile

#: What counts as recent, in s.
_RECENT_S: Final = 2.0
#: Lags that are kept of one batch, and batches.
_KEPT, _BATCHES = 100, 50


class RecentLags:
    """The lags of the last two seconds. Of a large batch, some stand for all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: Of each batch: when it was committed, some of its lags, and the longest of all, in s.
        self._batches: deque[tuple[float, Sequence[float], float]] = deque(maxlen=_BATCHES)

    def add(self, lags: Sequence[float]) -> None:
        """A batch with these lags, in s, was committed."""
        if lags:
            some = lags[:: max(1, len(lags) // _KEPT)]
            with self._lock:
                self._batches.append((self._clock(), some, max(lags)))

    def percentiles_ms(self) -> tuple[float, float, float] | None:
        """Median, 99th percentile and maximum, in ms; None if nothing was committed."""
        oldest = self._clock() - _RECENT_S
        with self._lock:
            recent = [batch for batch in self._batches if batch[0] >= oldest]
        if not recent:
            return None
        lags = sorted(lag for _, some, _ in recent for lag in some)
        longest = max(longest for *_, longest in recent)
        return 1000 * percentile(lags, 0.5), 1000 * percentile(lags, 0.99), 1000 * longest
