"""The named figures of a run: what each is called, counts, and is better when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

#: time: kept in ms. count: of `unit`. rate: a second.
Kind = Literal["time", "count", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """How one figure is read."""

    kind: Kind
    unit: str
    #: Which of two values is better; None: neither.
    better: Literal["lower", "higher"] | None = None
    #: What it is a share of: "writes"; empty if it is not one.
    whole: str = ""


def _times(prefix: str) -> dict[str, About]:
    return {
        f"{prefix}{which}": About(kind="time", unit="ms", better="lower")
        for which in ("p50", "p95", "p99", "max")
    }


def _count(unit: str, better: Literal["lower", "higher"] | None = None, whole: str = "") -> About:
    return About(kind="count", unit=unit, better=better, whole=whole)


#: In the order in which people look at them.
FIGURES: Final[Mapping[str, About]] = {
    **_times(""),
    **_times("read_"),
    **_times("persist_lag_"),
    "throughput": About(kind="rate", unit="requests/s", better="higher"),
    "writes_per_second": About(kind="rate", unit="writes/s", better="higher"),
    "lost": _count("writes", "lower", "acknowledged writes"),
    "lost_products": _count("products", "lower"),
    "undetermined": _count("writes", "lower", "acknowledged writes"),
    "dead_lettered": _count("writes", "lower", "acknowledged writes"),
    "pending": _count("writes", "lower", "acknowledged writes"),
    "acknowledged": _count("writes", "higher", "writes"),
    "refused": _count("writes", "lower", "writes"),
    "unknown": _count("writes", "lower", "writes"),
    "errors": _count("requests", "lower", "requests"),
    "unsent": _count("requests", "lower", "requests that were due"),
    "stale_reads": _count("reads", "lower", "reads"),
    "queue_max": _count("products", "lower"),
    "coalesced": _count("writes", None, "acknowledged writes"),
    "persisted": _count("rows", None),
}
