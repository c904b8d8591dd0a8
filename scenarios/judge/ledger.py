"""The ledger: every write that labctl attempts, and its answer. Plain data, no I/O."""

import math
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

#: unknown: a timeout or a lost connection; the write may or may not have been taken.
Answer = Literal["acknowledged", "refused", "unknown"]
Operation = Literal["create", "update", "delete"]
#: After these HTTP answers it is unknown whether the write was taken. The service itself answers 504 then.
_UNKNOWN_STATUSES: Final = frozenset({500, 502, 504})


def answer_without_product(status: int) -> Answer:
    """What an HTTP answer that holds no product means for a write.

    Args:
        status: The HTTP status. Success without a product is unknown, like a failure of the server.
    """
    return "unknown" if 200 <= status < 300 or status in _UNKNOWN_STATUSES else "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One attempted write and its answer."""

    #: None for a create that was not acknowledged: the server assigns the id.
    product: str | None
    operation: Operation
    #: name, price, quantity as sent; None for a delete.
    value: Mapping[str, Any] | None
    answer: Answer
    #: The acknowledged version, None without an acknowledgement.
    version: int | None = None
    #: When it was sent, and when its answer had come or the wait for it ended, s of labctl's monotonic clock.
    #: If they come from a coarser clock, the interval is widened by its resolution.
    sent_at: float = 0.0
    finished_at: float = 0.0
    #: How long the answer took.
    latency_ms: float = 0.0
    #: When a schedule wanted it sent, s of labctl's monotonic clock; None: when it was.
    due_at: float | None = None
    #: The group that the scenario put it in, such as "queued at the crash"; may be empty.
    group: str = ""
    #: What the server answered, if it did not acknowledge the write.
    detail: str = ""
    #: The id of its trace, 32 hexadecimal digits; empty if it was not traced.
    trace: str = ""

    @property
    def over_at(self) -> float:
        """When it can no longer take effect, s of labctl's monotonic clock. A write without an answer may
        take effect at any later time, or never."""
        return math.inf if self.answer == "unknown" else self.finished_at


class Ledger:
    """Writes in the order in which their answers arrived. Several threads may record; one may `release`."""

    def __init__(self) -> None:
        self._writes: deque[Write] = deque()
        self._released = 0
        self._counts: Counter[Answer] = Counter()
        self._lock = threading.Lock()

    def record(self, write: Write) -> None:
        """Enter a write and its answer."""
        with self._lock:
            self._counts[write.answer] += 1
            self._writes.append(write)

    @property
    def writes(self) -> tuple[Write, ...]:
        """Those that were not released."""
        return tuple(self.since(self._released))

    def count(self, answer: Answer) -> int:
        """How many writes had this answer, released ones included."""
        return self._counts[answer]

    def since(self, number: int) -> list[Write]:
        """The writes from this number on, the first being 0. They must not be released yet."""
        first, end = number - self._released, len(self._writes)
        # The deque may grow meanwhile, which ends an iterator over it.
        return [self._writes[n] for n in range(first, end)]

    def release(self, number: int) -> None:
        """Forget the writes before this number: whoever needs them has them."""
        while self._released < number:
            self._writes.popleft()
            self._released += 1

    def products(self) -> frozenset[str]:
        """Every product that a write named or was given, unless it was released."""
        return frozenset(w.product for w in self.writes if w.product is not None)
