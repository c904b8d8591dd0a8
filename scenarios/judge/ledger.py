"""The ledger: every write that labctl attempts, and what came back. Plain data, no I/O."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

#: unknown: a timeout or a lost connection; the write may or may not have been taken.
Answer = Literal["acknowledged", "refused", "unknown"]
Operation = Literal["create", "update", "delete"]
#: HTTP answers after which nobody can say whether a write was taken; the service says so with 504.
_UNKNOWN: Final = frozenset({500, 502, 504})


def answer_without_product(status: int) -> Answer:
    """What an HTTP answer says of a write if it does not say what was taken: success without that leaves
    it as open as the server's own failure does."""
    return "unknown" if 200 <= status < 300 or status in _UNKNOWN else "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One attempted write and its answer."""

    #: None where a create was never acknowledged: the id is the server's to give.
    product: str | None
    operation: Operation
    #: name, price, quantity as sent; None for a delete.
    value: Mapping[str, Any] | None
    answer: Answer
    #: The acknowledged version, None without an acknowledgement.
    version: int | None = None
    #: s of labctl's monotonic clock: when it was sent, and when its answer had come or was given up. Where
    #: the clock is coarser than that, both are widened outward by its resolution.
    sent_at: float = 0.0
    finished_at: float = 0.0
    #: How long the answer took.
    latency_ms: float = 0.0
    #: Scenario-given group ("persisted first", "queued at the crash"); may be empty.
    group: str = ""
    #: What the server said, where it did not acknowledge.
    detail: str = ""

    @property
    def over_at(self) -> float:
        """When it can't take effect any more, s of labctl's monotonic clock: a write without an answer may
        take effect at any later time, or never."""
        return math.inf if self.answer == "unknown" else self.finished_at


class Ledger:
    """Writes in the order in which their answers arrived. Several threads may record."""

    def __init__(self) -> None:
        self._writes: list[Write] = []

    def record(self, write: Write) -> None:
        self._writes.append(write)

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(self._writes)

    def since(self, number: int) -> list[Write]:
        """The writes from this number on, the first being 0."""
        return self._writes[number:]

    def acknowledged(self, group: str | None = None) -> tuple[Write, ...]:
        """The acknowledged writes, of one group or of all."""
        return tuple(
            w for w in self._writes if w.answer == "acknowledged" and (group is None or w.group == group)
        )

    def products(self) -> frozenset[str]:
        """Every product that a write named or was given."""
        return frozenset(w.product for w in self._writes if w.product is not None)
